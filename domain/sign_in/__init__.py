"""Signing in: identity providers, OpenID Connect, and one-time codes."""
