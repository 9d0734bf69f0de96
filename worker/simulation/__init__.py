"""Runs suites of simulated conversations on the agents that also serve calls."""
