"""The schemes of `REDIS_URL`, which names one server or any node of a Redis Cluster."""

from __future__ import annotations

from domain.common.errors import InvalidSetting

PLAIN_SCHEMES = ("redis", "rediss", "unix")
CLUSTER_SCHEMES = {"redis+cluster": "redis", "rediss+cluster": "rediss"}


def is_cluster(url: str) -> bool:
    return _scheme(url) in CLUSTER_SCHEMES


def node_url(url: str) -> str:
    """The URL of the node itself, for a client without cluster support."""
    scheme = _scheme(url)
    return CLUSTER_SCHEMES.get(scheme, scheme) + url.removeprefix(scheme)


def _scheme(url: str) -> str:
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in (*PLAIN_SCHEMES, *CLUSTER_SCHEMES):
        known = ", ".join(f"{scheme}://" for scheme in (*PLAIN_SCHEMES, *CLUSTER_SCHEMES))
        raise InvalidSetting(f"REDIS_URL must start with one of {known}")
    return scheme
