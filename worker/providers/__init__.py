"""Models, speech to text and text to speech of providers, and what takes over when one fails."""
