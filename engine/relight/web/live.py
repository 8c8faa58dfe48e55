"""One run's page, kept up to date: its parts are made once for each change and each kind of viewer, then sent to all.

A viewer who is slow misses what lay between and gets what is true now; nothing is queued for anybody.
"""

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

from relight.control.identities import Identity
from relight.control.reception import Reception
from relight.control.wording import now_ms
from relight.errors import JournalError, RelightError
from relight.web.events import AGAIN_MS, STILL_S
from relight.web.moment import Charted, viewing, ways
from relight.web.problems import Problem
from relight.web.rendering import render
from relight.web.workers import Workers

LOOK_S = 0.1
"""Between two looks whether anybody wrote."""
ANYWAY_S = 1.0
"""Figures are a second old."""
QUIET_S = 15.0
SAMPLES_MAX = 3_000
STORY_MAX = 14
"""Lines of the story on the run's page; the rest is a page of its own."""
STORY_RECORDS = 120
CSRF, KEY = "@csrf@", "@key@"
"""Stand in what is made for all who may do the same, where each has a word of their own."""
COMMON = ("headline", "stages", "evidence", "force", "watch", "story")
QUIET = frozenset({"probe_read", "step_prepared", "check_turned", "effect_in_force"})
_TICKING = re.compile(r"(<time[^>]*>)[^<]*")

Parts = Mapping[str, str]


class Frame(NamedTuple):
    """What all viewers of one kind see at one moment: each part with what tells it from the last one."""

    parts: dict[str, tuple[str, str]]
    over: bool


def run_parts(reception: Reception, run: str, document: Mapping[str, Any]) -> dict[str, str]:
    """Return the parts that are the same for everybody."""
    charted = Charted(reception.journal.samples(run, last=SAMPLES_MAX))
    context = {
        "run": document,
        "check": charted.check,
        "story": story(reception, run),
        **viewing(document),
    }
    parts = {name: render(f"run/{name}.html", context) for name in COMMON}
    spoken = context["headline"]
    return {**parts, "spoken": render("run/spoken.html", {"headline": spoken, "run": document})}


def decide_part(document: Mapping[str, Any], who: Identity) -> str:
    """Return what somebody may ask, without any word that is theirs alone."""
    return render("run/decide.html", {"run": document, "ways": ways(document, who), "csrf": CSRF, "key": KEY})


def story(reception: Reception, run: str) -> list[dict[str, Any]]:
    """Return the newest lines of a run's story, the newest first."""
    row = reception.journal.row(run)
    after = max(0, row.seq - STORY_RECORDS) if row is not None else 0
    entries = reception.tracks.log(run, after=after, limit=STORY_RECORDS)
    return [entry for entry in reversed(entries) if entry["kind"] not in QUIET][:STORY_MAX]


def owned(part: str, csrf: str) -> str:
    """Return a part with the words that are one viewer's own."""
    return part.replace(CSRF, csrf).replace(KEY, secrets.token_urlsafe(9))


class Live:
    """All runs that somebody looks at."""

    def __init__(self, reception: Reception, workers: Workers) -> None:
        self._reception = reception
        self._workers = workers
        self._boards: dict[str, _Board] = {}
        self._watching: asyncio.Task[None] | None = None
        self._closed = False
        self.viewers = 0

    def close(self) -> None:
        """End all streams at once; whoever looks comes again by itself."""
        self._closed = True
        for board in self._boards.values():
            board.put(board.frames)

    async def follow(self, run: str, who: Identity, csrf: str, *, still: Callable[[], object]) -> AsyncIterator[bytes]:
        """Yield what changes on the page of *run*, as server-sent events, until it is over or *still* raises."""
        board = self._boards.setdefault(run, _Board())
        board.audience[who] = board.audience.get(who, 0) + 1
        self.viewers += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.get_running_loop().create_task(self._watch())
        try:
            yield b"retry: %d\nevent: clock\ndata: %d\n\n" % (AGAIN_MS, now_ms())
            async for chunk in self._told(board, who, csrf, still):
                yield chunk
        except RelightError:
            return  # the page comes again by itself, and then hears whether it may
        finally:
            self.viewers -= 1
            board.audience[who] -= 1
            if not board.audience[who]:
                del board.audience[who]
            if not board.audience:
                self._boards.pop(run, None)

    async def _told(
        self, board: "_Board", who: Identity, csrf: str, still: Callable[[], object]
    ) -> AsyncIterator[bytes]:
        seen: dict[str, str] = {}
        asked = monotonic()
        board.wanted.set()
        while not self._closed:
            frame = board.frames.get(who)
            if frame is not None:
                news = {name: part for name, (mark, part) in frame.parts.items() if seen.get(name) != mark}
                seen |= {name: frame.parts[name][0] for name in news}
                if news:
                    text = json.dumps({name: owned(part, csrf) for name, part in news.items()}, ensure_ascii=True)
                    yield f"event: parts\ndata: {text}\n\n".encode()
                if frame.over:
                    yield b"event: end\ndata: {}\n\n"
                    return
            if not await board.changed(QUIET_S):
                yield b": quiet\n\n"
            if monotonic() - asked >= STILL_S:
                asked = monotonic()
                await self._workers.do(still)

    async def _watch(self) -> None:
        seen, looked = -1, 0.0
        while self._boards and not self._closed:
            with suppress(JournalError, Problem):
                # The journal may be away for a while: everybody sees what was, and the page says how old that is.
                changes = self._reception.journal.changes()
                due = changes != seen or monotonic() - looked > ANYWAY_S
                if due:
                    seen, looked = changes, monotonic()
                for run, board in list(self._boards.items()):
                    if due or board.wanted.is_set():
                        board.wanted.clear()
                        frames = await self._workers.do(partial(self._frames, run, list(board.audience)))
                        board.put(frames)
            await asyncio.sleep(LOOK_S)

    def _frames(self, run: str, audience: list[Identity]) -> dict[Identity, Frame]:
        document = self._reception.tracks.status(run)
        common = {name: (_mark(part), part) for name, part in run_parts(self._reception, run, document).items()}
        over = document["ended_at"] is not None
        made: dict[tuple[Any, ...], tuple[str, str]] = {}
        frames = {}
        for who in audience:
            # Whoever may do the same sees the same.
            kind = tuple(way["refusal"] for way in ways(document, who))
            if kind not in made:
                part = decide_part(document, who)
                made[kind] = _mark(part), part
            frames[who] = Frame({**common, "decide": made[kind]}, over)
        return frames


class _Board:
    def __init__(self) -> None:
        self.audience: dict[Identity, int] = {}
        self.frames: dict[Identity, Frame] = {}
        self.wanted = asyncio.Event()
        self._turn: asyncio.Future[None] | None = None

    def put(self, frames: dict[Identity, Frame]) -> None:
        """Show this to everybody."""
        self.frames = frames
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(None)
        self._turn = None

    async def changed(self, within_s: float) -> bool:
        """Wait until something is shown, and say whether it was in time."""
        if self._turn is None:
            self._turn = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(asyncio.shield(self._turn), within_s)
        except TimeoutError:
            return False
        return True


def _mark(part: str) -> str:
    """Return what tells a part from another; how long ago something was is counted by the reader's own clock."""
    return hashlib.blake2b(_TICKING.sub(r"\1", part).encode("utf-8", "replace"), digest_size=8).hexdigest()
