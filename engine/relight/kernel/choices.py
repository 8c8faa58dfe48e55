"""What can be said to a run right now, by whom, and where it leads: the source of ``next`` and ``why``."""

from collections.abc import Iterator
from dataclasses import dataclass

from relight.kernel.authority import gate_roles
from relight.kernel.holds import ABORT, HOLDS, Way, Who
from relight.kernel.state import Manual, Ramping, Run
from relight.kernel.watching import open_steps


@dataclass(frozen=True, slots=True, kw_only=True)
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
        for way in HOLDS[hold.code].ways:
            choice = _way(run, way, hold.step, hold.subject, hold.stage)
            if choice is not None:
                yield choice
    yield from _at_steps(run)
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


def _way(run: Run, way: Way, step: str, subject: str, stage: str) -> Choice | None:
    current = run.current
    if way.only_optional and (current is None or not current.optional):
        return None
    words = {
        "mark": f"{step} {way.value}",
        "ramp": way.value,
        "undo": f"--to {stage}" if way.value == "stage" else step,
        "skip": step or subject or stage if not way.only_optional else stage,
        "retry": step,
        "ask": "",
    }.get(way.verb, "")
    if way.verb == "undo" and way.value != "stage" and not _can_undo(run, step):
        return None
    return Choice(
        verb=way.verb,
        words=words,
        leads_to=way.leads_to,
        who=way.who,
        roles=gate_roles(current) if way.who == "gate" else (),
        needs_reason=way.needs_reason,
        safe=way.verb in SAFE_VERBS or way.value == "floor",
    )


def _can_undo(run: Run, step: str) -> bool:
    return any(step in entry.steps and not entry.protective for entry in run.ledger.values())


def _at_steps(run: Run) -> Iterator[Choice]:
    for step in open_steps(run):
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
