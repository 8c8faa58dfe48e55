"""The rehearsal, key by key: what is to happen, and how it has to end.

Short forms are already written out (``shorthand``); whether the runbook has what is named here is judged where both
are known (``relight.control.scripting``).
"""

from typing import Any, ClassVar, Literal

from pydantic import Field

from relight.runbook.parts import Duration, Id, Part, Slug, Text, Value

ENTRIES_MAX = 100
"""More endings of one step, or spells of one check, are a program and not a story."""
EVENTS_MAX = 200

StateWord = Literal["succeeded", "failed", "aborted", "held", "paused", "waiting", "running", "undoing"]


class StepEnds(Part):
    """How one or more calls of a step end."""

    thing: ClassVar[str] = "the ending of a step"
    is_: Literal["succeeds", "fails", "times-out", "unknown"] = Field(alias="is")
    """succeeds, fails, times-out (its timeout stops it) or unknown (nobody can tell)."""
    times: int | None = Field(default=None, ge=1, le=1_000)
    """How many calls end so; without it every one from then on."""
    error: Text | None = None
    """What it says when it fails."""
    retry: bool = True
    """Whether trying again can help; false: it fails for good at once."""
    after: Duration | None = None
    """How long it takes."""
    result: Value = None
    """What a call that succeeds gives: `steps.<id>.result`."""
    happened: bool = False
    """For unknown and times-out: whether it really took effect."""
    hosts: list[Text] = Field(default_factory=list, max_length=1_000)
    """For a step with targets: the hosts on which it ends so; on the others it succeeds."""
    at: float | None = None
    """For a ramp: only the move to this value."""


class ProbeAnswers(Part):
    """What a probe of the runbook answers."""

    thing: ClassVar[str] = "the answer of a probe"
    is_: Literal["blind", "reads"] = Field(alias="is")
    """reads (a value) or blind (it cannot be read)."""
    value: Value = None
    """What it answers."""
    times: int | None = Field(default=None, ge=1, le=1_000)
    """How many readings; without it every one from then on."""


class Spell(Part):
    """What a check sees, always or for a while."""

    thing: ClassVar[str] = "a spell of a check"
    is_: Literal["passes", "fails", "neutral", "blind", "flaps", "reads"] = Field(alias="is")
    """passes, fails, neutral (neither), blind (no data), flaps (fails and passes in turn) or reads (a value)."""
    value: Value = None
    """For reads: what its query or probe says."""
    from_: Text | None = Field(default=None, alias="from")
    """Since when: a time such as 5m, or a moment such as `admit at 50`."""
    until: Text | None = None
    """Until when: a time or a moment."""
    for_: Duration | None = Field(default=None, alias="for")
    """For how long."""
    during: Slug | None = None
    """Only while the run is in this stage, its gate included."""
    every: Duration = 10_000
    """For flaps: how long it fails, and then passes."""


class GateAnswer(Part):
    """What people answer when a gate asks."""

    thing: ClassVar[str] = "the answer to a gate"
    is_: Literal["approved", "denied", "skipped", "ignored"] = Field(alias="is")
    """approved, denied, skipped (an optional stage) or ignored (nobody answers)."""
    by: list[Text] = Field(default_factory=list, max_length=50)
    """Who: people, roles, `starter`, or `stranger` for somebody without any role; else the first who may."""
    after: Duration | None = None
    """How long after it asked; else as soon as all that it requires passes."""
    reason: Text | None = None
    """What they say."""
    refused: bool = False
    """That they may not, and are refused."""
    times: int | None = Field(default=None, ge=1, le=100)
    """How many askings are answered so; without it every one from then on."""


class Event(Part):
    """Something that happens at a moment: somebody says something, or the driver dies."""

    thing: ClassVar[str] = "an event"
    at: Text
    """When: a time such as 5m, or a moment such as `undeploy started` or `held step-failed`."""
    after: Duration = 0
    """How long after that moment."""
    nth: int = Field(default=1, ge=1, le=1_000)
    """Which time the moment comes."""
    do: Text
    """What: as after `relight` on the command line (`pause`, `retry undeploy`, `mark warm done`), or `kill driver`."""
    by: Text | None = None
    """Who: a person, a role, `starter` or `stranger`; else the first who may."""
    reason: Text | None = None
    """Why."""
    refused: bool = False
    """That they may not, or that it does not fit the moment, and are refused."""
    happened: bool = False
    """For `kill driver`: whether what it had in hand took effect."""


