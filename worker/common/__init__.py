"""What several worker packages share: retries, health checks, usage metering, LiveKit rooms."""
