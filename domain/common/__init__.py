"""What every part of the domain builds on: errors, settings, access, JSON values and pacing."""
