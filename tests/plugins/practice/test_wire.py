"""As much HTTP as the parts need, and a clear no to everything else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from relight_practice.wire import BadRequest, Client, Fields, Request, Response, Server, Unreachable, json_response


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server that echoes, sleeps or fails."""

    async def handle(request: Request) -> Response:
        if request.path == "/slow":
            await asyncio.sleep(5)
        if request.path == "/fails":
            raise RuntimeError("a mistake of ours")
        if request.path == "/refuses":
            raise BadRequest("percent is missing")
        return json_response([request.method, request.path, request.query, request.body.decode()])

    running = Server(handle)
    await running.start()
    yield running
    await running.close()


async def talk(port: int, sent: bytes) -> bytes:
    """Send raw bytes and return what comes back until the server hangs up or a second is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    got = b""
    try:
        async with asyncio.timeout(1.0):
            while part := await reader.read(65_536):
                got += part
    except TimeoutError:
        pass
    writer.close()
    await writer.wait_closed()
    return got


async def test_requests_reuse_a_connection(server: Server) -> None:
    """One after the other they go over the same connection."""
    client = Client(server.port)
    reply = await client.request("POST", "/a%20b?u=x&empty=", b"body")
    assert (reply.status, reply.json()) == (200, ["POST", "/a b", {"u": "x", "empty": ""}, "body"])
    await asyncio.gather(*(client.get("/x") for _ in range(3)))
    assert len(client._idle) == 3
    client.close()


async def test_two_requests_in_one_packet_are_both_answered(server: Server) -> None:
    """A client may send the next before the last is answered."""
    got = await talk(server.port, b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
    assert (got.count(b"200 OK"), b"/1" in got, b"/2" in got) == (2, True, True)


async def test_a_request_in_pieces_is_answered_when_it_is_whole(server: Server) -> None:
    """The network cuts wherever it likes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for piece in (b"POST /x HT", b"TP/1.1\r\nContent-Le", b"ngth: 4\r\n\r\nbo", b"dy"):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    async with asyncio.timeout(2):
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "sent",
    [
        b"HELLO\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /" + b"x" * 20_000,
    ],
)
async def test_what_is_not_understood_is_refused(server: Server, sent: bytes) -> None:
    """A clear 400 and the connection ends; the server lives on."""
    assert b"400 Bad Request" in await talk(server.port, sent)
    assert (await Client(server.port).get("/ok")).status == 200


async def test_a_mistake_of_ours_is_a_500_and_of_theirs_a_400(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """One request that fails ends neither the process nor the connection."""
    client = Client(server.port)
    assert (await client.get("/fails")).status == 500
    assert "a mistake of ours" in capsys.readouterr().err
    reply = await client.get("/refuses")
    assert (reply.status, reply.json()["message"]) == (400, "percent is missing")
    client.close()


async def test_no_answer_says_whether_the_request_was_sent(server: Server) -> None:
    """A timeout after sending is another thing than no connection."""
    with pytest.raises(Unreachable) as slow:
        await Client(server.port, timeout_s=0.05).get("/slow")
    assert slow.value.sent
    port = server.port
    await server.close()
    with pytest.raises(Unreachable) as gone:
        await Client(port).get("/")
    assert not gone.value.sent


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"[1]", "must be a JSON object"),
        (b"{}", "percent is missing"),
        (b'{"percent": "ten"}', "percent must be a number from 0 to 100, not 'ten'"),
        (b'{"percent": true}', "percent must be a number"),
        (b'{"percent": 101}', "from 0 to 100"),
        (b'{"percent": NaN}', "from 0 to 100"),
        (b'{"percent": 5, "perzent": 6}', "unknown: perzent"),
    ],
)
def test_fields_say_what_is_wrong(body: bytes, said: str) -> None:
    """One clear sentence for every wrong order."""

    def read() -> None:
        fields = Fields.of(body)
        fields.number("percent", high=100)
        fields.done()

    with pytest.raises(BadRequest, match=said):
        read()


def test_fields_of_every_kind() -> None:
    """What is right is read, and a rate may be none."""
    fields = Fields.of(b'{"n": 3, "r": "none", "q": 2.5, "t": "a", "f": true, "l": ["x"], "o": {"i": 1}, "z": null}')
    assert (fields.whole("n"), fields.rate("r"), fields.rate("q"), fields.text("t", among=("a", "b"))) == (
        3,
        None,
        2.5,
        "a",
    )
    assert (fields.flag("f", False), fields.names("l"), fields.inner("o").whole("i")) == (True, ["x"], 1)
    assert not fields.has("z")
    assert (fields.text("z", "default"), fields.left()) == ("default", [])
