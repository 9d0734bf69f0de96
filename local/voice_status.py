"""What `./studio` says about voice calls, and the notice with which the API refuses them until the
built-in LiveKit server has been built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local import private_files
from local.livekit_availability import LivekitAvailability
from local.state_dir import PROGRAM, ServiceStatus

BUILD_SERVICE, SERVER_SERVICE = "livekit-build", "livekit"
PREPARING = (
    "being prepared: livekit-server is being built, once, which takes a few minutes;"
    f" `{PROGRAM} logs -f {BUILD_SERVICE}` shows the progress"
)


@dataclass(frozen=True, slots=True)
class VoiceStatus:
    availability: LivekitAvailability
    notice: Path

    def update(self, services: Sequence[ServiceStatus]) -> str:
        """Return the description for the user. The notice file exists, with the same text, while
        the server that this start builds has not become ready."""
        obstacle = self._obstacle(services) if self.availability.must_build else ""
        if obstacle:
            private_files.write_private(self.notice, f"Voice calls are {obstacle}.")
        else:
            self.notice.unlink(missing_ok=True)
        return (obstacle or self.availability.description) + self.availability.remark

    @staticmethod
    def _obstacle(services: Sequence[ServiceStatus]) -> str:
        for service in services:
            if service.state == "failed":
                return (
                    f"off: {service.name} failed; `{PROGRAM} logs {service.name}` shows why,"
                    f" and the next `{PROGRAM} up` tries again"
                )
        [server] = (service for service in services if service.name == SERVER_SERVICE)
        was_ready = server.state not in ("waiting", "starting") or server.restarts
        return "" if was_ready else PREPARING
