"""Every setting, its default and its meaning. A process reads them once, when it starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from domain.common.errors import InvalidSetting

MIN_DATABASE_CONNECTIONS = 2
"""An API process needs one connection for requests and one for the event log."""

MIN_AUDIT_RETENTION_DAYS = 30
"""The minimum keeps a user who has just become an owner from hiding what they do."""

_HOST = r"(\[[^\]]*\]|[^:,\[\]]*)(:\d*)?"
HOST_LIST = re.compile(f"{_HOST}(,{_HOST})*")


def setting(default: Any, help: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"help": help, "secret": secret}, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    database_url: str = setting(
        "postgresql://localhost/agent_studio",
        "URL of the database, on PostgreSQL 15 or newer",
        secret=True,
    )
    migrate_database_url: str = setting(
        "",
        "The same database as its owner, for migrations, logins and backups; DATABASE_URL if empty",
        secret=True,
    )
    database_connections: int = setting(
        26, "Maximum number of PostgreSQL connections per API process; 2 or more"
    )
    worker_database_connections: int = setting(
        10, "Maximum number of connections per worker process, and per keeper; 2 or more"
    )
    redis_url: str = setting(
        "redis://localhost:6379",
        "URL of Redis 6.2 or newer, or of Valkey; for a cluster, redis+cluster:// or "
        "rediss+cluster:// and any of its nodes",
        secret=True,
    )
    secret_key: str = setting(
        "",
        "Secret that signs tokens and API keys: 32 or more random characters; to rotate it, list "
        "several, comma-separated (the first signs)",
        secret=True,
    )
    api_host: str = setting("127.0.0.1", "Address the API listens on")
    api_port: int = setting(8000, "Port the API listens on")
    allowed_origins: str = setting(
        "", "Comma-separated origins of dashboards that are served from other hosts"
    )
    public_url: str = setting(
        "",
        "URL at which people reach this installation, for links to it and for redirect URIs of identity "
        "providers; the address of the API if empty",
    )
    trusted_proxies: str = setting(
        "",
        "Addresses or networks of reverse proxies whose X-Forwarded-For names the client, "
        "comma-separated; none if empty",
    )
    lame_duck_seconds: float = setting(
        0.0, "How long an API process that is shutting down reports not ready but still serves"
    )
    local_token: str = setting(
        "",
        "Token offered to the pages of the API on this machine; only `./studio up` sets it",
        secret=True,
    )
    voice_notice_file: str = setting(
        "",
        "File that says why voice calls cannot be started, while it exists; only `./studio up` sets "
        "it",
    )
    health_host: str = setting(
        "127.0.0.1", "Address of /health/ready of a worker, a keeper or a lobby"
    )
    health_port: int = setting(
        0, "Port of /health/ready of a worker, a keeper or a lobby; 0 = none"
    )
    log_level: str = setting("INFO", "Lowest level that is logged: DEBUG, INFO, WARNING or ERROR")

    access_token_seconds: int = setting(600, "How long an access token is valid")
    refresh_token_seconds: int = setting(2_592_000, "How long a refresh token is valid")
    requests_per_minute: int = setting(600, "Requests a key or user may make per minute")
    anonymous_requests_per_minute: int = setting(
        60, "Requests an IP address may make per minute without signing in"
    )
    subscriptions_per_minute: int = setting(
        2000, "Subscriptions a key or user may start per minute, counted separately from requests"
    )
    max_sockets_per_address: int = setting(
        1000, "WebSockets an IP address may have open at once with one API process"
    )
    max_sockets_per_key: int = setting(
        1000, "WebSockets a key or user may have open at once with one API process"
    )
    max_sockets_per_tenant: int = setting(
        2000, "WebSockets a tenant may have open at once with one API process"
    )
    max_subscriptions_per_key: int = setting(
        2000, "Subscriptions that one API process serves at once for a key or user"
    )
    max_subscriptions_per_tenant: int = setting(
        5000, "Subscriptions that one API process serves at once for a tenant"
    )
    tenant_requests_per_minute: int = setting(
        0,
        "Requests that all keys and users of a tenant may make per minute together; 0 = ten times "
        "REQUESTS_PER_MINUTE",
    )
    tenant_sockets: int = setting(
        5_000, "WebSockets a tenant may have open at once with all API processes; 0 = no limit"
    )
    tenant_subscriptions: int = setting(
        20_000, "Subscriptions that all API processes serve at once for a tenant; 0 = no limit"
    )
    tenant_agents: int = setting(5_000, "Agents a tenant may have; 0 = no limit")
    tenant_tools: int = setting(5_000, "Tools a tenant may have; 0 = no limit")
    tenant_workflows: int = setting(5_000, "Workflows a tenant may have; 0 = no limit")
    tenant_storage_megabytes: int = setting(
        0, "Megabytes that a tenant may store in the database and as recordings; 0 = no limit"
    )
    tenant_grace_days: int = setting(
        30, "Days after which a tenant is deleted, unless the operator chooses another time"
    )

    worker_processes: int = setting(0, "Worker processes on a machine; 0 = one for each core")
    worker_capacity: int = setting(100, "Calls that one worker process holds at once")
    worker_voice_capacity: int = setting(8, "Voice calls that one worker process holds at once")
    worker_voice_calls: int = setting(
        400, "Voice calls after which a worker process is replaced by a new one; 0 = never"
    )
    claim_seconds: float = setting(
        5.0, "A new call that no worker claims within this time ends with NO_WORKER"
    )
    dial_queue_seconds: float = setting(
        300.0,
        "How long a call waits in addition until its outbound trunk may dial it; then it ends with "
        "TRUNK_LIMIT",
    )
    hold_after_seconds: int = setting(
        15, "How long the phone of a caller rings while all workers are busy, before the hold"
    )
    hold_seconds: int = setting(
        180,
        "How long a caller may then be on hold, unless their number says otherwise; 0 = never on hold",
    )
    lobby_capacity: int = setting(10, "Callers that one lobby process has on hold at once")
    resume_seconds: float = setting(
        60.0, "A call that lost its worker and gets no other within this time ends with WORKER_LOST"
    )
    max_takeovers: int = setting(
        5,
        "A call whose workers die this many times in a row without progress ends with WORKER_LOST; "
        "0 = no limit",
    )
    heartbeat_seconds: float = setting(1.0, "Interval between the heartbeats of a worker")
    lease_seconds: float = setting(
        3.0, "A worker without a heartbeat for this long is declared dead"
    )
    max_call_seconds: int = setting(3600, "Maximum call duration, unless startCall asks for less")
    join_seconds: float = setting(
        60.0, "A voice call that no caller joins within this time ends with NO_ANSWER"
    )
    return_seconds: float = setting(
        30.0, "How long a voice call waits for a caller who lost the connection"
    )
    outage_seconds: float = setting(
        10.0,
        "A voice call whose STT, LLM or TTS keeps failing for this long ends with PROVIDER_FAILED",
    )
    stt_timeout_seconds: float = setting(
        3.0,
        "An STT provider that does not connect, or returns nothing for caller speech, within this "
        "time is replaced by its fallback",
    )
    tts_timeout_seconds: float = setting(
        2.5, "A TTS provider that produces no audio for this long is replaced by its fallback"
    )
    idle_call_seconds: float = setting(
        900.0, "A text call that receives no message for this long ends"
    )
    retention_days: int = setting(
        30, "Days that ended calls and their events are kept; 0 = forever"
    )

    audit_retention_days: int = setting(
        365,
        "Days that entries of audit logs are kept, 30 or more, unless a tenant chooses otherwise; "
        "0 = forever",
    )

    smtp_url: str = setting(
        "",
        "Mail server for invitations and new passwords: smtps://user:password@host for TLS, smtp:// for "
        "STARTTLS, smtp+plain:// for neither; without one, links are shown to the person who asks",
        secret=True,
    )
    mail_from: str = setting(
        "", "Address that e-mail is sent from, for instance Studio <studio@acme.example>"
    )
    outbound_allow: str = setting(
        "",
        "Private addresses that tools, credentials with a base URL and identity providers may reach, as "
        "comma-separated host:port or CIDR",
    )
    trunk_allow: str = setting(
        "",
        "Private addresses that outbound trunks may have, as comma-separated host:port or CIDR",
    )
    openai_api_key: str = setting("", "API key for agents that use OpenAI", secret=True)
    openai_base_url: str = setting(
        "", "Base URL of an OpenAI-compatible server to use instead of OpenAI"
    )
    livekit_url: str = setting("", "URL of the LiveKit server for voice calls, ws:// or wss://")
    livekit_public_url: str = setting(
        "", "URL at which callers reach LiveKit, if it differs from LIVEKIT_URL"
    )
    livekit_api_key: str = setting("", "API key of the LiveKit server")
    livekit_api_secret: str = setting("", "API secret of the LiveKit server", secret=True)

    recordings_url: str = setting(
        "", "Where recordings are stored: file:///folder or s3://bucket/prefix; none if empty"
    )
    recording_days: int = setting(
        0, "Days that recordings are kept after their calls; 0 = as long as the calls"
    )
    s3_endpoint: str = setting(
        "", "URL of an S3-compatible store to use instead of Amazon S3, as https://host"
    )
    s3_public_endpoint: str = setting(
        "", "URL at which listeners reach that store, if it differs from S3_ENDPOINT"
    )
    s3_region: str = setting("us-east-1", "Region of the bucket")
    s3_access_key: str = setting(
        "", "Access key of the S3 store; if empty, the role of the machine is used"
    )
    s3_secret_key: str = setting("", "Secret key of the S3 store", secret=True)
    spool_folder: str = setting(
        "",
        "Where recorded audio is spooled while the store is unavailable; a temporary folder if empty",
    )
    spool_megabytes: int = setting(
        256, "Maximum size of the spool; audio that does not fit is discarded"
    )

    google_api_key: str = setting("", "API key for agents that use Google Gemini", secret=True)
    google_base_url: str = setting(
        "", "Base URL of a Gemini-compatible server to use instead of Google"
    )
    deepgram_api_key: str = setting(
        "", "API key for agents that use Deepgram for speech recognition", secret=True
    )
    deepgram_base_url: str = setting(
        "", "Base URL of a Deepgram-compatible server to use instead of Deepgram"
    )
    cartesia_api_key: str = setting(
        "", "API key for agents that use Cartesia for speech synthesis", secret=True
    )
    cartesia_base_url: str = setting(
        "", "Base URL of a Cartesia-compatible server to use instead of Cartesia"
    )
    sarvam_api_key: str = setting("", "API key for agents that use Sarvam", secret=True)
    sarvam_base_url: str = setting(
        "", "Base URL of a Sarvam-compatible server to use instead of Sarvam"
    )
    espeak_ng: str = setting(
        "espeak-ng", "Path of the eSpeak NG program, which the TTS provider `local` runs"
    )

    @property
    def owner_database_url(self) -> str:
        return self.migrate_database_url or self.database_url

    @property
    def provider_keys(self) -> frozenset[str]:
        """The providers for which the operator has configured a key that all tenants share."""
        keys = {
            "openai": self.openai_api_key,
            "google": self.google_api_key,
            "deepgram": self.deepgram_api_key,
            "cartesia": self.cartesia_api_key,
            "sarvam": self.sarvam_api_key,
        }
        return frozenset(name for name, key in keys.items() if key)

    @property
    def provider_base_urls(self) -> Mapping[str, str]:
        """The base URL of each provider that takes a key; empty for its public address."""
        return {
            "openai": self.openai_base_url,
            "google": self.google_base_url,
            "deepgram": self.deepgram_base_url,
            "cartesia": self.cartesia_base_url,
            "sarvam": self.sarvam_base_url,
        }

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read NAME for every field `name`. Raises `InvalidSetting` for the first invalid value."""
        present = {f.name: f for f in fields(cls) if environ.get(f.name.upper(), "") != ""}
        settings = cls(
            **{name: _parse(f.type, environ[name.upper()], name) for name, f in present.items()}
        )
        for name in ("database_url", "migrate_database_url", "redis_url"):
            _check_url(getattr(settings, name), name)
        for name in ("database_connections", "worker_database_connections"):
            if getattr(settings, name) < MIN_DATABASE_CONNECTIONS:
                raise InvalidSetting(f"{name.upper()} must be {MIN_DATABASE_CONNECTIONS} or more")
        if 0 < settings.audit_retention_days < MIN_AUDIT_RETENTION_DAYS:
            raise InvalidSetting(
                f"AUDIT_RETENTION_DAYS must be {MIN_AUDIT_RETENTION_DAYS} or more, or 0"
            )
        return settings


def _parse(kind: Any, text: str, name: str) -> Any:
    convert = {"int": int, "float": float}.get(kind, str)
    try:
        return convert(text)
    except ValueError:
        raise InvalidSetting(f"{name.upper()} must be a number, not {text!r}") from None


def _check_url(url: str, name: str) -> None:
    """Reject URLs whose password has an unescaped / ? # or @, which would split the URL early."""
    try:
        parts = urlsplit(url)
    except ValueError:
        is_valid = False
    else:
        account, _, hosts = parts.netloc.rpartition("@")
        is_valid = HOST_LIST.fullmatch(hosts) is not None and not parts.fragment
        is_valid = is_valid and "@" not in account + parts.path + parts.query
    if not is_valid:
        raise InvalidSetting(
            f"{name.upper()} is not a valid URL. Percent-encode the special characters in its "
            "password: / is %2F, ? is %3F, # is %23, @ is %40, : is %3A, and % is %25."
        )
