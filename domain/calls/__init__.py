"""Calls: their states, events, commands, recordings, and the leases by which workers hold them."""
