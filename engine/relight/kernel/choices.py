"""What can be said to a run right now, by whom, and where it leads: the source of ``next`` and ``why``."""

from collections.abc import Iterable, Iterator

from relight.frozen import frozen
from relight.kernel import fitting
from relight.kernel.authority import alone_from_t, gate_roles, may_decide, stage_of_ticket
from relight.kernel.effects import layers
from relight.kernel.holds import ABORT, ABORT_UNDOES, HOLDS, UNDO_HOLDS, Way, Who
from relight.kernel.plan import Stage
from relight.kernel.ramping import ramps
from relight.kernel.stages import counting_votes
from relight.kernel.state import Hold, Manual, Run


@frozen
class Choice:
    """One legal verb.

    Attributes:
        words: What comes after ``relight VERB RUN`` (a ticket, a step and ``done``, ``floor``).
        leads_to: Completes "it …".
        roles: Who may; empty: anybody known (or anybody at all for *who* ``anybody``).
        safe: It moves towards less exposure or none.
    """

    verb: str
    words: str
    leads_to: str
    who: Who
    roles: tuple[str, ...] = ()
    needs_reason: bool = False
    safe: bool = False

    @property
    def asking(self) -> dict[str, str]:
        """The fields of the request that these words stand for."""
        words = self.words.split()
        match self.verb:
            case "approve" | "deny":
                said = {"ticket": self.words}
            case "mark":
                said = {"subject": words[0], "value": words[1]}
            case "ramp":
                said = {"value": self.words}
            case "undo" if words[:1] == ["--to"]:
                said = {"value": words[1]}
            case _:
                said = {"subject": self.words}
        return {"verb": self.verb, **said}


PAUSE = Choice(verb="pause", words="", leads_to="stands still after what is under way", who="anybody", safe=True)
STAY = "stays at this value until told to go on"
FLOOR = "goes down to the floor and stays"
SAFE_VERBS = frozenset({"pause", "abort", "deny", "undo"})
SAFE_VALUES = frozenset({"floor", "down", "stay", "not-done"})
"""What moves towards less exposure, or nowhere."""


def choices(run: Run) -> tuple[Choice, ...]:
    """Return what people are asked for now, and what is always at hand, the likeliest first."""
    if run.outcome is not None or run.aborting:
        return ()
    return _once(_likely(run))


def seldom(run: Run) -> tuple[Choice, ...]:
    """Return what is legal besides, though nobody waits for it; with ``choices`` and ``note`` these are all."""
    if run.outcome is not None:
        return ()
    said = {(choice.verb, choice.words) for choice in choices(run)}
    found = _marks(run) if run.aborting else _besides(run)
    return tuple(choice for choice in _once(found) if (choice.verb, choice.words) not in said)


def _once(found: Iterable[Choice]) -> tuple[Choice, ...]:
    first: dict[tuple[str, str], Choice] = {}
    for choice in found:
        first.setdefault((choice.verb, choice.words), choice)
    return tuple(first.values())


# ---- what people are asked for


def _likely(run: Run) -> Iterator[Choice]:
    if run.paused:
        yield Choice(verb="resume", words="", leads_to="goes on from where it stands", who="known")
    yield from _at_gate(run)
    for hold in run.holds:
        for way in open_ways(run, hold):
            yield _way(run, way, hold)
    yield from _at_steps(run)
    for step in fitting.unsure_steps(run):
        yield from _marks_now(run, step, "records its effect as in force", "records that its effect is not in force")
    if not run.paused and not run.holds:
        yield PAUSE
    yield Choice(verb="abort", words="", leads_to=_leads_to(run, ABORT), who="anybody", safe=True)


def _at_gate(run: Run) -> Iterator[Choice]:
    stage, ticket = run.current, run.ticket
    if stage is None or stage.gate is None or ticket is None or ticket.status != "waiting":
        return
    roles = gate_roles(stage)
    leads = "opens the gate once its required checks pass"
    voted = {vote.person for vote in counting_votes(run, stage.gate, ticket, run.t)}
    since = alone_from_t(run, stage.gate, ticket)
    alone = {run.starter} if since is not None and run.t >= since else set()
    if ({*may_decide(run, stage.gate)} | alone) - voted:
        yield Choice(verb="approve", words=ticket.id, leads_to=leads, who="gate", roles=roles)
    if fitting.skipping_stage(run, stage.id) is None:
        yield _skip_stage(run, stage)
    leads = "closes the ticket and holds"
    yield Choice(verb="deny", words=ticket.id, leads_to=leads, who="gate", roles=roles, safe=True)


def _skip_stage(run: Run, stage: Stage) -> Choice:
    leads = "leaves this stage out and goes on with the next"
    return Choice(
        verb="skip", words=stage.id, leads_to=leads, who="gate", roles=gate_roles(run.current), needs_reason=True
    )


def open_ways(run: Run, hold: Hold) -> tuple[Way, ...]:
    """Return the ways out of this very hold."""
    return tuple(way for way in HOLDS[hold.code].ways if _is_open(run, hold, way))


