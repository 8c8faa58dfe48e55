"""Every rehearsal of a runbook, as its team's unit tests."""

import time
from dataclasses import replace
from pathlib import Path

from relight.cli.door import Door
from relight.cli.rehearse_drawing import keep_shown
from relight.cli.rehearse_junit import write_junit
from relight.cli.rehearse_playing import Order, Shown, play_order
from relight.cli.rehearse_view import all_lines
from relight.errors import RunbookError, UsageError


def rehearse_all(door: Door, order: Order, path: Path, junit: Path | None) -> bool:
    """Play the order's script, or every rehearsal beside the runbook; return whether all ended as they should.

    Raises:
        UsageError: there is none.
        RunbookError: one of them is wrong; the others were played.
    """
    from relight.runbook.rehearsals import FOLDER, rehearsals_beside

    scripts = [order.script] if order.script is not None else rehearsals_beside(path)
    if not scripts:
        hint = f"write one: {path.parent / FOLDER}/NAME.yaml; `relight schema rehearsal` says what it may hold"
        raise UsageError(f"there is no rehearsal beside {path}", hint=hint)
    began = time.perf_counter()
    shown: list[tuple[Shown, float]] = []
    wrong: dict[str, RunbookError] = {}
    for script in scripts:
        start = time.perf_counter()
        try:
            shown.append((play_order(replace(order, script=script)), time.perf_counter() - start))
        except RunbookError as error:
            wrong[script.stem] = error
    took_s = time.perf_counter() - began
    plays = [(each.played, seconds) for each, seconds in shown]
    if junit is not None:
        broken = {name: [_said(each) for each in error.complaints] for name, error in wrong.items()}
        write_junit(junit, path.name.removesuffix(".runbook.yaml"), plays, broken)
    keep_shown(door, [each for each, _ in shown])
    if plays:
        documents = [each.document() for each, _ in shown]
        door.show_each("rehearsals", documents, lambda: all_lines([played for played, _ in plays], took_s))
    if wrong:
        complaints = [complaint for error in wrong.values() for complaint in error.complaints]
        message = f"{len(wrong)} of {len(scripts)} rehearsals could not be played: {', '.join(wrong)}"
        raise RunbookError(message, complaints=complaints, hint="mend what is named above")
    return all(played.ok for played, _ in plays)


def _said(complaint: object) -> str:
    return f"{getattr(complaint, 'place', '')}: {getattr(complaint, 'message', complaint)}"
