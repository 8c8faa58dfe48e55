"""What is tried at a state and not multiplied with all others: a pause, and undoing.

A pause only stops what goes forward: it is tried at each state, and has to lead back to where it began.
Undoing is explored once for each effect and each set of effects: how it goes does not depend on the rest.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence

from relight.drivers.explorer.canonical import Canon
from relight.drivers.explorer.decisions import Decisions
from relight.drivers.explorer.findings import Broken
from relight.drivers.explorer.moves import Move, moment
from relight.drivers.explorer.walking import Place, Walk
from relight.errors import NotNow, NotPermitted
from relight.kernel.decide import turn
from relight.kernel.effects import down_to, may_undo
from relight.kernel.inputs import AnyInput, Asked, Reported, Ticked
from relight.kernel.intents import Wake
from relight.kernel.state import Run
from relight.kernel.wanted import wanted

UNDO_TURNS_MAX = 500
"""Inputs that it takes to bring one undo to its end: tries of each of some effects."""


class Apart:
    """Tries at each new state what is not multiplied."""

    def __init__(self, canon: Canon, decisions: Decisions) -> None:
        self._canon = canon
        self._decisions = decisions
        self._effects: set[Hashable] = set()

    def at(self, walk: Walk, place: Place) -> None:
        """Try everything at a state that a walk has come to for the first time."""
        run = place.run
        self._decisions.note(run, place.number)
        if run.outcome is not None or run.epoch == 0 or run.aborting or run.undo is not None:
            return
        if not run.holds and not run.breached:
            self._pause(walk, place)
        signatures = set(self._canon.effects(run))
        if not signatures <= self._effects:
            self._effects |= signatures
            for asked in self._undos(run):
                self._undo(walk, place, asked)

    def _asked(self, run: Run, verb: str, subject: str = "", value: str = "") -> Asked:
        person = run.people[0].id if run.people else run.starter
        now = moment(run.t)
        return Asked(**now, request="r", person=person, door="cli", verb=verb, subject=subject, value=value)

    def _pause(self, walk: Walk, place: Place) -> None:
        said = [self._asked(place.run, "pause"), self._asked(place.run, "resume")]
        self._there_and_back(walk, place, said, "a pause and a resume lead elsewhere")

    def _there_and_back(self, walk: Walk, place: Place, said: Sequence[AnyInput], text: str) -> None:
        """Make a round trip; what protects may have gone on meanwhile, and then it need not lead back."""
        run, held, moved = place.run, place.held, False
        wrong: list[Broken] = []
        try:
            for given in said:
                dispatched = run.next_dispatch
                run, held = walk.transact(run, held, given, wrong)
                moved = moved or run.next_dispatch != dispatched or run.cursor != place.run.cursor
                for watcher in walk.watchers:
                    watcher.rest(run)
                self._decisions.note(run, place.number)
        except Broken as broken:
            wrong.append(broken)
        for what in wrong:
            walk.found(what, place.number, tuple(said))
        if wrong:
            return
        home = bool(run.holds) or self._canon.key(run) == self._canon.key(place.run)
        if not home and not moved:
            walk.found(Broken("same-again", text, stage=run.stage.id), place.number, tuple(said))

    # ---- undoing

    def _undos(self, run: Run) -> Iterator[Asked]:
        for entry in list(run.ledger.values()):
            if all(may_undo(layer) for layer in down_to(run, entry.step)):
                yield self._asked(run, "undo", entry.step)
        for stage in run.plan.stages[: run.cursor + 1]:
            yield self._asked(run, "undo", value=stage.id)

    def _undo(self, walk: Walk, place: Place, asked: Asked) -> None:
        """Begin an undo, and bring it to its two plain ends; every other way is walked from where it begins."""
        try:
            turn(place.run, asked)
        except (NotNow, NotPermitted):
            return
        walk.follow(place, Move("person", asked))
        for outcome in ("succeeded", "failed"):
            walk.follow(place, Move("person", asked, _to_its_end(outcome)))


def _to_its_end(outcome: str) -> Callable[[Run], AnyInput | None]:
    left = iter(range(UNDO_TURNS_MAX))

    def then(run: Run) -> AnyInput | None:
        if run.undo is None or next(left, None) is None:
            return None
        now = moment(run.t)
        for item in run.dispatches.values():
            if item.purpose == "undo":
                good = outcome == "succeeded"
                return Reported(**now, dispatch=item.number, outcome="succeeded" if good else "failed", retry=False)
            return Reported(**now, dispatch=item.number, outcome="failed", error="it was stopped")
        due = min((intent.t for intent in wanted(run) if isinstance(intent, Wake)), default=None)
        return None if due is None else Ticked(**moment(due))

    return then