def _is_open(run: Run, hold: Hold, way: Way) -> bool:
    if way.about and (way.about == "step") != bool(hold.step):
        return False
    if way.only == "settled" and (not hold.step or run.step_of(hold.step).settle is None):
        return False
    match way.verb:
        case "mark":
            return fitting.marking(run, hold.step, way.value) is None
        case "skip" if hold.step:
            return fitting.skipping_step(run, hold.step) is None
        case "skip" if run.stage.phase == "approach":
            return fitting.skipping_stage(run, "") is None
        case "skip":
            return run.undo is None
        case "ramp":
            return fitting.steering(run, way.value, hold.step, held=True) is None
        case "undo" if way.value:
            return fitting.going_back(run, hold.stage) is None
        case "undo":
            return fitting.undoing(run, hold.step) is None
        case _:
            return hold.code not in UNDO_HOLDS or run.undo is None


def _way(run: Run, way: Way, hold: Hold) -> Choice:
    words = {
        "mark": f"{hold.step} {way.value}",
        "ramp": way.value,
        "undo": f"--to {hold.stage}" if way.value == "stage" else hold.step,
        "skip": hold.step or (hold.stage if way.only == "optional" else hold.subject),
        "retry": hold.step,
    }
    return Choice(
        verb=way.verb,
        words=words.get(way.verb, ""),
        leads_to=_leads_to(run, way),
        who=way.who,
        roles=gate_roles(_decider(run, hold)) if way.who == "gate" else (),
        needs_reason=way.needs_reason,
        safe=way.verb in SAFE_VERBS or way.value in SAFE_VALUES,
    )


def _leads_to(run: Run, way: Way) -> str:
    return ABORT_UNDOES if way is ABORT and run.plan.on_abort == "undo" else way.leads_to


def _decider(run: Run, hold: Hold) -> Stage | None:
    """Return the stage whose gate's roles decide about a hold."""
    return stage_of_ticket(run, hold.subject) if hold.code == "solo-denied" else run.current


def _at_steps(run: Run) -> Iterator[Choice]:
    for step in run.open_steps:
        record = run.steps.get(step.id)
        if record is not None and isinstance(record.state, Manual):
            yield from _marks_of(step.id, "goes on", "holds the run")
    ways = (("stay", STAY), ("floor", FLOOR), ("up", "may rise again")) if ramps(run) else ()
    for value, leads in ways:
        if fitting.steering(run, value) is None:
            yield _steer(value, leads)


def _steer(value: str, leads_to: str) -> Choice:
    up = value == "up"
    return Choice(verb="ramp", words=value, leads_to=leads_to, who="known" if up else "anybody", safe=not up)


# ---- what is legal besides


def _besides(run: Run) -> Iterator[Choice]:
    stage = run.current
    if stage is not None and fitting.asking_anew(run) is None:
        leads = "asks the gate anew: everything is read again, and earlier approvals do not count"
        yield Choice(verb="ask", words="", leads_to=leads, who="known")
    if stage is not None and run.stage.phase == "approach" and fitting.skipping_stage(run, stage.id) is None:
        yield _skip_stage(run, stage)
    for ticket in run.opened_solo:
        roles = gate_roles(stage_of_ticket(run, ticket))
        leads = "holds the run, for its starter opened that gate alone"
        yield Choice(verb="deny", words=ticket, leads_to=leads, who="gate", roles=roles, safe=True)
    if fitting.steering(run, "down") is None:
        yield _steer("down", "goes down by one value")
    yield from _marks(run)
    yield from _skips(run, stage)
    yield from _undos(run)
    if not run.paused:
        yield PAUSE


def _marks(run: Run) -> Iterator[Choice]:
    for step in run.plan_index:
        if step in run.steps:
            yield from _marks_now(run, step, "records it as done", "records that it did not happen")


def _marks_now(run: Run, step: str, done: str, not_done: str) -> Iterator[Choice]:
    """Yield what it may be marked as: what a failed step would have done cannot always be told."""
    for choice in _marks_of(step, done, not_done):
        if fitting.marking(run, step, choice.words.split()[1]) is None:
            yield choice


def _marks_of(step: str, done: str, not_done: str) -> Iterator[Choice]:
    yield Choice(verb="mark", words=f"{step} done", leads_to=done, who="known")
    yield Choice(verb="mark", words=f"{step} not-done", leads_to=not_done, who="known", safe=True)


def _skips(run: Run, stage: Stage | None) -> Iterator[Choice]:
    roles, leads = gate_roles(stage), "leaves the step out and goes on with the next"
    for step in stage.steps if stage is not None and run.stage.phase != "approach" else ():
        if fitting.skipping_step(run, step.id) is None:
            yield Choice(verb="skip", words=step.id, leads_to=leads, who="gate", roles=roles, needs_reason=True)


def _undos(run: Run) -> Iterator[Choice]:
    leads = "reverses the step's effect, shown first, and holds"
    for step in dict.fromkeys(layer.step for entry in reversed(run.ledger.values()) for layer in layers(entry)):
        if fitting.undoing(run, step) is None:
            yield Choice(verb="undo", words=step, leads_to=leads, who="known", safe=True)
    leads = "undoes everything back to the start of that stage, and holds"
    for stage in reversed(run.plan.stages[: run.cursor + 1]):
        if fitting.going_back(run, stage.id) is None:
            yield Choice(verb="undo", words=f"--to {stage.id}", leads_to=leads, who="known", safe=True)
