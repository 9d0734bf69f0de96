"""Client of the Agent Studio API."""

from agent_studio_client.client import Studio
from agent_studio_client.credentials import ApiKey, Credential, Session, Tokens
from agent_studio_client.errors import RequestFailed, Response, TypedError
from agent_studio_client.pages import nodes, pages

__all__ = [
    "ApiKey",
    "Credential",
    "RequestFailed",
    "Response",
    "Session",
    "Studio",
    "Tokens",
    "TypedError",
    "nodes",
    "pages",
]
