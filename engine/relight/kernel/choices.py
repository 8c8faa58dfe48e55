"""What can be said to a run right now, by whom, and where it leads: the source of ``next`` and ``why``."""

from collections.abc import Iterator

from relight.kernel.authority import gate_roles
from relight.kernel.effects import down_to, may_undo
from relight.kernel.frozen import frozen
from relight.kernel.holds import ABORT, HOLDS, Way, Who
from relight.kernel.outcomes import is_unknown
from relight.kernel.state import EffectEntry, Hold, Manual, Ramping, Run


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


SAFE_VERBS = frozenset({"pause", "abort", "deny", "undo"})
SAFE_VALUES = frozenset({"floor", "down", "stay", "not-done"})
"""What moves towards less exposure, or nowhere."""


def choices(run: Run) -> tuple[Choice, ...]:
    """Return every verb that is legal now, the likeliest first."""
    if run.outcome is not None:
        return ()
    if run.aborting:
        return ()
    found = list(_all(run))
    return tuple(dict.fromkeys(found))


def _all(run: Run) -> Iterator[Choice]:
    if run.paused:
        yield Choice(verb="resume", words="", leads_to="goes on from where it stands", who="known")
    yield from _at_gate(run)
    for hold in run.holds:
        for way in open_ways(run, hold):
            yield _way(run, way, hold)
    yield from _at_steps(run)
    yield from _at_effects(run)
    if not run.paused and not run.holds:
        yield Choice(verb="pause", words="", leads_to="stands still after what is under way", who="anybody", safe=True)
    yield Choice(verb="abort", words="", leads_to=ABORT.leads_to, who="anybody", safe=True)


def _at_gate(run: Run) -> Iterator[Choice]:
    stage, ticket = run.current, run.ticket
    if stage is None or stage.gate is None or ticket is None or ticket.status != "waiting":
        return
    roles = gate_roles(stage)
    leads = "opens the gate once its required checks pass"
    yield Choice(verb="approve", words=ticket.id, leads_to=leads, who="gate", roles=roles)
    if stage.optional:
        yield Choice(
            verb="skip",
            words=stage.id,
            leads_to="leaves this stage out and goes on with the next",
            who="gate",
            roles=roles,
            needs_reason=True,
        )
    yield Choice(
        verb="deny", words=ticket.id, leads_to="closes the ticket and holds", who="gate", roles=roles, safe=True
    )


def open_ways(run: Run, hold: Hold) -> tuple[Way, ...]:
    """Return the ways out of this very hold."""
    return tuple(way for way in HOLDS[hold.code].ways if _is_open(run, hold, way))


def _is_open(run: Run, hold: Hold, way: Way) -> bool:
    if way.about and (way.about == "step") != bool(hold.step):
        return False
    match way.only:
        case "optional":
            return run.current is not None and run.current.optional
        case "settled":
            return bool(hold.step) and run.step_of(hold.step).settle is not None
        case "undoable":
            above = down_to(run, hold.step)
            return run.undo is None and bool(above) and all(may_undo(entry) and entry.sure for entry in above)
        case _:
            return _fits(run, hold, way)


def _fits(run: Run, hold: Hold, way: Way) -> bool:
    """Return whether the step, or its ramp, is where the verb can take it from."""
    record = run.steps.get(hold.step)
    ramp = record.state if record is not None and isinstance(record.state, Ramping) else None
    match way.verb:
        case "ramp":
            return ramp is not None and (way.value == "up" or ramp.position > 0)
        case "mark" | "skip" if hold.step:
            under_way = any(item.step == hold.step for item in run.dispatches.values())
            falls = ramp is not None and ramp.falling and hold.code != "step-failed"
            unknown = way.verb == "skip" and is_unknown(run, hold.step)
            return not under_way and not falls and not unknown
        case "undo":
            return run.undo is None
        case _:
            return True


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
        leads_to=way.leads_to,
        who=way.who,
        roles=gate_roles(run.current) if way.who == "gate" else (),
        needs_reason=way.needs_reason,
        safe=way.verb in SAFE_VERBS or way.value in SAFE_VALUES,
    )


def unsure_steps(run: Run) -> tuple[str, ...]:
    """Return the steps of whose effects nobody knows whether they are in force, and that nothing will settle."""
    return tuple(
        entry.step
        for entry in run.ledger.values()
        if not entry.sure and not is_unknown(run, entry.step) and not _is_touched(run, entry)
    )


def _is_touched(run: Run, entry: EffectEntry) -> bool:
    undone = run.undo is not None and entry.key in run.undo.queue
    return undone or any(entry.key in (item.effect_key, item.undoes) for item in run.dispatches.values())


def _at_effects(run: Run) -> Iterator[Choice]:
    for step in unsure_steps(run):
        yield Choice(verb="mark", words=f"{step} done", leads_to="records its effect as in force", who="known")
        leads = "records that its effect is not in force"
        yield Choice(verb="mark", words=f"{step} not-done", leads_to=leads, who="known", safe=True)


def _at_steps(run: Run) -> Iterator[Choice]:
    for step in run.open_steps:
        record = run.steps.get(step.id)
        if record is None:
            continue
        if isinstance(record.state, Manual):
            yield Choice(verb="mark", words=f"{step.id} done", leads_to="goes on", who="known")
            yield Choice(verb="mark", words=f"{step.id} not-done", leads_to="holds the run", who="known", safe=True)
        if isinstance(record.state, Ramping):
            yield Choice(
                verb="ramp", words="stay", leads_to="stays at this value until told to go on", who="anybody", safe=True
            )
            if record.state.position:
                yield Choice(
                    verb="ramp", words="floor", leads_to="goes down to the floor and stays", who="anybody", safe=True
                )
            if record.state.stay:
                yield Choice(verb="ramp", words="up", leads_to="may rise again", who="known")
