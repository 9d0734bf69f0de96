"""Simulated conversations: the suites, their expectations, and the stubs they run against."""
