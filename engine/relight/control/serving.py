"""Putting a serve together: who it is, what it drives with, and who hears of it."""

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from relight.control.doors import Part
from relight.control.sites import Sites
from relight.control.wording import now_ms
from relight.drivers.live.clerk import Clerk
from relight.drivers.live.clock import SystemClock
from relight.drivers.live.host import log_at, open_later
from relight.drivers.live.log import Log
from relight.drivers.live.parts import Parts
from relight.drivers.live.serving import Serving
from relight.drivers.live.spawn import log_path
from relight.drivers.serves import Serve
from relight.journal.port import Journal


def put_together(
    journal: Journal,
    sites: Sites,
    parts: Sequence[Part],
    parts_of_driver: Callable[[Log | None], Parts],
    *,
    name: str,
    home: Path,
) -> tuple[Serving, Log]:
    """Return what drives, and its log; runs keep logs of their own, where any driver's are."""
    log = log_at(log_path(journal.location, f"serve-{name}", home))
    open_later(log)
    of_driver = parts_of_driver(log)

    def parts_for(run: str) -> Parts:
        own = log_at(log_path(journal.location, run, home))
        open_later(own)
        return replace(of_driver, log=own)

    def appended(seconds: float) -> None:
        for part in parts:
            if part.appended is not None:
                part.appended(seconds)

    me = Serve(
        name=name,
        host=socket.gethostname(),
        pid=os.getpid(),
        sites=sites.names,
        started_at=now_ms(),
        url=next((part.url for part in parts if part.url), ""),
    )
    listeners = [listener for part in parts for listener in part.listeners]
    serving = Serving(
        me, Clerk(journal, appended=appended), parts_for, clock=SystemClock(), log=log, listeners=listeners
    )
    return serving, log
