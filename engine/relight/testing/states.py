"""Draws the kernel's tables as Markdown: ``python -m relight.testing.states`` writes ``kernel/STATES.md`` anew."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import relight.kernel
from relight.kernel.holds import HOLDS, HoldKind, Way
from relight.kernel.tables import ENDED, PHASES, RUNS, STEPS, TICKETS, Table

PAGE = Path(relight.kernel.__file__).parent / "STATES.md"

_HEAD = """\
# The kernel's states

Written by `python -m relight.testing.states` from `tables.py` and `holds.py`; a test says when it is out of date.
Every transaction of the kernel's tests is held against these tables, and every row of the first three against them.
"""

_STEPS = """
## A step

A step begins as `pending`. `given up` is a failure that the run goes on without (`on_failure: continue`).
From every state `UndoEnded` may lead back to `pending`, when a person had the run go back to its stage.
The facts of an undo name the step whose effect they are about and leave its state as it is.
"""

_PHASES = """
## A stage

`UndoEnded` may also lead to the approach of an earlier stage.
"""

_TICKETS = """
## A gate's ticket

Asking again makes another ticket. One that does not wait opens nothing, and never will.
"""

_RUNS = """
## A run

The words that people see: a hold is told before a pause, a pause before a gate or a task by hand.
An abort leaves every hold first, and the run ends as `aborted` when what is under way has ended.
It ends as `failed` where its runbook undoes on abort, and something that should be undone is still in force: its undo
failed, or nobody knows. Every other failure holds and asks a person.
"""

_HOLDS = """
## Holds

What the run stands still for, and which verbs fit. `anybody` is whoever reaches the door, `known` a person of the site
or the starter, `gate` a holder of a role of the stage's gate (anybody known where it has none).
A verb in brackets fits only where the note says.
"""


def page() -> str:
    """Return the whole page."""
    parts = [
        _HEAD,
        _STEPS,
        *drawn(STEPS, start="pending", ends=("succeeded", "given up", "skipped")),
        *told(STEPS),
        _PHASES,
        *drawn(PHASES, start="approach", ends=("next stage",)),
        *told(PHASES),
        _TICKETS,
        *drawn(TICKETS, start="none", ends=("open", "superseded")),
        *told(TICKETS),
        _RUNS,
        *drawn(RUNS, start="pending", ends=("succeeded", "aborted", "failed")),
        *told(RUNS),
        _HOLDS,
        *held(HOLDS.values()),
    ]
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"


def drawn(table: Table, *, start: str, ends: Iterable[str]) -> Iterator[str]:
    """Yield a Mermaid diagram of a table: one arrow from state to state, with the facts that lead along it."""
    yield "\n```mermaid\nstateDiagram-v2"
    for state in dict.fromkeys([*table, *ENDED] if "pending" in table and "running" in table else table):
        if " " in state:
            yield f'    state "{state}" as {_id(state)}'
    yield f"    [*] --> {_id(start)}"
    for state, follows in table.items():
        along: dict[str, list[str]] = {}
        for fact, leads in follows.items():
            for to in leads:
                along.setdefault(to, []).append(fact)
        for to, facts in along.items():
            if to != state:
                yield f"    {_id(state)} --> {_id(to)}: {', '.join(facts)}"
    yield from (f"    {_id(end)} --> [*]" for end in ends)
    yield "```"


def told(table: Table) -> Iterator[str]:
    """Yield a table of what may follow in each state and where it leads."""
    yield "\n| in | may follow | leads to |\n|---|---|---|"
    for state, follows in table.items():
        for number, (fact, leads) in enumerate(follows.items()):
            yield f"| {state if number == 0 else ''} | `{fact}` | {', '.join(leads)} |"


def held(kinds: Iterable[HoldKind]) -> Iterator[str]:
    """Yield a table of holds and verbs, and what each verb does."""
    kinds = list(kinds)
    verbs = list(dict.fromkeys(_verb(way) for kind in kinds for way in kind.ways))
    yield f"\n| hold | {' | '.join(verbs)} |\n|---|{'---|' * len(verbs)}"
    for kind in kinds:
        fits = {_verb(way): _who(way) for way in kind.ways}
        yield f"| `{kind.code}` | {' | '.join(fits.get(verb, '') for verb in verbs)} |"
    for kind in kinds:
        yield f"\n`{kind.code}`: the run holds because {kind.means}.\n"
        yield from (f"- `{_verb(way)}` {way.leads_to}{_only(way)}." for way in kind.ways)


def _verb(way: Way) -> str:
    values = {"stage": "--to"}
    return f"{way.verb} {values.get(way.value, way.value)}".strip()


def _who(way: Way) -> str:
    return f"({way.who})" if way.about or way.only else way.who


def _only(way: Way) -> str:
    about = {"step": "where the hold is about a step", "stage": "where the hold is about the stage"}
    only = {
        "optional": "where the stage is optional",
        "settled": "where the step has a settle probe",
        "undoable": "where the step has an effect in force that may be undone",
    }
    notes = [words for words in (about.get(way.about, ""), only.get(way.only, "")) if words]
    reason = ["with a reason"] if way.needs_reason else []
    return "".join(f", {note}" for note in [*notes, *reason])


def _id(state: str) -> str:
    return state.replace(" ", "_")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
