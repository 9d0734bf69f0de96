"""An S3-compatible object store with one bucket: objects, ranges, listings and signatures.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from xml.etree import ElementTree as xml
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.emulators.http_server import run_server

BUCKET, KEY, SECRET, REGION = "calls", "emulator", "emulator-secret", "eu-central-1"
MAX_KEYS = 3


@dataclass(slots=True)
class S3Emulator:
    url: str = ""
    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    unavailable: bool = False
    put_count: int = 0
    clock_offset: timedelta = timedelta()
    """How far the store's clock is ahead of the system clock."""

    async def handle(self, request: Request) -> Response:
        if self.unavailable:
            return Response(status_code=503)
        if not self._is_signed(request):
            return Response("<Error><Code>AccessDenied</Code></Error>", 403)
        key = request.path_params.get("key", "")
        match request.method:
            case "PUT":
                kind = request.headers.get("content-type", "")
                self.objects[key] = (await request.body(), kind)
                self.put_count += 1
                return Response(headers={"ETag": '"1"'})
            case "DELETE":
                self.objects.pop(key, None)
                return Response(status_code=204)
        if request.method == "POST":
            return self._delete(await request.body())
        if not key:
            return self._list(request)
        if key not in self.objects:
            return Response("<Error><Code>NoSuchKey</Code></Error>", 404)
        return _object(request, *self.objects[key])

    def _delete(self, body: bytes) -> Response:
        elements = xml.fromstring(body).iter()
        keys = [element.text or "" for element in elements if element.tag.endswith("Key")]
        for key in keys:
            self.objects.pop(key, None)
        deleted = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        return Response(f"<DeleteResult>{deleted}</DeleteResult>", media_type="application/xml")

    def _list(self, request: Request) -> Response:
        prefix = request.query_params.get("prefix", "")
        after = request.query_params.get("continuation-token", "")
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        page, more = keys[:MAX_KEYS], len(keys) > MAX_KEYS
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[key][0])}</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>1</ETag></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
        return Response(
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{items}"
            "</ListBucketResult>",
            media_type="application/xml",
        )

    def _is_signed(self, request: Request) -> bool:
        query = request.query_params
        if "X-Amz-Signature" not in query:
            authorization = request.headers.get("authorization", "")
            return authorization.startswith(f"AWS4-HMAC-SHA256 Credential={KEY}/")
        signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        expires_at = signed_at + timedelta(seconds=int(query["X-Amz-Expires"]))
        return datetime.now(UTC) + self.clock_offset < expires_at and hmac.compare_digest(
            query["X-Amz-Signature"], _signature(request)
        )


def _object(request: Request, body: bytes, kind: str) -> Response:
    headers = {"ETag": '"1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
    byte_range = request.headers.get("range")
    if byte_range is None:
        return Response(body, headers=headers, media_type=kind)
    first, last = byte_range.removeprefix("bytes=").split("-")
    start, end = int(first), int(last) + 1 if last else len(body)
    end = min(end, len(body))
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(body)}"
    return Response(body[start:end], 206, headers, kind)


def _signature(request: Request) -> str:
    parameters = dict(request.query_params)
    parameters.pop("X-Amz-Signature")
    names = parameters["X-Amz-SignedHeaders"].split(";")
    query = "&".join(f"{quote(k, '')}={quote(v, '')}" for k, v in sorted(parameters.items()))
    canonical_request = "\n".join(
        [
            request.method,
            quote(request.url.path),
            query,
            *[f"{name}:{request.headers[name]}" for name in names],
            "",
            ";".join(names),
            "UNSIGNED-PAYLOAD",
        ]
    )
    day = parameters["X-Amz-Date"][:8]
    scope = f"{day}/{REGION}/s3/aws4_request"
    digest = hashlib.sha256(canonical_request.encode()).hexdigest()
    string_to_sign = "\n".join(["AWS4-HMAC-SHA256", parameters["X-Amz-Date"], scope, digest])
    key = f"AWS4{SECRET}".encode()
    for part in (day, REGION, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, string_to_sign.encode(), "sha256").hexdigest()


@asynccontextmanager
async def run_s3_emulator() -> AsyncIterator[S3Emulator]:
    state = S3Emulator()
    methods = ["GET", "HEAD", "PUT", "POST", "DELETE"]
    paths = (f"/{BUCKET}", f"/{BUCKET}/{{key:path}}")
    routes = [Route(path, state.handle, methods=methods) for path in paths]
    async with run_server(Starlette(routes=routes)) as url:
        state.url = url
        yield state
