"""Stand-ins for the clouds that cannot be had here, at the wire: real clients talk to them."""
