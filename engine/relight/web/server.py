"""The web door as a part of a serve: one socket, one server, and what it is made of."""

import asyncio
import errno
import logging
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn

from relight.errors import Locked, UsageError
from relight.web.api import routes
from relight.web.application import application
from relight.web.limits import Names
from relight.web.metrics import Metrics
from relight.web.patience import Patience
from relight.web.site import page_routes

if TYPE_CHECKING:
    from relight.control.doors import Options
    from relight.control.reception import Reception
    from relight.drivers.live.parts import Listener

CONNECTIONS_MAX = 4_000
KEEP_ALIVE_S = 20
STOP_S = 2
"""For answers under way; streams are ended before."""
HEADERS_BYTES_MAX = 16 * 1024
SWITCH_S = 0.0005
"""How long a thread may keep the interpreter from others. While one writes to a thousand streams, a driver in this
process waits for it after each of its commits: with Python's five milliseconds a step took half as long again."""


class Web:
    """The page, the API and the figures."""

    name = "web"

    def __init__(self, options: "Options") -> None:
        self._options = options
        self.metrics = Metrics()
        self.listeners: Sequence[Listener] = (self.metrics.hear,)
        self.appended: Callable[[float], None] | None = self.metrics.appends.observe
        self.url = ""
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._at_stop: list[Callable[[], None]] = []

    async def start(self, reception: "Reception") -> str:
        """Listen, and say where.

        Raises:
            Locked: somebody else listens there.
            UsageError: nobody can listen there.
        """
        sys.setswitchinterval(SWITCH_S)
        listening = _listen(self._options.host, self._options.port)
        host, port = listening.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self.metrics.look_at(reception.journal, reception.sites.names)
        found_at = self._options.url or self.url
        app = application(
            reception,
            self.metrics,
            routes(),
            names=Names.of(self._options.host, self._options.names),
            pages=page_routes(reception, self.metrics, url=found_at, at_stop=self._at_stop),
            at_stop=self._at_stop,
        )
        # What it would say goes nowhere: a traceback may hold what somebody sent.
        logging.getLogger("uvicorn").disabled = logging.getLogger("uvicorn.error").disabled = True
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=Patience,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_S,
            h11_max_incomplete_event_size=HEADERS_BYTES_MAX,
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.get_running_loop().create_task(self._server.serve(sockets=[listening]))
        while not self._server.started:
            if self._serving.done():
                self._serving.result()
            await asyncio.sleep(0.01)
        return f"page at {found_at}, API at {self.url}/api/v1, metrics at {self.url}/metrics"

    async def stop(self) -> None:
        """Let the answers under way go out, and close."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            # Readers come again by themselves, and find another serve: nobody waits for streams that never end.
            for end in self._at_stop:
                end()
            with suppress(asyncio.CancelledError):
                await self._serving


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"nobody can listen at {host!r}: {error}", hint="give --host an address of this machine"
        ) from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1_024)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise Locked(
                f"somebody listens at {host}:{port} already", hint="give another --port, or 0 for any"
            ) from None
        raise UsageError(
            f"relight may not listen at {host}:{port}: {error.strerror}", hint="give another --host or --port"
        ) from None
    return listening
