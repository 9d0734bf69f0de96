"""The session of one call, in text or voice, on livekit-agents."""
