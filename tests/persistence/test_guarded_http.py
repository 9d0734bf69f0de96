"""The SSRF guard against real servers: no internal address is reachable."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from yarl import URL

from domain.tools.http import EgressBlocked, HttpFailed, HttpRequest
from persistence.guarded_http import GuardedHttpClient
from tests.support.tls_hosts import get, guarded_http, http_response, running_host

pytestmark = pytest.mark.anyio

REACHES_LOOPBACK = (
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7F.0x0.0x0.0x1",
    "017700000001",
    "0177.0.0.1",
    "00000177.0.0.01",
    "0.0.0.0",
    "0",
    "0x0",
    "localhost",
    "LOCALHOST",
    "127。0。0。1",
    "127.0.0。1",
    "１２７.０.０.１",
    "①②⑦.⓪.⓪.①",
    "ｌｏｃａｌｈｏｓｔ",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::ffff:0.0.0.0]",
)
LEADS_INSIDE = (
    "169.254.169.254",
    "127.0.0.1.",
    "0xa9fea9fe",
    "2852039166",
    "169.254.170.2",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fe80::1%lo]",
    "[fec0::1]",
    "[ff02::1]",
    "[fc00::1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:7f00:1:0:0:80ff:fffe]",
    "[::7f00:1]",
    "[::ffff:0:7f00:1]",
    "[100::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[5f00::1]",
)
NAMES = {
    "inside.example": [["127.0.0.1"]],
    "inside6.example": [["::1"]],
    "mapped.example": [["::ffff:127.0.0.1"]],
    "zone.example": [["fe80::1%lo"]],
    "metadata.google.internal": [["169.254.169.254"]],
    "many.example": [["10.0.0.1", "127.0.0.1", "::1", "169.254.169.254"]],
    "xn--bcher-kva.example": [["127.0.0.1"]],
}
NAMED = (
    *("inside.example", "inside6.example", "INSIDE.Example", "inside.example.", "mapped.example"),
    *("zone.example", "metadata.google.internal", "many.example", "bücher.example"),
    *("inside。example", "in\u00adside.example"),
)
MALFORMED = (
    *("file:///etc/passwd", "unix:///run/docker.sock", "ftp://127.0.0.1:{port}/"),
    *("gopher://127.0.0.1:{port}/_GET%20/", "dict://127.0.0.1:{port}/", "ws://127.0.0.1:{port}/"),
    *("http+unix://%2Frun%2Fdocker.sock/", "tcp://127.0.0.1:{port}/", "javascript:alert(1)"),
    *(
        "//127.0.0.1:{port}/",
        "127.0.0.1:{port}/",
        "",
        "/",
        "http://",
        "http:///",
        "http://:{port}/",
    ),
    *("http://public.example@127.0.0.1:{port}/", "http://127.0.0.1:{port}@public.example/"),
    *("http://:@127.0.0.1:{port}/", "http://a:b@127.0.0.1:{port}/", "http://%40127.0.0.1:{port}/"),
    *("http://127.0.0.1:{port}\\@public.example/", "http:\\\\127.0.0.1:{port}\\"),
    *("http://127.0.0.1:{port}/\r\nX-Injected: 1", "http://127.0.0.1:{port}/ HTTP/1.1"),
    *("http://127.0.0.1:{port}/\x00", "http://127.0.0.1\t:{port}/", " http://127.0.0.1:{port}/"),
    *("http://127.0.0.1:{port}/\ud800", "http://127.0.0.1:0/", "http://127.0.0.1:65536/"),
    *("http://127.0.0.1:-1/", "http://127.0.0.1:{port}x/", "http://127.0.0.1:{port}:80/"),
    *("http://[::1/", "http://::1:{port}/", "http://[127.0.0.1]:{port}/", "http://[v1.x]/"),
    *("http://loc%61lhost:{port}/", "http://%31%32%37.0.0.1:{port}/", "http://1%2e1:{port}/"),
    *("http://\u2488:{port}/", "http://a..b:{port}/", "http://" + "a" * 64 + ".example:{port}/"),
)


async def test_without_the_guard_every_form_of_loopback_is_reachable() -> None:
    async with running_host() as inside:
        for place in REACHES_LOOPBACK:
            name = URL(f"http://{place}/").raw_host
            reader, writer = await asyncio.open_connection(name, inside.port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            assert (await reader.read()).endswith(b"inside"), place
            writer.close()
        assert inside.hits == len(REACHES_LOOPBACK)


@pytest.mark.parametrize("place", [*REACHES_LOOPBACK, *LEADS_INSIDE])
async def test_no_internal_address_is_reachable(place: str) -> None:
    async with running_host() as inside, guarded_http(port=inside.port) as outbound:
        with pytest.raises(EgressBlocked):
            await get(outbound, f"http://{place}:{inside.port}/")
        assert inside.hits == 0


@pytest.mark.parametrize("place", NAMED)
async def test_no_host_name_with_an_internal_address_is_reachable(place: str) -> None:
    async with running_host() as inside, guarded_http(port=inside.port, names=NAMES) as outbound:
        with pytest.raises(EgressBlocked):
            await get(outbound, f"http://{place}:{inside.port}/")
        assert inside.hits == 0


async def test_dns_rebinding_reaches_nothing() -> None:
    names = {"rebind.example": [["192.0.2.1"], ["127.0.0.1"], ["::1"]]}
    async with running_host() as inside, guarded_http(port=inside.port, names=names) as outbound:
        for _ in range(4):
            with pytest.raises(EgressBlocked):
                await get(outbound, f"http://rebind.example:{inside.port}/")
        assert inside.hits == 0


@pytest.mark.parametrize("url", MALFORMED)
async def test_an_unusual_url_is_not_requested(url: str) -> None:
    async with running_host() as inside:
        names = {"public.example": [["127.0.0.1"]]}
        # Even where all internal addresses are allowed, because such URLs are ambiguous.
        allowed = "127.0.0.0/8, ::1/128"
        async with guarded_http(allowed, port=inside.port, names=names) as outbound:
            with pytest.raises((EgressBlocked, HttpFailed)):
                await get(outbound, url.format(port=inside.port))
        assert inside.hits == 0


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET / HTTP/1.1\r\nX:", {}),
        ("CONNECT", {}),
        ("TRACE", {}),
        ("get", {}),
        ("", {}),
        ("GET", {"X": "a\r\nX-Injected: 1"}),
        ("GET", {"X": "a\nb"}),
        ("GET", {"X": "a\rb"}),
        ("GET", {"X": "a\x00b"}),
        ("GET", {"X": "\ud800"}),
        ("GET", {"X\r\nY": "a"}),
        ("GET", {"X Y": "a"}),
        ("GET", {"X:": "a"}),
        ("GET", {"": "a"}),
        ("GET", {"Ünder": "a"}),
        ("GET", {"Host": "public.example"}),
        ("GET", {"hOsT": "public.example"}),
        ("GET", {"Transfer-Encoding": "chunked"}),
        ("GET", {"Content-Length": "5"}),
        ("GET", {"Connection": "upgrade"}),
        ("GET", {"Upgrade": "websocket"}),
        ("GET", {"Expect": "100-continue"}),
    ],
)
async def test_request_smuggling_is_impossible(method: str, headers: Mapping[str, str]) -> None:
    async with running_host() as inside, guarded_http("127.0.0.0/8") as outbound:
        with pytest.raises(EgressBlocked):
            await outbound.send(HttpRequest(method, f"http://127.0.0.1:{inside.port}/", headers))
        assert inside.hits == 0


async def test_redirects_are_returned_and_not_followed() -> None:
    async with running_host() as inside:
        for status in ("301 Moved", "302 Found", "303 Other", "307 Again", "308 Always"):
            target = f"Location: http://127.0.0.1:{inside.port}/"
            async with running_host(http_response(b"", status, [target])) as front:
                async with guarded_http(f"127.0.0.1:{front.port}") as outbound:
                    answer = await get(outbound, f"http://127.0.0.1:{front.port}/")
                assert (answer.status, front.hits) == (int(status[:3]), 1)
        assert inside.hits == 0


async def test_an_allow_list_entry_permits_exactly_its_host_and_port() -> None:
    names = {"listed.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]}
    async with running_host() as one, running_host() as other:
        for allowed, opened in (
            (f"127.0.0.1:{one.port}", f"127.0.0.1:{one.port}"),
            (f"[::1]:{one.port}", f"[::1]:{one.port}"),
            (f"Listed.Example.:{one.port}", f"listed.example:{one.port}"),
        ):
            closed = {
                f"{place}:{port}"
                for place in ("127.0.0.1", "[::1]", "listed.example", "[::ffff:127.0.0.1]")
                for port in (one.port, other.port)
            } - {opened}
            # A name that resolves to a listed address is allowed.
            if "127.0.0.1" in allowed:
                closed.discard(f"listed.example:{one.port}")
            async with guarded_http(allowed, names=names) as outbound:
                before = one.hits
                assert (await get(outbound, f"http://{opened}/")).body == b"inside"
                for place in sorted(closed):
                    with pytest.raises(EgressBlocked):
                        await get(outbound, f"http://{place}/")
                assert (one.hits - before, other.hits) == (1, 0)


async def test_an_allowed_network_permits_all_ports_but_no_metadata_service() -> None:
    names = {"metadata.google.internal": [["169.254.169.254"]]}
    async with (
        running_host() as one,
        guarded_http("127.0.0.0/8, 169.254.0.0/16", names=names) as outbound,
    ):
        assert (await get(outbound, f"http://127.0.0.1:{one.port}/")).status == 200
        for place in ("[::1]", "169.254.169.254", "metadata.google.internal"):
            with pytest.raises(EgressBlocked):
                await get(outbound, f"http://{place}:{one.port}/")
        assert one.hits == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/",
        "http://8.8.8.8:443/",
        "https://8.8.8.8:22/",
        "https://8.8.8.8:8443/",
        "https://8.8.8.8:6379/",
    ],
)
async def test_public_addresses_are_reachable_on_web_ports_only(url: str) -> None:
    outbound = GuardedHttpClient()
    with pytest.raises(EgressBlocked):
        await get(outbound, url)
    await outbound.aclose()
