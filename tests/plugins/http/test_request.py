"""``http.request``, ``http.get`` and ``http.probe``: what an answer means, and what is sent where."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

import pydantic
import pytest

from relight.sdk import Failed, OutcomeUnknown, Probe, Secrets, TargetHost
from relight.testing.calling import call_for
from relight.testing.http_server import HANG_UP, NEVER, Heard, Reply, Slowly, http_server, reply
from relight_http import plugin
from relight_http.arguments import HttpConfig, RequestArgs, RequestResult
from relight_http.provider import Get, HttpProbe, Request


async def send(config: dict[str, Any] | None = None, more: dict[str, Any] | None = None, **args: Any) -> RequestResult:
    """Send a request as a driver would."""
    provider = plugin.provider("http", HttpConfig(**config or {}), Secrets())
    return await Request(provider).perform(call_for(Request.contract, args, **more or {}))


async def read(kind: type[Probe], config: dict[str, Any] | None = None, **args: Any) -> Any:
    """Read an address as a driver would."""
    provider = plugin.provider("http", HttpConfig(**config or {}), Secrets())
    return await kind(provider).read(call_for(kind.contract, args))


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_a_request_carries_its_body_and_its_key() -> None:
    """JSON by default, the idempotency key of the call, and the answer parsed."""
    async with http_server(
        lambda _heard: reply(201, '{"id": 7}', {"X-Request-Id": "r1", "Set-Cookie": "a=b"})
    ) as server:
        result = await send(method="POST", url=f"{server.url}/things", body={"a": [1, "b"]}, more={"key": "k-1"})
    (heard,) = server.heard
    assert (heard.method, heard.target, json.loads(heard.body)) == ("POST", "/things", {"a": [1, "b"]})
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["idempotency-key"] == "k-1"
    assert (result.status, result.body) == (201, {"id": 7})
    assert result.headers == {"content-type": "application/json", "x-request-id": "r1"}


ENDINGS: list[tuple[str, bool, Reply, type[Exception], bool | None]] = [
    ("POST", False, reply(400, "no"), Failed, False),
    ("POST", False, reply(404), Failed, False),
    ("POST", False, reply(409, "no"), Failed, False),
    ("POST", False, reply(302, headers={"Location": "http://elsewhere/"}), Failed, False),
    ("POST", False, reply(429), Failed, True),
    ("POST", False, reply(503), Failed, True),
    ("POST", False, reply(501), Failed, False),
    ("POST", False, reply(500), OutcomeUnknown, None),
    ("POST", False, reply(502), OutcomeUnknown, None),
    ("POST", False, reply(504), OutcomeUnknown, None),
    ("DELETE", False, reply(500), OutcomeUnknown, None),
    ("POST", True, reply(500), Failed, True),
    ("DELETE", True, reply(502), Failed, True),
    ("PUT", False, reply(500), Failed, True),
    ("GET", False, reply(504), Failed, True),
    ("POST", False, HANG_UP, OutcomeUnknown, None),
    ("PUT", True, HANG_UP, OutcomeUnknown, None),
    ("POST", False, NEVER, OutcomeUnknown, None),
    ("POST", False, b"SSH-2.0-OpenSSH_9.2\r\n\r\n", OutcomeUnknown, None),
]


@pytest.mark.parametrize(("method", "idempotent", "answer", "error", "retry"), ENDINGS)
async def test_an_ending_says_whether_it_happened(
    method: str, idempotent: bool, answer: Reply, error: type[Exception], retry: bool | None
) -> None:
    """Refused, put off, or nobody knows: the table in ``endings``."""
    async with http_server(lambda _heard: answer) as server:
        with pytest.raises(error) as raised:
            await send(method=method, url=f"{server.url}/x", idempotent=idempotent, timeout="300ms")
    assert getattr(raised.value, "retry", None) is retry


async def test_a_refused_connection_certainly_did_not_happen() -> None:
    """Nobody was there to hear it, so it may be tried again."""
    with pytest.raises(Failed, match=r"no connection to 127\.0\.0\.1:[0-9]+") as failed:
        await send(method="POST", url=f"http://127.0.0.1:{closed_port()}/")
    assert failed.value.retry


@pytest.mark.parametrize(
    ("headers", "after_s"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "999999"}, 3600.0),
        ({"Retry-After": "Fri, 01 Jan 2100 00:00:30 GMT", "Date": "Fri, 01 Jan 2100 00:00:00 GMT"}, 30.0),
        ({"Retry-After": "Fri, 01 Jan 1999 00:00:30 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-3"}, None),
        ({}, None),
    ],
)
async def test_retry_after_is_heeded(headers: dict[str, str], after_s: float | None) -> None:
    """Seconds or a date by the server's own clock, and never longer than an hour."""
    async with http_server(lambda _heard: reply(503, headers=headers)) as server:
        with pytest.raises(Failed) as failed:
            await send(method="POST", url=server.url)
    assert failed.value.retry_after_s == after_s


