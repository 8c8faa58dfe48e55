"""One request on one connection: whether it was sent, whether it was answered, and how much of the answer is there."""

import asyncio
import datetime as dt
import ipaddress
import itertools
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relight.sdk import HttpAnswer, NoAnswer, NotSent, http_ask
from relight.sdk.http_answer import Garbled, read_body, read_head
from relight.testing.http_server import HANG_UP, NEVER, Slowly, http_server, reply


async def test_it_says_what_was_asked_and_hears_the_answer() -> None:
    """The request is whole and plain; the answer's headers are found by lower-case name."""
    async with http_server(lambda _heard: reply(200, '{"a": 1}', {"X-Two": "b"})) as server:
        answer = await http_ask("POST", f"{server.url}/p?q=1#f", headers={"X-One": "a"}, body=b"\0body")
    (heard,) = server.heard
    assert (heard.method, heard.target, heard.body) == ("POST", "/p?q=1", b"\0body")
    assert heard.headers["host"] == server.url.removeprefix("http://")
    assert heard.headers["connection"] == "close"
    assert heard.headers["x-one"] == "a"
    assert (answer.status, answer.headers["x-two"], answer.data()) == (200, "b", {"a": 1})
    assert answer.complete
    assert 0 < answer.seconds < 60


@pytest.mark.parametrize(
    ("content_type", "body", "data"),
    [
        ("application/json", b"[1]", [1]),
        ("application/problem+json; charset=utf-8", b"{}", {}),
        ("application/json", b"{", "{"),
        ("application/json", b"NaN", "NaN"),
        ("text/plain", b"[1]", "[1]"),
        ("text/plain", b"\xff", "\ufffd"),
        ("text/plain", b"", None),
    ],
)
def test_an_answer_is_parsed_where_it_is_json(content_type: str, body: bytes, data: object) -> None:
    """What says that it is JSON and is not, is text."""
    assert HttpAnswer(status=200, headers={"content-type": content_type}, body=body).data() == data


FRAMES = {
    "with a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", True),
    "in chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", True),
    "to the end": (b"HTTP/1.1 200 OK\r\n\r\nhello", True),
    "by an old server": (b"HTTP/1.0 200 OK\r\n\r\nhello", True),
    "after a hint": (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", True),
    "with a length that lies": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", False),
    "in chunks that break off": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", False),
    "in chunks that are garbled": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", False),
    "in chunks that are too long": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n", False),
}


@pytest.mark.parametrize("frame", FRAMES)
async def test_a_body_may_be_framed_in_many_ways(frame: str) -> None:
    """Where the status is known, a body that breaks off is marked and not an error."""
    said, complete = FRAMES[frame]
    async with http_server(lambda _heard: said) as server:
        answer = await http_ask("GET", server.url)
    assert (answer.status, answer.body, answer.complete) == (200, b"hello", complete)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
    ],
)
async def test_some_answers_have_no_body(method: str, said: bytes) -> None:
    """Nobody waits for it, though the connection stays open."""
    async with http_server(lambda _heard: Slowly(parts=(said,), hold=True)) as server:
        answer = await http_ask(method, server.url, deadline_s=5)
    assert (answer.body, answer.complete) == (b"", True)


@pytest.mark.parametrize("chunked", [False, True])
async def test_no_more_is_read_than_is_wanted(chunked: bool) -> None:
    """A server that never stops talking is left in the middle of its sentence."""
    part = b"x" * 1000
    head = b"HTTP/1.1 200 OK\r\n" + (b"Transfer-Encoding: chunked\r\n" if chunked else b"") + b"\r\n"
    parts = (head, *([b"3e8\r\n" + part + b"\r\n"] * 100 if chunked else [part] * 100))
    async with http_server(lambda _heard: Slowly(parts=parts, hold=True)) as server:
        answer = await http_ask("GET", server.url, answer_max=2_500, deadline_s=10)
    assert (answer.body, answer.complete) == (b"x" * 2_500, False)


@pytest.mark.parametrize(
    "said",
    [
        HANG_UP,
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nA: b\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 999 OK\r\n\r\n",
        b"220 mail ESMTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20,
    ],
)
async def test_without_a_status_there_is_no_answer(said: bytes) -> None:
    """The request was sent and may have been heard."""
    async with http_server(lambda _heard: said) as server:
        with pytest.raises(NoAnswer, match="broke off without an answer"):
            await http_ask("POST", server.url, body=b"x", deadline_s=5)


async def test_a_reset_after_the_request_is_no_answer() -> None:
    """A connection that is reset, not closed, is as much of an answer."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    with pytest.raises(NoAnswer):
        await http_ask("POST", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    server.close()


async def test_one_deadline_holds_for_everything() -> None:
    """Never answering, dripping the head, dripping the body: each ends when the time is over."""
    clock = asyncio.get_running_loop().time
    drip = Slowly(parts=(b"HTTP/1.1 200 OK\r\n",) + (b"A: b\r\n",) * 50, pause_s=0.05)
    body = Slowly(parts=(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n",) + (b"x",) * 50, pause_s=0.05)
    for said in (NEVER, drip):
        async with http_server(lambda _heard, said=said: said) as server:  # type: ignore[misc]
            started = clock()
            with pytest.raises(NoAnswer, match=r"did not answer within 0\.3 s"):
                await http_ask("GET", server.url, deadline_s=0.3)
            assert clock() - started < 1.5
    async with http_server(lambda _heard: body) as server:
        started = clock()
        answer = await http_ask("GET", server.url, deadline_s=0.4)
        assert clock() - started < 1.5
    assert not answer.complete
    assert 0 < len(answer.body) < 50


async def test_what_was_never_sent_is_said_to_be_so() -> None:
    """A closed port, a name that does not exist, a host that never answers the knock."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NotSent, match=rf"no connection to 127\.0\.0\.1:{port}: .*[Cc]onnect"):
        await http_ask("GET", f"http://127.0.0.1:{port}/")
    with pytest.raises(NotSent, match=r"no connection to no-such-host\.invalid"):
        await http_ask("GET", "http://no-such-host.invalid/")
    with pytest.raises(NotSent, match=r"certificates to trust cannot be read from /no/such/file\.pem: No such file"):
        await http_ask("GET", f"https://127.0.0.1:{port}/", verify="/no/such/file.pem")
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.socket() as first, socket.socket() as second:
            for other in (first, second):
                other.setblocking(False)
                other.connect_ex(full.getsockname())
            with pytest.raises(NotSent, match=r"within 0\.3 s"):
                await http_ask("GET", f"http://127.0.0.1:{full.getsockname()[1]}/", deadline_s=0.3)