class Expect(Part):
    """How it has to end; only what is written is judged."""

    thing: ClassVar[str] = "an expected ending"
    state: StateWord | None = None
    """The run's state: succeeded, aborted, failed (an abort that could not undo), held, paused, waiting and so on."""
    hold: Slug | None = None
    """The code of what it holds for, such as step-failed."""
    stage: Slug | None = None
    """The stage that it stands in."""
    in_force: list[Id] | None = Field(default=None, max_length=1_000)
    """The steps whose effects are in force; exactly these."""
    values: dict[Id, dict[str, Any]] | None = None
    """By step, values that are in force."""
    done: list[Id] = Field(default_factory=list, max_length=1_000)
    """Steps that succeeded."""
    failed: list[Id] = Field(default_factory=list, max_length=1_000)
    """Steps that failed."""
    unknown: list[Id] = Field(default_factory=list, max_length=1_000)
    """Steps of which nobody knows whether they happened."""
    undone: list[Id] = Field(default_factory=list, max_length=1_000)
    """Steps whose effects were undone."""
    skipped: list[Text] = Field(default_factory=list, max_length=1_000)
    """Stages or steps that were left out."""
    never: list[Id] = Field(default_factory=list, max_length=1_000)
    """Steps that were never begun."""
    attempts: dict[Id, int] = Field(default_factory=dict)
    """By step, how often it was tried."""
    asked: list[Slug] | None = Field(default=None, max_length=100)
    """The stages whose gates asked; exactly these."""
    approved_by: dict[Slug, list[Text]] = Field(default_factory=dict)
    """By stage, who opened its gate: people, roles or `starter`."""
    told: list[Text] = Field(default_factory=list, max_length=100)
    """Whom a gate escalated to."""
    breached: list[Id] = Field(default_factory=list, max_length=100)
    """Guards that were breached."""
    happens: list[Text] = Field(default_factory=list, max_length=200)
    """Moments that come, in this order."""
    never_happens: list[Text] = Field(default_factory=list, max_length=200)
    """Moments that never come."""
    within: Duration | None = None
    """How long it takes at most, by the run's clock."""


class Rehearsal(Part):
    """A case of a runbook: what is to happen, and how it has to end."""

    thing: ClassVar[str] = "a rehearsal"
    rehearsal: Slug
    """Its name."""
    schema_: Literal["relight/v1"] = Field(alias="schema")
    """The version of this format."""
    title: Text | None = None
    """What it shows, in one line."""
    inputs: dict[Id, Value] = Field(default_factory=dict)
    """Values for the runbook's inputs."""
    world: Literal["calm", "simulation"] = "calm"
    """What everything else does that is not written here: calm (all goes well) or the site's simulation."""
    seed: int = Field(default=7, ge=0, le=1_000_000)
    """Of the simulation's dice."""
    starter: Text | None = None
    """Who starts the run: a person or a role."""
    steps: dict[Id, list[StepEnds]] = Field(default_factory=dict)
    """By step, how its calls end, one after the other."""
    undo: dict[Id, list[StepEnds]] = Field(default_factory=dict)
    """By step, how the undoing of its effect ends."""
    probes: dict[Id, list[ProbeAnswers]] = Field(default_factory=dict)
    """By probe, what it answers."""
    checks: dict[Id, list[Spell]] = Field(default_factory=dict)
    """By check, what it sees; the last that applies counts."""
    gates: dict[Slug, list[GateAnswer]] = Field(default_factory=dict)
    """By stage, what is answered each time its gate asks."""
    events: list[Event] = Field(default_factory=list, max_length=EVENTS_MAX)
    """What happens at which moment."""
    until: Duration | None = None
    """When it is broken off; after a day where it is left out."""
    expect: Expect | None = None
    """How it has to end; where it is left out, it has to succeed."""