async def test_expected_statuses_may_be_named() -> None:
    """With ``expect_status`` nothing else will do, not even 200."""
    async with http_server(lambda heard: reply(int(heard.target[1:]))) as server:
        assert (await send(method="DELETE", url=f"{server.url}/404", expect_status=[204, 404])).status == 404
        with pytest.raises(OutcomeUnknown):
            await send(method="DELETE", url=f"{server.url}/500", expect_status=[204, 404])


async def test_a_redirect_is_not_followed() -> None:
    """What a site allowed is one address; another one is somebody else's decision."""
    async with http_server(lambda _heard: reply(307, headers={"Location": "http://127.0.0.1:1/"})) as server:
        with pytest.raises(Failed, match=r"it points to http://127\.0\.0\.1:1/, and is not followed"):
            await send(method="POST", url=server.url)
    assert len(server.heard) == 1


async def test_the_configuration_adds_its_base_and_its_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token goes to the configured server, whatever a header's letters, and a step may override it."""
    monkeypatch.setenv("API_TOKEN", "Bearer tok-123456")
    async with http_server(lambda _heard: reply(200)) as server:
        config = {"base_url": f"{server.url}/api/", "headers": {"Authorization": "env:API_TOKEN", "X-Site": "eu"}}
        await send(config, method="POST", url="/v1/things", headers={"x-site": "us"})
        await send(config, method="POST", url=f"{server.url}/other")
    first, second = server.heard
    assert (first.target, second.target) == ("/api/v1/things", "/other")
    assert first.headers["authorization"] == "Bearer tok-123456"
    assert first.headers["x-site"] == "us"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1/steal", "is not the server of base_url"),
        ("https://{host}/x", "is not the server of base_url"),
        ("../admin", "climbs out"),
        ("a/%2e%2e/%2e%2e/admin", "climbs out"),
        ("a\\..\\..\\admin", "climbs out"),
        ("http://user:pw@{host}/x", "no user and password"),
        ("x\r\nEvil: 1", "control characters"),
        ("ht\ttp://127.0.0.1:1/", "control characters"),
        ("http://[::1/x", "Invalid IPv6 URL"),
    ],
)
async def test_an_address_does_not_leave_the_server(url: str, said: str) -> None:
    """Part of an address may be a step's output; the token must not follow it elsewhere."""
    async with http_server(lambda _heard: reply(200)) as server:
        with pytest.raises(Failed, match=said) as failed:
            await send({"base_url": f"{server.url}/api"}, method="GET", url=url.format(host=server.url[7:]))
    assert not failed.value.retry
    assert server.heard == []


async def test_in_a_fan_out_the_address_may_name_the_host() -> None:
    """Each host is asked for itself; a host's name is data, whatever it holds."""
    async with http_server(lambda _heard: reply(200)) as server:
        for host in ("edge-1", "a b?c"):
            await send(
                {"base_url": server.url}, {"targets": (TargetHost(name=host),)}, method="POST", url="/n/{target}"
            )
        await send({"base_url": server.url}, method="POST", url="/n/{target}")
    assert [heard.target for heard in server.heard] == ["/n/edge-1", "/n/a%20b%3Fc", "/n/%7Btarget%7D"]


async def test_parameters_arrive_as_data() -> None:
    """Whatever a parameter holds is encoded."""
    async with http_server(lambda _heard: reply(200)) as server:
        await send(method="GET", url=f"{server.url}/q?a=1", query={"b": "x&y=z #?\n", "c": [1, 2], "d": True})
    assert server.heard[0].target == "/q?a=1&b=x%26y%3Dz+%23%3F%0A&c=1&c=2&d=true"


