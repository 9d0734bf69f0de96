"""Emulators of cloud services at the wire: the real client libraries connect to them."""
