"""Who answered an outbound phone call, and what to do about it."""
