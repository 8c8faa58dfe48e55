"""What a chat has to know of a run's history: its gates and holds from first to last, and what to tell in its thread.

It is a fold of the journal's records, like the run itself, so a serve that begins in the middle knows all of it.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from relight.control.sentences import sentence
from relight.journal.codec import decode
from relight.journal.port import Journal, Record

TOLD = (
    "stage_entered",
    "stage_verified",
    "stage_skipped",
    "gate_asked",
    "vote_cast",
    "gate_denied",
    "gate_expired",
    "gate_escalated",
    "gate_opened",
    "held",
    "hold_left",
    "paused",
    "resumed",
    "abort_begun",
    "guard_breached",
    "guard_cleared",
    "ramp_moved",
    "undo_begun",
    "undo_failed",
    "driver_took_over",
    "noted",
    "run_ended",
)
"""Kinds of facts that people follow a run by; the log has all."""


class Line(NamedTuple):
    """One line of a run's thread."""

    seq: int
    at_ms: int
    text: str


class Voted(NamedTuple):
    """One approval, as it was cast."""

    person: str
    door: str
    at_ms: int
    reason: str = ""


@dataclass(slots=True)
class Gate:
    """One ticket: how it was asked, who said what, and how it was closed.

    Attributes:
        closed: ``opened``, ``denied``, ``expired``, ``superseded`` or ``over``; empty while it waits.
        readings: What its checks said when it opened.
        denied_later: Who denied it after its starter had opened it alone.
    """

    ticket: str
    stage: str
    title: str
    asked_ms: int
    scope_digest: str
    votes: list[Voted] = field(default_factory=list)
    closed: str = ""
    closed_ms: int = 0
    by: str = ""
    door: str = ""
    why: str = ""
    alone: bool = False
    solo: bool = False
    denied_later: str = ""
    readings: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Hold:
    """One hold: why, and how it was left."""

    seq: int
    code: str
    stage: str
    step: str
    subject: str
    text: str
    at_ms: int
    left_ms: int = 0
    verb: str = ""
    person: str = ""
    reason: str = ""


class Story:
    """The story of one run as far as it was read."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.seq = 0
        self.gates: dict[str, Gate] = {}
        self.holds: dict[int, Hold] = {}
        self.lines: list[Line] = []
        self.ended_ms: int | None = None

    def read(self, journal: Journal) -> None:
        """Read on to the end."""
        for record in journal.records(self.run, after=self.seq, kinds=TOLD):
            self.hear(record)

    def hear(self, record: Record) -> None:
        """Take in one record."""
        body = json.loads(record.body)
        self.seq = record.seq
        _FOLDS.get(record.kind, _nothing)(self, body, record.seq)
        self.lines.append(Line(record.seq, body["at"], sentence(decode(record.body))))

    def after(self, seq: int) -> Iterator[Line]:
        """Yield the lines above number *seq*."""
        return (line for line in self.lines if line.seq > seq)

    def forget(self, seq: int) -> None:
        """Let go of lines that were told."""
        self.lines = [line for line in self.lines if line.seq > seq]


def _nothing(_story: Story, _body: dict[str, Any], _seq: int) -> None:
    pass


def _asked(story: Story, body: dict[str, Any], _seq: int) -> None:
    _close(_waiting(story), "superseded", body)
    story.gates[body["ticket"]] = Gate(
        ticket=body["ticket"],
        stage=body["stage"],
        title=body.get("title") or body["stage"],
        asked_ms=body["at"],
        scope_digest=body.get("scope_digest", ""),
    )


def _voted(story: Story, body: dict[str, Any], _seq: int) -> None:
    gate = story.gates.get(body["ticket"])
    if gate is not None:
        gate.votes.append(Voted(body["person"], body.get("door", ""), body["at"], body.get("reason", "")))


def _denied(story: Story, body: dict[str, Any], _seq: int) -> None:
    gate = story.gates.get(body["ticket"])
    if gate is None:
        return
    if gate.closed == "opened":
        gate.denied_later = body["person"]
        gate.why = body.get("reason", "")
        return
    gate.by, gate.door, gate.why = body["person"], body.get("door", ""), body.get("reason", "")
    _close([gate], "denied", body)


def _expired(story: Story, body: dict[str, Any], _seq: int) -> None:
    gate = story.gates.get(body["ticket"])
    if gate is not None and not gate.closed:
        gate.why = body.get("why", "")
        _close([gate], "expired", body)


def _opened(story: Story, body: dict[str, Any], _seq: int) -> None:
    gate = story.gates.get(body["ticket"])
    if gate is None:
        return
    gate.by = ", ".join(body.get("approvers", ()))
    gate.alone, gate.solo = bool(body.get("alone")), bool(body.get("solo"))
    gate.readings = dict(body.get("readings", {}))
    if gate.solo and gate.votes:
        gate.why = gate.votes[-1].reason
    _close([gate], "opened", body)


def _held(story: Story, body: dict[str, Any], seq: int) -> None:
    words = {name: body.get(name, "") for name in ("code", "stage", "step", "subject", "text")}
    story.holds[seq] = Hold(seq=seq, at_ms=body["at"], **words)


def _left(story: Story, body: dict[str, Any], _seq: int) -> None:
    for hold in story.holds.values():
        same = (hold.code, hold.stage, hold.step) == (body["code"], body["stage"], body.get("step", ""))
        if same and not hold.left_ms:
            hold.left_ms = body["at"]
            hold.verb, hold.person = body.get("verb", ""), body.get("person", "")
            hold.reason = body.get("reason", "")


def _skipped(story: Story, body: dict[str, Any], _seq: int) -> None:
    for gate in _waiting(story):
        if gate.stage == body["stage"]:
            gate.by, gate.why = body.get("person", ""), body.get("reason", "") or body.get("why", "")
            _close([gate], "skipped", body)


def _ended(story: Story, body: dict[str, Any], _seq: int) -> None:
    _close(_waiting(story), "over", body)
    for hold in story.holds.values():
        if not hold.left_ms:
            hold.left_ms, hold.verb = body["at"], "over"
    story.ended_ms = body["at"]


def _waiting(story: Story) -> list[Gate]:
    return [gate for gate in story.gates.values() if not gate.closed]


def _close(gates: Iterable[Gate], how: str, body: dict[str, Any]) -> None:
    for gate in gates:
        gate.closed, gate.closed_ms = how, body["at"]


_FOLDS = {
    "gate_asked": _asked,
    "vote_cast": _voted,
    "gate_denied": _denied,
    "gate_expired": _expired,
    "gate_opened": _opened,
    "held": _held,
    "hold_left": _left,
    "stage_skipped": _skipped,
    "run_ended": _ended,
}
