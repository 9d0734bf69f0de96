"""The lobby process: puts callers on hold while all workers are busy."""
