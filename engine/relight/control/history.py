"""The journal of a run as people and scripts read it: one entry a fact."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from relight.control.sentences import sentence
from relight.control.wording import instant
from relight.journal.codec import decode
from relight.journal.leaves import KeptExpression
from relight.journal.port import Journal, Record
from relight.journal.snapshot import last_known
from relight.kernel.evolve import evolve
from relight.kernel.facts import AnyFact, CheckTurned, ProbeRead, StepPrepared
from relight.kernel.state import Run

QUIET = (ProbeRead, StepPrepared, CheckTurned)
"""Facts that a person who follows a run seldom wants; ``log`` has them all, a view leaves them out."""


class Lately(KeptExpression):
    """An expression that loads CEL only where its value is asked for: what may be marked done by hand depends on it."""

    __slots__ = ()

    def value(self, scope: Mapping[str, Any]) -> Any:
        """Return its value, as a driver would see it."""
        from relight.runbook.expressions import restore

        return restore(self.text, self.names, self.template).value(scope)


class Event(NamedTuple):
    """One fact as it was read: its record, itself, and the run after it."""

    record: Record
    fact: AnyFact
    run: Run


class Following:
    """A run as far as it was read; reading on costs only what is new.

    It begins with the first fact, or at the last snapshot for those who only want the run as it is.
    """

    def __init__(self, journal: Journal, run_id: str, begin: tuple[Run, int] | None = None) -> None:
        self.journal = journal
        self.run_id = run_id
        self._run: Run | None = None
        self.seq = 0
        if begin is not None:
            self._run, self.seq = begin

    @classmethod
    def from_snapshot(cls, journal: Journal, run_id: str) -> "Following":
        """Begin at the last snapshot: what was recorded before it is no news."""
        return cls(journal, run_id, last_known(journal, run_id, Lately))

    @property
    def run(self) -> Run:
        """The run after everything that was read."""
        assert self._run is not None, "read the journal first"
        return self._run

    def news(self) -> Iterator[Event]:
        """Yield what was written since the last call, folding it into the run."""
        for record in self.journal.records(self.run_id, after=self.seq):
            fact = decode(record.body, Lately)
            self._run = evolve(self._run, fact)
            self.seq = record.seq
            yield Event(record, fact, self._run)


def load_run(journal: Journal, run_id: str) -> Run:
    """Return the run that a journal holds: its last snapshot, where there is one, and the fold of the facts since."""
    following = Following.from_snapshot(journal, run_id)
    for _ in following.news():
        pass
    return following.run


def log_entry(event: Event) -> dict[str, Any]:
    """Return one entry of ``relight.log/v1``; *fact* is the record's own JSON without its header."""
    record, fact = event.record, event.fact
    body = json.loads(record.body)
    return {
        "schema": "relight.log/v1",
        "run": record.run,
        "seq": record.seq,
        "epoch": record.epoch,
        "at": instant(fact.at),
        "t_ms": fact.t,
        "kind": record.kind,
        "says": sentence(fact),
        "hash": record.hash,
        "fact": {name: value for name, value in body.items() if name not in _HEADER},
    }


_HEADER = frozenset({"v", "run", "seq", "epoch", "at", "t", "kind"})


def is_quiet(fact: AnyFact) -> bool:
    """Return whether a view leaves the fact out unless it is asked for everything."""
    return isinstance(fact, QUIET)
