"""Inputs: what the world did or a person said; each brings the time with it.

Only :class:`Asked` may be refused (``NotNow``, ``NotPermitted``); what the world says is always taken,
and what no longer matters gives no facts.
"""

from dataclasses import field
from typing import Literal, TypeAlias

from relight.frozen import frozen
from relight.kernel.facts import Verdict
from relight.kernel.plan import Json, Person, Plan, Solo
from relight.kernel.state import Run


@frozen
class Input:
    """The base of all inputs: *at* is wall milliseconds since 1970, *t* the run's clock in milliseconds."""

    at: int
    t: int


@frozen
class Started(Input):
    """A person started a plan; the only input that a run does not exist for yet.

    *after* are the runs of the same site that ended and left something in force, in the order in which they ended.
    """

    run: str
    plan: Plan
    starter: str
    door: str = "cli"
    after: tuple[Run, ...] = ()


@frozen
class TookOver(Input):
    """A driver begins: whatever an earlier one had in its hands is lost."""

    epoch: int
    driver: str
    clock_lost: bool = False


@frozen
class Ticked(Input):
    """Time has passed."""


@frozen
class Turned(Input):
    """The judge changed its mind about a watched check."""

    use: str
    check: str
    verdict: Verdict
    value: float | bool | str | None = None
    worst: float | None = None
    samples: int = 0
    digest: str = ""
    detail: str = ""


@frozen
class Read(Input):
    """A reading that was wanted came back; *read* is the intent's identity."""

    read: str
    value: Json = None
    error: str = ""


@frozen
class PeopleRead(Input):
    """The site's people were read again and are different."""

    people: tuple[Person, ...]
    solo: Solo | None = None


@frozen
class Reported(Input):
    """A dispatch ended.

    Attributes:
        outcome: ``unknown`` where it may or may not have happened.
        targets: For a fan-out: host name to its error, None for success.
        untouched: Hosts that were not begun because too many others had failed; they wait as before.
        retry: Whether trying again can help.
    """

    dispatch: int
    outcome: Literal["succeeded", "failed", "unknown"]
    result: Json = None
    error: str = ""
    retry: bool = True
    retry_after_ms: int | None = None
    targets: dict[str, str | None] = field(default_factory=dict)
    untouched: tuple[str, ...] = ()


@frozen
class Asked(Input):
    """A person asked for something at a door.

    Attributes:
        request: Its id in the inbox.
        person: A person's id in the site, or ``os:NAME`` (``slack:ID`` …) for somebody unknown.
        door: ``cli``, ``chat``, ``web``, ``api``.
        proof: How the door knows who it is.
        verb: ``approve deny ask pause resume retry skip mark ramp undo abort note``.
        subject: The step (or stage) it is about.
        ticket: For approve and deny.
        scope_digest: What they saw, where the door knows; empty: not compared.
        value: ``done``/``not-done`` for mark, ``floor``/``down``/``stay``/``up`` for ramp, the stage for undo --to,
            the text for note.
        confirmed: The site's name, typed, where the verb wants it.
    """

    request: str
    person: str
    door: str
    proof: str = ""
    verb: str
    subject: str = ""
    ticket: str = ""
    scope_digest: str = ""
    reason: str = ""
    value: str = ""
    confirmed: str = ""


AnyInput: TypeAlias = Started | TookOver | Ticked | Turned | Read | PeopleRead | Reported | Asked