async def test_cancelling_ends_it_at_once() -> None:
    """Nobody waits for a server that nobody waits for any more."""
    async with http_server(lambda _heard: NEVER) as server:
        task = asyncio.ensure_future(http_ask("GET", server.url, deadline_s=60))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 1)


@pytest.mark.parametrize(
    ("method", "url", "headers", "said"),
    [
        ("get", "http://h/", {}, "a method is written in capitals"),
        ("GET / HTTP/1.1\r\nEvil: 1\r\n\r\nGET", "http://h/", {}, "a method is written in capitals"),
        ("GET", "ftp://h/", {}, "starts with http"),
        ("GET", "/path", {}, "starts with http"),
        ("GET", "http:///path", {}, "starts with http"),
        ("GET", "http://user:pw@h/", {}, "no user and password"),
        ("GET", "http://h/\r\nEvil: 1", {}, "control characters"),
        ("GET", "http://h:99999/", {}, "[Pp]ort"),
        ("GET", "http://h/", {"A": "b\r\nEvil: 1"}, "control characters"),
        ("GET", "http://h/", {"A": "b\0"}, "control characters"),
        ("GET", "http://h/", {"A:": "b"}, "no header that can be set"),
        ("GET", "http://h/", {"A b": "c"}, "no header that can be set"),
        ("GET", "http://h/", {"Host": "c"}, "no header that can be set"),
        ("GET", "http://h/", {"Content-Length": "1"}, "no header that can be set"),
        ("GET", "http://h/", {"A": "\u20ac"}, "Latin-1"),
    ],
)
async def test_what_cannot_be_said_in_http_is_refused(
    method: str, url: str, headers: dict[str, str], said: str
) -> None:
    """Nothing that comes from outside can add a line to a request."""
    with pytest.raises(ValueError, match=said):
        await http_ask(method, url, headers=headers)


async def test_an_address_with_odd_letters_is_encoded() -> None:
    """Spaces and letters beyond ASCII travel as percent, and what is encoded already stays."""
    async with http_server(lambda _heard: reply(200)) as server:
        await http_ask("GET", f"{server.url}/a b/\u017c%20c?q=\u20ac&r=[1]")
    assert server.heard[0].target == "/a%20b/%C5%BC%20c?q=%E2%82%AC&r=[1]"


async def heard(data: bytes, cuts: list[int]) -> tuple[int, bytes, bool]:
    """Return what is read of *data* when it comes in pieces."""
    reader = asyncio.StreamReader()
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})

    async def feed() -> None:
        for start, end in itertools.pairwise(places):
            reader.feed_data(data[start:end])
            await asyncio.sleep(0)
        reader.feed_eof()

    task = asyncio.ensure_future(feed())
    status, headers = await read_head(reader)
    body = bytearray()
    complete = await read_body(reader, "GET", status, headers, body, 1_000)
    await task
    return status, bytes(body), complete


@given(st.sampled_from([frame for frame, complete in FRAMES.values() if complete]), st.lists(st.integers(0, 200)))
def test_the_pieces_in_which_it_comes_do_not_matter(said: bytes, cuts: list[int]) -> None:
    """Networks cut where they like."""
    assert asyncio.run(heard(said, cuts)) == (200, b"hello", True)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", FRAMES["in chunks"][0][:50]]))
def test_any_bytes_are_an_answer_or_an_error(data: bytes, before: bytes) -> None:
    """Nothing else is ever raised, and nothing is waited for."""
    with suppress(Garbled, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        asyncio.run(asyncio.wait_for(heard(before + data, []), 5))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, in one file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path: Path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@asynccontextmanager
async def secure_server(certificate: Path) -> AsyncIterator[str]:
    """Serve one answer over TLS, and give the address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply(200, json.dumps("secure")))
        await writer.drain()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


async def test_certificates_must_hold_unless_a_site_says_otherwise(certificate: Path) -> None:
    """An unknown certificate is refused before anything is sent; a file may name it, or the site may not care."""
    async with secure_server(certificate) as url:
        with pytest.raises(NotSent, match=r"no secure connection to .*: self.signed certificate"):
            await http_ask("GET", url)
        assert (await http_ask("GET", url, verify=str(certificate))).data() == "secure"
        assert (await http_ask("GET", url, verify=False)).data() == "secure"
    async with http_server(lambda _heard: reply(200)) as plain:
        with pytest.raises(NotSent):
            await http_ask("GET", plain.url.replace("http", "https"), deadline_s=1)
