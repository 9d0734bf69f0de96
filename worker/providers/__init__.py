"""Builds the LLM, STT, TTS and VAD of agents, with failover between providers."""
