"""The decision table: every hold that can happen, what is in force then, which verbs are legal and where each leads."""

from dataclasses import dataclass, field

from relight.drivers.explorer.in_force import InForce
from relight.drivers.explorer.moves import asked_for
from relight.errors import NotNow, NotPermitted
from relight.kernel.choices import Choice, choices, seldom
from relight.kernel.decide import turn
from relight.kernel.fitting import unsure_steps
from relight.kernel.holds import HOLDS
from relight.kernel.state import Hold, Run


@dataclass(slots=True)
class Verb:
    """One legal verb: what is typed, where the table says it leads, and where it led.

    Attributes:
        seldom: It is legal, and nobody waits for it.
    """

    verb: str
    words: str
    leads_to: str
    roles: tuple[str, ...]
    needs_reason: bool
    seldom: bool = False
    then: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Row:
    """One hold: its code and place, what it means, an example, and what may be said.

    Attributes:
        alone: Whether nothing else is open in the states that the verbs are from: no other hold, no effect unsure.
        in_force: Steps whose effects are in force each time that it happens; *maybe* those that sometimes are.
        places: The states in which it happens, or that it happens right after.
    """

    code: str
    stage: str
    step: str
    means: str
    example: str
    in_force: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)
    places: set[int] = field(default_factory=set)
    verbs: dict[tuple[str, str], Verb] = field(default_factory=dict)
    alone: bool = True
    besides: set[frozenset[str]] = field(default_factory=set)
    """The effects in force with which what is legal besides was asked for; asking at each state would cost too much."""


class Decisions:
    """Gathers the table from the states that a walk comes by."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], Row] = {}

    def note(self, run: Run, number: int = 0) -> None:
        """Take in one state, by its number in the walk."""
        if run.aborting or run.outcome is not None:
            return
        offered: tuple[Choice, ...] | None = None
        for hold in run.holds:
            row = self._row(run, hold)
            row.places.add(number)
            alone = len(run.holds) == 1 and not set(unsure_steps(run)) - {hold.step}
            if not alone and row.verbs:
                continue  # what is offered is for all that is open; each hold alone tells more
            if alone and not row.alone:
                row.verbs.clear()
                row.besides.clear()
            row.alone = alone
            offered = choices(run) if offered is None else offered
            for choice in offered:
                self._verb(run, row, choice)
            effects = frozenset(run.ledger)
            if effects not in row.besides and not run.paused:
                row.besides.add(effects)
                for choice in seldom(run):
                    self._verb(run, row, choice, seldom=True)

    def settle(self, in_force: InForce) -> None:
        """Tell of each row what is in force, whichever way led there."""
        for row in self.rows.values():
            row.in_force, row.maybe = in_force.at(sorted(row.places))

    def _row(self, run: Run, hold: Hold) -> Row:
        key = (hold.code, hold.stage, hold.step)
        if key not in self.rows:
            self.rows[key] = Row(*key, HOLDS[hold.code].means, hold.text)
        return self.rows[key]

    def _verb(self, run: Run, row: Row, choice: Choice, *, seldom: bool = False) -> None:
        words = choice.words if choice.verb not in ("approve", "deny") else "TICKET"
        key = (choice.verb, words)
        if key in row.verbs:
            row.verbs[key].seldom &= seldom
            return
        verb = Verb(choice.verb, words, choice.leads_to, choice.roles, choice.needs_reason, seldom)
        row.verbs[key] = verb
        able = [person.id for person in run.people if not choice.roles or set(person.roles) & set(choice.roles)]
        for person in [*(each for each in able if each != run.starter), run.starter]:
            try:
                after = turn(run, asked_for(choice, person=person, at=run.at, t=run.t))[1]
            except (NotNow, NotPermitted):
                continue
            verb.then.add(where(after))
            return


def where(run: Run) -> str:
    """Return in a few words where a run stands."""
    if run.outcome is not None:
        return run.outcome
    step = run.open_steps[0].id if run.open_steps else ""
    place = f"{run.stage.id}/{step}" if step else run.stage.id
    return f"{run.state} at {place}" if place else run.state
