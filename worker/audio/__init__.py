"""The audio of a call: taps, the two-channel timeline, Ogg Opus and the upload spool of recordings,
and tones."""
