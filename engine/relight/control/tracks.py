"""Runs as the doors have read them so far: reading on costs only what is new, however many look.

One reader a run, whoever looks; a run that nobody has looked at for long is forgotten.
"""

import threading
from collections import OrderedDict
from typing import Any

from relight.control.history import Following, log_entry
from relight.control.results import with_results
from relight.control.showing import document_of
from relight.journal.codec import decode
from relight.journal.port import Journal
from relight.kernel.state import Run

TRACKS_MAX = 64
"""Runs kept in memory: more than are ever unfinished at once, and a few hundred kilobytes each."""
FRESH_MS = 500
"""A status document is as good as new for so long while nothing was recorded: its figures are a second old anyway."""


class _Track:
    def __init__(self, journal: Journal, run: str) -> None:
        self.lock = threading.Lock()
        self.following = Following.from_snapshot(journal, run)
        self.shown: tuple[int, float, dict[str, Any]] | None = None


class Tracks:
    """The runs of one journal handle."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._tracks: OrderedDict[str, _Track] = OrderedDict()

    def run(self, run_id: str) -> Run:
        """Return the run as it is now."""
        track = self._track(run_id)
        with track.lock:
            return self._read(track)

    def status(self, run_id: str) -> dict[str, Any]:
        """Return ``relight.run/v1``, made anew when something was recorded or figures are old; do not change it."""
        from time import monotonic

        track = self._track(run_id)
        with track.lock:
            run, seq = self._read(track), track.following.seq
            now = monotonic()
            if track.shown is None or track.shown[0] != seq or (now - track.shown[1]) * 1_000 > FRESH_MS:
                track.shown = seq, now, with_results(document_of(self._journal, run), self._journal)
            return track.shown[2]

    def log(self, run_id: str, *, after: int, limit: int) -> list[dict[str, Any]]:
        """Return entries of ``relight.log/v1`` above number *after*; only these are read."""
        from relight.control.history import Event

        run = self.run(run_id)
        entries: list[dict[str, Any]] = []
        for record in self._journal.records(run_id, after=after):
            entries.append(log_entry(Event(record, decode(record.body), run)))
            if len(entries) >= limit:
                break
        return entries

    def _read(self, track: _Track) -> Run:
        for _ in track.following.news():
            pass
        return track.following.run

    def _track(self, run_id: str) -> _Track:
        with self._lock:
            track = self._tracks.get(run_id)
            if track is None:
                track = self._tracks[run_id] = _Track(self._journal, run_id)
            self._tracks.move_to_end(run_id)
            while len(self._tracks) > TRACKS_MAX:
                self._tracks.popitem(last=False)
            return track
