"""The keeper process: reaps dead workers, ends overdue calls, processes recordings, cleans up."""
