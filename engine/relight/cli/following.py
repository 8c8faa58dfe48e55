"""Following a run until it ends: the live view on a terminal, one line a fact elsewhere.

The view is not the driver: it only reads, and leaving it changes nothing.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from relight.cli.live import render
from relight.cli.screen import Screen
from relight.cli.terminal import Line, is_terminal, terminal_width, write_lines
from relight.control.exits import exit_code, needs_decision
from relight.control.finding import short_name
from relight.control.history import Event, Following, is_quiet
from relight.control.people import os_name, person_at
from relight.control.results import with_results
from relight.control.showing import document_of
from relight.control.wording import now_ms

if TYPE_CHECKING:
    from relight.journal.port import Journal
    from relight.kernel.state import Run

LOOK_S = 0.1
"""Between two looks at the journal; a look that finds nothing costs microseconds."""
DRAW_S = 1.0
"""Between two frames in which nothing happened but time: clocks and ages are shown to the second."""
GONE_S = 2.0
"""A driver that is gone for so long is not just handing over to the next one."""
SETTLE_S = 0.3
"""Between two frames at least: a person reads no faster, and a slow link carries them."""


class Follower:
    """One run as it goes on.

    Attributes:
        events: Every fact so far.
        footer: Lines below the view that whoever follows wants seen.
        prompt: A question below them, to which the person may type an answer.
        live: Whether the live view is drawn; otherwise facts are told line by line.
    """

    def __init__(
        self,
        journal: "Journal",
        run_id: str,
        *,
        stream: TextIO,
        live: bool,
        everything: bool = False,
        journal_option: str = "",
        tick: "Callable[[Follower], None] | None" = None,
        tell: "Callable[[Event], None] | None" = None,
    ) -> None:
        self.journal = journal
        self.run_id = run_id
        self.name = short_name(journal, run_id)
        self.live = live
        self.journal_option = journal_option
        self.events: list[Event] = []
        self.footer: list[Line] = []
        self.prompt = ""
        self._following = Following(journal, run_id)
        self._stream = stream
        self._everything = everything
        self._tick = tick
        self._tell = tell or self._tell_line
        self._screen: Screen | None = None
        self._asked = ""
        self._drawn_at = 0.0
        self._driven_at = time.monotonic()
        self._asked_at = 0.0
        self._gone = False
        self._dirty = True

    @property
    def run(self) -> "Run":
        """The run as it was last read."""
        return self._following.run

    @property
    def viewer(self) -> str:
        """Who looks."""
        return person_at("os", os_name(), self.run.people)

    def document(self) -> dict[str, Any]:
        """Return the status document of this moment."""
        return document_of(self.journal, self.run, name=self.name)

    def whole_document(self) -> dict[str, Any]:
        """Return it with what every step gave, for programs."""
        return with_results(self.document(), self.journal)

    def follow(self, *, until_decision: bool = False, until: "Callable[[Run], bool] | None" = None) -> int:
        """Show the run until it is over, and return its exit code.

        Args:
            until_decision: Stop too when nothing goes forward until a person decides.
            until: Stop too when this is true.
        """
        if not self.live:
            return self._follow(None, until_decision, until)
        with Screen(self._stream) as self._screen:
            return self._follow(self._screen, until_decision, until)

    def _follow(self, screen: Screen | None, until_decision: bool, until: "Callable[[Run], bool] | None") -> int:
        changes = -1
        while True:
            if (seen := self.journal.changes()) != changes:
                changes = seen
                self.read()
            if self._tick is not None:
                self._tick(self)
            self._look_for_driver()
            over = self.run.outcome is not None
            stop = over or (until_decision and self._decision_wanted()) or (until is not None and until(self.run))
            if screen is not None:
                self._draw(screen, now=stop)
            if stop:
                return exit_code(self.run, driven=not self.driver_gone)
            time.sleep(LOOK_S)

    @property
    def driver_gone(self) -> bool:
        """Whether nobody has driven the run for a while, though it is not over: only a person can bring it on."""
        return self._gone and self.run.outcome is None

    def _look_for_driver(self) -> None:
        now = time.monotonic()
        if now - self._asked_at < DRAW_S:
            return
        self._asked_at = now
        lease = self.journal.lease(self.run_id)
        if lease is None or lease.alive or self.run.outcome is not None:
            self._driven_at, self._gone = now, False
        elif not self._gone and now - self._driven_at > GONE_S:
            self._gone = True
            if not self.live:
                rest = f"{self.name}{self.journal_option}"
                write_lines([f"Its driver is GONE: nothing moves until `relight resume {rest}`."], self._stream)

    def _decision_wanted(self) -> bool:
        return self.driver_gone or (needs_decision(self.run) and self.run.epoch > 0)

    def read(self) -> None:
        """Read what is new, and tell it where no view is drawn."""
        for event in self._following.news():
            self.events.append(event)
            self._dirty = True
            if not self.live and (self._everything or not is_quiet(event.fact)):
                self._tell(event)

    def _tell_line(self, event: Event) -> None:
        from relight.cli.history import event_line

        write_lines([event_line(event)], self._stream)

    def show_prompt(self) -> None:
        """Ask the question where no view is drawn; the view draws it with each frame."""
        if not self.live and self.prompt != self._asked:
            write_lines(self.footer, self._stream)
            self._stream.write(self.prompt)
            self._stream.flush()
        self._asked = self.prompt

    def entered(self) -> None:
        """Take note that the person pressed Enter: the terminal has moved on by a line."""
        self._asked = ""
        self._dirty = True
        if self._screen is not None:
            self._screen.entered()

    def lines(self, width: int = 0) -> list[Line]:
        """Return the view as it is now."""
        width = width or terminal_width(sys.stdout)
        return render(self.document(), width, now_ms(), name=self.name, viewer=self.viewer)

    def _draw(self, screen: Screen, *, now: bool) -> None:
        since = time.monotonic() - self._drawn_at
        if not now and since < (SETTLE_S if self._dirty else DRAW_S):
            return
        self._drawn_at, self._dirty = time.monotonic(), False
        screen.draw([*self.lines(screen.width), *self.footer], prompt=self.prompt)


def goes_live(stream: TextIO) -> bool:
    """Return whether a live view can be drawn on *stream*."""
    return is_terminal(stream) and os.environ.get("TERM", "") not in {"", "dumb"}


@contextmanager
def signals_end_in_order() -> Iterator[None]:
    """Turn the signals that end a program into exceptions, so that a terminal is left as it was found."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def follow_here(follower: Follower, *, until_decision: bool) -> int:
    """Follow on this terminal; Ctrl-C leaves the view and says how to come back."""
    from relight.cli.endings import INTERRUPTED

    try:
        with signals_end_in_order():
            return follower.follow(until_decision=until_decision)
    except KeyboardInterrupt:
        rest = f"{follower.name}{follower.journal_option}"
        write_lines(
            [
                "",
                f"You left the view; run {follower.name} goes on without it.",
                f"Come back with `relight watch {rest}`; end the run with `relight abort {rest}`.",
            ],
            sys.stderr,
        )
        return INTERRUPTED