async def test_an_echoed_secret_is_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that repeats what it was sent gives nothing away, in a result or in a failure."""
    monkeypatch.setenv("API_TOKEN", "tok-with-some-length")

    def echo(heard: Heard) -> Reply:
        status = 400 if heard.target == "/bad" else 200
        return reply(status, json.dumps({"you": heard.headers["x-token"]}), {"ETag": heard.headers["x-token"]})

    async with http_server(echo) as server:
        sent: dict[str, Any] = {"method": "POST", "secret_headers": {"X-Token": "env:API_TOKEN"}}
        result = await send(url=f"{server.url}/", **sent)
        with pytest.raises(Failed) as failed:
            await send(url=f"{server.url}/bad", **sent)
    assert server.heard[0].headers["x-token"] == "tok-with-some-length"
    assert (result.body, result.headers["etag"]) == ({"you": "[secret]"}, "[secret]")
    assert "tok-with" not in str(failed.value)


async def test_a_long_answer_is_capped() -> None:
    """What a journal cannot keep is cut, and the result says so."""
    async with http_server(lambda _heard: reply(200, json.dumps({"a": "x" * 500_000}))) as server:
        result = await send(method="GET", url=server.url)
    assert result.truncated
    assert len(result.model_dump_json()) < 16 * 1024


async def test_a_known_status_counts_though_the_body_breaks_off() -> None:
    """The server said that it did it; the rest of its words are decoration."""
    cut = Slowly(parts=(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",), hold=True)
    async with http_server(lambda _heard: cut) as server:
        result = await send(method="POST", url=server.url, timeout="300ms")
    assert (result.status, result.body, result.truncated) == (200, "half", True)


async def test_an_answer_that_drips_has_one_deadline() -> None:
    """A byte now and then does not keep a step waiting for ever."""
    drip = Slowly(parts=(b"HTTP/1.1 200 ", *[b"O"] * 100), pause_s=0.2)
    async with http_server(lambda _heard: drip) as server:
        started = asyncio.get_running_loop().time()
        with pytest.raises(OutcomeUnknown, match=r"did not answer within 0\.3 s"):
            await send(method="POST", url=server.url, more={"deadline_s": 0.3})
    assert asyncio.get_running_loop().time() - started < 10


async def test_probes_read() -> None:
    """``http.get`` wants a good status, the capability ``http.probe`` reports any."""
    async with http_server(lambda heard: reply(int(heard.target[1:]), '{"up": false}')) as server:
        assert (await read(Get, url=f"{server.url}/200")).body == {"up": False}
        probed = await read(HttpProbe, url=f"{server.url}/503")
        assert (probed.status, probed.body) == (503, {"up": False})
        assert 0 < probed.seconds < 60
        for status in (404, 503):
            with pytest.raises(Failed, match=f"answered {status}"):
                await read(Get, url=f"{server.url}/{status}")
    for kind in (Get, HttpProbe):
        with pytest.raises(Failed, match="no connection"):
            await read(kind, url=f"http://127.0.0.1:{closed_port()}/")


@pytest.mark.parametrize("answer", [HANG_UP, NEVER])
async def test_a_probe_without_an_answer_is_a_failure(answer: Reply) -> None:
    """Nothing was changed, so nothing is unknown."""
    async with http_server(lambda _heard: answer) as server:
        for kind in (Get, HttpProbe):
            with pytest.raises(Failed):
                await read(kind, url=server.url, timeout="200ms")


async def test_ping_takes_any_answer() -> None:
    """A server that says 404 to its root is there."""
    async with http_server(lambda _heard: reply(404)) as server:
        provider = plugin.provider("h", HttpConfig(base_url=server.url), Secrets())
        assert await provider.ping() == f"{server.url} answered 404"
    with pytest.raises(Failed):
        await provider.ping()
    assert "no base_url" in await plugin.provider("h", HttpConfig(), Secrets()).ping()


@pytest.mark.parametrize(
    ("model", "values", "said"),
    [
        (HttpConfig, {"headers": {"A": "b"}}, "say base_url too"),
        (HttpConfig, {"base_url": "localhost:80"}, "starts with http"),
        (RequestArgs, {"url": "/"}, "Field required"),
        (RequestArgs, {"method": "BREW", "url": "/"}, "Input should be"),
        (RequestArgs, {"method": "GET", "url": "/", "secret_headers": {"A": "s3cret"}}, "a secret is a reference"),
    ],
)
def test_what_cannot_be_meant_is_refused(model: Callable[..., Any], values: dict[str, Any], said: str) -> None:
    """Each refusal says what is missing."""
    with pytest.raises(pydantic.ValidationError, match=said):
        model(**values)
