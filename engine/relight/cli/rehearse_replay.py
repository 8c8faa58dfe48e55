"""A past run as a rehearsal, at the terminal."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relight.cli.door import Door
from relight.cli.terminal import Line, Span, line, pad
from relight.control.wording import counted, span
from relight.errors import UsageError

if TYPE_CHECKING:
    from relight.drivers.rehearsal.replay import Replayed
    from relight.kernel.plan import Plan


def replay_run(door: Door, path: Path, site: str | None, given: Mapping[str, Any], name: str) -> bool:
    """Play a past run to the runbook as it is now, and show where it decides otherwise; return whether it does not.

    Raises:
        UsageError: its site is not there any more, or cannot be found.
        JournalError: there is no such run, or it cannot be replayed.
    """
    from relight.cli.rehearse_place import at_site
    from relight.control.replaying import document, recorded, replayed

    run_id = door.run_row(name).run
    facts, before = recorded(door.journal, run_id)
    origin = site if site is not None else before.sources.get("site", "")
    if site is None and not Path(origin).is_file():
        hint = f"name the site that it ran on: --site {before.site}"
        raise UsageError(f"the site of run {run_id}, {origin or before.site}, is not there any more", hint=hint)
    inputs = {**before.scope.get("inputs", {}), **given}
    place = at_site(path, origin, inputs, starter=_starter(facts))
    found = replayed(facts, place.plan, run_id)
    door.show(document(found, run_id, place.plan), lambda: replay_lines(found, run_id, before, place.plan))
    return found.divergence is None


def _starter(facts: list[Any]) -> str:
    return str(facts[0].starter)


def replay_lines(found: "Replayed", run_id: str, before: "Plan", now: "Plan") -> Iterator[Line | str]:
    """Yield what came of a replay."""
    from relight.control.sentences import sentence

    same = (
        "the same plan" if before.digest == now.digest else f"another plan, {now.digest[:12]} for {before.digest[:12]}"
    )
    yield line(Span(pad("REPLAY", 11), "bold"), f"run {run_id} of {before.runbook} at {before.site}, to {same}")
    first = found.divergence
    if first is None:
        yield line(Span(pad("SAME", 11), "good"), f"{counted(found.of, 'fact')}, to the last: {found.run.state}")
        return
    yield line(Span(pad("THE SAME", 11), "bold"), f"{counted(len(found.facts), 'fact')} of {found.of}, then")
    where = " ".join(part for part in (first.stage, first.step) if part)
    yield line(
        Span(pad("DIVERGES", 11), "loud"), f"at {span(first.t)}, fact {first.seq}, in {where or 'the run'}: {first.why}"
    )
    yield line(pad("  it was", 11), sentence(first.was) if first.was is not None else "nothing")
    yield line(pad("  it is", 11), sentence(first.now) if first.now is not None else "nothing")
