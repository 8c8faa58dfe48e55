"""What people ask of a run, as the inbox keeps it, and how they are answered.

What does not belong here: whether somebody may (the kernel's), and at which door it was asked.
"""

from collections.abc import Sequence
from dataclasses import fields

from relight.errors import NotNow, NotPermitted, UsageError
from relight.journal.port import Answer, Request
from relight.kernel.facts import (
    AbortBegun,
    AnyFact,
    GateAsked,
    GateDenied,
    GateOpened,
    Held,
    HoldLeft,
    Noted,
    Paused,
    RampSteered,
    Resumed,
    RunEnded,
    StageSkipped,
    StepDispatched,
    StepFailed,
    StepSettled,
    StepSkipped,
    StepSucceeded,
    UndoBegun,
    VoteCast,
)
from relight.kernel.inputs import Asked

URGENT = frozenset({"abort", "deny"})
"""Decided before everything else that waits: who says stop is never too late by one message."""
REQUESTS_MAX = 100
"""Decided in one turn; more wait for the next, so that a flood of notes cannot hold up the world's answers."""
WORD_MAX = 200
"""Characters of an id, a verb or a ticket that are kept; nothing legal is longer."""
TEXT_MAX = 4_000
"""Characters of a reason or a note that are kept: a page and a half."""

_WORDS = tuple(f.name for f in fields(Asked) if f.name not in {"at", "t", "request"})
_NEEDED = ("person", "door", "verb")
_LONG = frozenset({"reason", "value"})


def in_order(requests: Sequence[Request]) -> tuple[list[Request], list[Request]]:
    """Return the urgent ones and the others, each in the order in which they were asked."""
    urgent = [request for request in requests if word(request, "verb") in URGENT]
    other = [request for request in requests if word(request, "verb") not in URGENT]
    return urgent, other[:REQUESTS_MAX]


def word(request: Request, name: str) -> str:
    """Return a word of a request's body as far as it is one."""
    body: object = request.body  # whatever JSON somebody put there
    value = body.get(name) if isinstance(body, dict) else None
    return value[:WORD_MAX] if isinstance(value, str) else ""


def to_input(request: Request, *, at: int, t: int) -> Asked:
    """Return a request as the kernel takes it.

    Raises:
        UsageError: its body is not what a door writes.
    """
    body: object = request.body
    if not isinstance(body, dict):
        raise UsageError(f"request {request.id} is no object")
    words: dict[str, str] = {}
    for name, value in body.items():
        if name not in _WORDS:
            raise UsageError(f"request {request.id} has a field {name[:WORD_MAX]!r} that no verb knows")
        if not isinstance(value, str):
            raise UsageError(f"request {request.id}: {name} is no text")
        longest = TEXT_MAX if name in _LONG else WORD_MAX
        if len(value) > longest:
            raise UsageError(f"the {name} is longer than {longest:,} characters", hint="say it in fewer words")
        words[name] = value
    for name in _NEEDED:
        if not words.get(name):
            raise UsageError(f"request {request.id} does not say its {name}")
    return Asked(at=at, t=t, request=request.id, **words)


def refused(request: Request, why: NotNow | NotPermitted | UsageError) -> Answer:
    """Return the answer to a request that was not legal or not theirs to ask."""
    text = f"{why.message}\n{why.hint}".strip()
    return Answer(request=request.id, ok=False, text=text, code=why.exit_code)


def accepted(asked: Asked, facts: Sequence[AnyFact]) -> Answer:
    """Return the answer to a request that was done, saying what followed from it."""
    said = list(dict.fromkeys(text for fact in facts if (text := _said(fact))))
    return Answer(request=asked.request, ok=True, text="; ".join(said) or f"{asked.verb}: recorded")


_PLAIN: dict[type, str] = {
    Paused: "paused; nothing goes forward until somebody resumes",
    Resumed: "resumed",
    AbortBegun: "abort begun; nothing forward starts any more",
    Noted: "noted",
}
_BEGUN = {"forward": "started", "ramp": "moving", "undo": "undoing"}


def _said(fact: AnyFact) -> str:
    match fact:
        case VoteCast(ticket=ticket, solo=solo):
            return f"approved {ticket}{', SOLO' if solo else ''}"
        case GateAsked(ticket=ticket):
            return f"the gate asks as {ticket}"
        case RampSteered(step=step, stay=stay):
            return f"the ramp {step} {'stays where it is' if stay else 'may go on'}"
        case GateOpened(stage=stage):
            return f"the gate of {stage} is open"
        case GateDenied(ticket=ticket):
            return f"denied {ticket}; the run holds"
        case HoldLeft(code=code, step=step, stage=stage):
            return f"left the hold {code} of {step or stage}"
        case StepDispatched(step=step, purpose=purpose):
            return f"{_BEGUN[purpose]} {step}"
        case StepSettled() | StepSucceeded(dispatch=0) | StepFailed(dispatch=0):
            done = fact.done if isinstance(fact, StepSettled) else isinstance(fact, StepSucceeded)
            return f"{fact.step} is {'done' if done else 'not done'}"
        case Held(text=text):
            return f"the run holds: {text}"
        case StageSkipped(stage=stage):
            return f"skipped the stage {stage}"
        case StepSkipped(step=step):
            return f"skipped {step}"
        case UndoBegun(keys=keys):
            return f"undoing {len(keys)} {'effect' if len(keys) == 1 else 'effects'}"
        case RunEnded(outcome=outcome):
            return f"the run {outcome}" if outcome != "aborted" else "the run is aborted"
        case _:
            return _PLAIN.get(type(fact), "")
