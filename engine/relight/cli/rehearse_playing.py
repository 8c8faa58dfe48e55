"""Playing one rehearsal: its documents read, its runbook planned, and what came of it."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relight.errors import RunbookError, UsageError

if TYPE_CHECKING:
    from relight.cli.rehearse_place import Place
    from relight.control.observing import Observed
    from relight.control.rehearsing import Played
    from relight.drivers.rehearsal.calm import Calm
    from relight.runbook.complaints import Complaint
    from relight.runbook.rehearsal_document import Rehearsal
    from relight.runbook.source import Source

SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be rehearsed.

    Attributes:
        inputs: Values for the runbook's inputs.
        seed: Of the simulation's dice; None: the rehearsal's own.
        observe: At the real site, which is only looked at.
        places: Where it was planned already, for those who rehearse it many times.
    """

    runbook: "Path | Source"
    site: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    script: Path | None = None
    seed: int | None = None
    observe: bool = False
    places: "dict[str, Place]" = field(default_factory=dict, compare=False)

    def place(self, inputs: Mapping[str, Any], starter: str | None = None) -> "Place":
        """Return the runbook, planned where it is to be rehearsed.

        Raises:
            RunbookError: a document or an input is wrong.
            UsageError: there is no such site, or nobody there who is to start it.
        """
        from relight.cli.rehearse_place import find_place

        key = json.dumps([str(getattr(self.runbook, "name", self.runbook)), self.site, inputs, starter], default=str)
        if key not in self.places:
            self.places[key] = find_place(self.runbook, self.site, inputs, starter)
        return self.places[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A rehearsal that was played, where, and with which dice."""

    played: "Played"
    place: "Place"
    seed: int

    def document(self) -> dict[str, Any]:
        """Return ``relight.rehearsal/v1``."""
        from relight.control.rehearsing import document

        dice = self.seed if self.played.simulation is not None else None
        return {**document(self.played), "where": self.place.where, "seed": dice}


def play_order(order: Order) -> Shown:
    """Play it, by its script if it has one.

    Raises:
        RunbookError: a document or an input is wrong; carries every complaint.
    """
    if order.script is not None:
        return _scripted(order, order.script)
    place, seed = order.place(order.inputs), SEED if order.seed is None else order.seed
    simulation = None if order.observe else place.simulation(seed)
    return Shown(played=_played(order, place, simulation=simulation), place=place, seed=seed)


def _scripted(order: Order, script: Path) -> Shown:
    from relight.control.scripting import scripted
    from relight.runbook.rehearsals import read_rehearsal

    read = read_rehearsal(script)
    if read.document is None:
        raise _wrong(script, list(read.complaints))
    rehearsal = read.document
    inputs = {**_inputs(rehearsal), **order.inputs}
    try:
        place = order.place(inputs, rehearsal.starter)
    except (RunbookError, UsageError):
        if read.is_valid:
            raise
        raise _wrong(script, list(read.complaints)) from None
    # What is left of a wrong document is judged too: everything is reported at once.
    said = scripted(rehearsal, place.plan, read.complaints)
    seed = rehearsal.seed if order.seed is None else order.seed
    simulated = rehearsal.world == "simulation" and not order.observe
    simulation = place.simulation(seed) if simulated else None
    if simulated and simulation is None:
        hint = "give the site a `simulation`, or write `world: calm`"
        read.complaints.add("RL704", rehearsal.place("world"), f"{place.where} has no simulation", hint)
    if not read.is_valid:
        raise _wrong(script, list(read.complaints))
    played = _played(
        order,
        place,
        script=said.script,
        expected=said.expected,
        name=rehearsal.rehearsal,
        title=rehearsal.title or "",
        simulation=simulation,
    )
    return Shown(played=played, place=place, seed=seed)


def _played(order: Order, place: "Place", **how: Any) -> "Played":
    from relight.control.rehearsing import play

    if not order.observe:
        return play(place.plan, place.registry, starter=place.starter, **how)
    from relight.control.observing import Observed

    with contextlib.ExitStack() as stack:

        def over(calm: "Calm") -> "Observed":
            return stack.enter_context(Observed(place.plan, place.registry, calm))

        return play(place.plan, place.registry, starter=place.starter, over=over, **how)


def with_changes(order: Order, text: str) -> Order:
    """Return the order for the runbook with the changes that *text* asks for.

    Raises:
        UsageError: a path leads nowhere.
    """
    from relight.runbook.source import source_from_file
    from relight.runbook.what_if import changed, changes, inputs_and_rest

    source = source_from_file(order.runbook) if isinstance(order.runbook, Path) else order.runbook
    inputs, rest = inputs_and_rest(changes(text))
    return replace(order, runbook=changed(source, rest), inputs={**order.inputs, **inputs})


def _inputs(rehearsal: "Rehearsal") -> dict[str, Any]:
    from relight.runbook.yaml12 import plain

    return {name: plain(value) for name, value in rehearsal.inputs.items()}


def _wrong(script: Path, complaints: "list[Complaint]") -> RunbookError:
    from relight.control.wording import counted

    errors = sum(complaint.severity == "error" for complaint in complaints)
    hint = "mend what is named above; `relight schema rehearsal` says what a rehearsal may hold"
    return RunbookError(f"{counted(errors, 'mistake')} in {script}", complaints=complaints, hint=hint)
