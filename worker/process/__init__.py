"""Worker processes: the pool, the host in each process, and the runner of each call."""
