"""Every setting, its default and what it means. Read once, at the edge of a process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from domain.errors import InvalidSetting

LEAST_CONNECTIONS = 2
"""An API process needs one for requests and one for the event log."""

_HOST = r"(\[[^\]]*\]|[^:,\[\]]*)(:\d*)?"
HOSTS = re.compile(f"{_HOST}(,{_HOST})*")


def setting(default: Any, help: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"help": help, "secret": secret}, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    database_url: str = setting(
        "postgresql://localhost/agent_studio", "PostgreSQL 15 or newer", secret=True
    )
    migrate_database_url: str = setting(
        "",
        "The same database as its owner, for migrations, logins and backups; DATABASE_URL without",
        secret=True,
    )
    database_connections: int = setting(
        26, "Connections to PostgreSQL that an API process opens at most; 2 or more"
    )
    worker_database_connections: int = setting(
        10, "Connections that each worker process, and each keeper, opens at most; 2 or more"
    )
    redis_url: str = setting(
        "redis://localhost:6379",
        "Redis 6.2 or newer, or Valkey; redis+cluster:// or rediss+cluster:// and any node for a "
        "cluster",
        secret=True,
    )
    secret_key: str = setting(
        "",
        "Signs tokens and keys of the API: 32 or more random characters; "
        "several, comma-separated, to rotate (the first signs)",
        secret=True,
    )
    api_host: str = setting("127.0.0.1", "Address the API listens on")
    api_port: int = setting(8000, "Port the API listens on")
    allowed_origins: str = setting("", "Comma-separated origins of dashboards on other hosts")
    trusted_proxies: str = setting(
        "",
        "Addresses or networks of reverse proxies whose X-Forwarded-For names the client, "
        "comma-separated; none without",
    )
    lame_duck_seconds: float = setting(
        0.0, "An API process that is told to stop is not ready, but still serves, for so long"
    )
    local_token: str = setting(
        "", "Offered to GraphiQL and /talk on this machine; set by `./studio up` only", secret=True
    )
    health_host: str = setting("127.0.0.1", "Address of /health/ready of a worker or a keeper")
    health_port: int = setting(0, "Port of /health/ready of a worker or a keeper; 0 = none")
    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR")

    access_token_seconds: int = setting(600, "How long an access token is good for")
    refresh_token_seconds: int = setting(2_592_000, "How long a refresh token is good for")
    requests_per_minute: int = setting(600, "Requests a key or user may make per minute")
    anonymous_requests_per_minute: int = setting(
        60, "Requests an address may make per minute before it has signed in"
    )
    subscriptions_per_minute: int = setting(
        2000, "Subscriptions a key or user may begin per minute, apart from requests"
    )
    max_sockets_per_address: int = setting(
        1000, "WebSockets an address may have open at once with one API process"
    )
    max_sockets_per_key: int = setting(
        1000, "WebSockets a key or user may have open at once with one API process"
    )
    max_sockets_per_tenant: int = setting(
        2000, "WebSockets a tenant may have open at once with one API process"
    )
    max_subscriptions_per_key: int = setting(
        2000, "Subscriptions of a key or user that one API process serves at once"
    )
    max_subscriptions_per_tenant: int = setting(
        5000, "Subscriptions of a tenant that one API process serves at once"
    )

    worker_processes: int = setting(0, "Worker processes on a machine; 0 = one for each core")
    worker_capacity: int = setting(100, "Calls one worker process holds at once")
    worker_voice_capacity: int = setting(8, "Of these, voice calls")
    worker_voice_calls: int = setting(
        400, "Voice calls after which a fresh process takes the place of a worker's; 0 = never"
    )
    claim_seconds: float = setting(
        5.0, "A new call that no worker takes in this time ends NO_WORKER"
    )
    resume_seconds: float = setting(
        60.0, "A call that lost its worker and finds no other in this time ends WORKER_LOST"
    )
    max_takeovers: int = setting(
        5,
        "A call whose workers die this often in a row before they get anywhere ends WORKER_LOST; "
        "0 = never for that reason",
    )
    heartbeat_seconds: float = setting(1.0, "How often a worker says that it is alive")
    lease_seconds: float = setting(3.0, "A worker silent for this long is taken for dead")
    max_call_seconds: int = setting(3600, "Longest call, unless startCall asks for less")
    join_seconds: float = setting(
        60.0, "A voice call that nobody joins in this time ends NO_ANSWER"
    )
    return_seconds: float = setting(30.0, "A caller who is gone may come back for so long")
    outage_seconds: float = setting(
        10.0,
        "A voice call that nobody hears, answers or speaks in for so long ends PROVIDER_FAILED",
    )
    stt_timeout_seconds: float = setting(
        3.0,
        "Speech to text that does not connect, or returns nothing for what a caller said, in this "
        "time is replaced by its fallback",
    )
    tts_timeout_seconds: float = setting(
        2.5, "Text to speech that produces no audio for this long is replaced by its fallback"
    )
    idle_call_seconds: float = setting(900.0, "A text call without a message for this long ends")
    retention_days: int = setting(
        30, "Ended calls and their events are kept this long; 0 = for ever"
    )

    outbound_allow: str = setting(
        "", "Private addresses that tools may reach, comma-separated host:port or CIDR"
    )
    openai_api_key: str = setting("", "Key for agents on OpenAI", secret=True)
    openai_base_url: str = setting("", "An OpenAI-compatible server instead of OpenAI")
    livekit_url: str = setting("", "LiveKit server for voice calls, as ws:// or wss://")
    livekit_public_url: str = setting(
        "", "Where callers reach LiveKit, when that is another address than for us"
    )
    livekit_api_key: str = setting("", "Key of the LiveKit server")
    livekit_api_secret: str = setting("", "Secret that belongs to that key", secret=True)

    recordings_url: str = setting(
        "", "Where recordings of calls are kept: file:///folder or s3://bucket/prefix; none without"
    )
    recording_days: int = setting(
        0, "Recordings are kept this long after their calls; 0 = as long as the calls"
    )
    s3_endpoint: str = setting("", "An S3-compatible store instead of Amazon's, as https://host")
    s3_public_endpoint: str = setting(
        "", "Where listeners reach that store, when that is another address than for us"
    )
    s3_region: str = setting("us-east-1", "Region of the bucket")
    s3_access_key: str = setting("", "Key of the S3 store; where there is none, the machine's role")
    s3_secret_key: str = setting("", "Secret that belongs to that key", secret=True)
    spool_folder: str = setting(
        "", "Where pieces of recordings wait for a store that is away; a temporary folder without"
    )
    spool_megabytes: int = setting(256, "How much may wait there; what is more is lost")

    google_api_key: str = setting("", "Key for agents on Gemini", secret=True)
    google_base_url: str = setting("", "A Gemini-compatible server instead of Google")
    deepgram_api_key: str = setting("", "Key for agents that hear through Deepgram", secret=True)
    deepgram_base_url: str = setting("", "A Deepgram-compatible server instead of Deepgram")
    cartesia_api_key: str = setting("", "Key for agents that speak through Cartesia", secret=True)
    cartesia_base_url: str = setting("", "A Cartesia-compatible server instead of Cartesia")
    sarvam_api_key: str = setting("", "Key for agents on Sarvam", secret=True)
    sarvam_base_url: str = setting("", "A Sarvam-compatible server instead of Sarvam")
    espeak_ng: str = setting("espeak-ng", "The program behind the voice `local`")

    @property
    def owner_database_url(self) -> str:
        return self.migrate_database_url or self.database_url

    @property
    def provider_keys(self) -> frozenset[str]:
        """The providers that there is a key for, of whichever tenant."""
        held = {
            "openai": self.openai_api_key,
            "google": self.google_api_key,
            "deepgram": self.deepgram_api_key,
            "cartesia": self.cartesia_api_key,
            "sarvam": self.sarvam_api_key,
        }
        return frozenset(name for name, key in held.items() if key)

    @property
    def provider_base_urls(self) -> Mapping[str, str]:
        """Where each provider with a key is reached; empty for its public address."""
        return {
            "openai": self.openai_base_url,
            "google": self.google_base_url,
            "deepgram": self.deepgram_base_url,
            "cartesia": self.cartesia_base_url,
            "sarvam": self.sarvam_base_url,
        }

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read NAME for every field `name`; raise `InvalidSetting` naming the first bad one."""
        given = {f.name: f for f in fields(cls) if environ.get(f.name.upper(), "") != ""}
        settings = cls(
            **{name: _read(f.type, environ[name.upper()], name) for name, f in given.items()}
        )
        for name in ("database_url", "migrate_database_url", "redis_url"):
            _refuse_a_torn_url(getattr(settings, name), name)
        for name in ("database_connections", "worker_database_connections"):
            if getattr(settings, name) < LEAST_CONNECTIONS:
                raise InvalidSetting(f"{name.upper()} must be {LEAST_CONNECTIONS} or more")
        return settings


def _read(kind: Any, text: str, name: str) -> Any:
    convert = {"int": int, "float": float}.get(kind, str)
    try:
        return convert(text)
    except ValueError:
        raise InvalidSetting(f"{name.upper()} must be a number, not {text!r}") from None


def _refuse_a_torn_url(url: str, name: str) -> None:
    """A password with one of / ? # @ in it ends the URL's host before it has begun."""
    try:
        parts = urlsplit(url)
    except ValueError:
        whole = False
    else:
        account, _, hosts = parts.netloc.rpartition("@")
        whole = HOSTS.fullmatch(hosts) is not None and not parts.fragment
        whole = whole and "@" not in account + parts.path + parts.query
    if not whole:
        raise InvalidSetting(
            f"{name.upper()} cannot be read as a URL. Percent-encode what is special in its "
            "password: / is %2F, ? is %3F, # is %23, @ is %40, : is %3A, and % is %25."
        )
