"""Who saw everything: what must hold of a run across its drivers, its journal and its people.

The eight properties are held with every append; what is asserted here is about who wrote, what was acted on, and that
nothing that was acknowledged is lost.
"""

from collections.abc import Sequence
from typing import Any

from relight.drivers.drafting import Draft
from relight.journal.port import Journal, Request
from relight.kernel import facts as f
from relight.kernel.evolve import evolve
from relight.kernel.intents import Perform, Stop
from relight.kernel.state import Run
from relight.kernel.wanted import wanted
from relight.testing.properties import Properties


class Witness:
    """Watches one run from outside; every driver tells it what it is about to do.

    Attributes:
        run: The run after everything that was acknowledged.
        epoch: Of the driver that took over last.
        properties: The eight, held with every append.
    """

    def __init__(self, run: Run, facts: list[f.AnyFact]) -> None:
        self.run = run
        self.epoch = 0
        self.properties = Properties()
        self._kept: list[f.AnyFact] = list(facts)
        self._written: dict[int, int] = {}
        self._begun: set[int] = set()
        self._denied: set[str] = set()
        self._aborted = False

    # ---- who drives

    def took_over(self, epoch: int, run: Run) -> None:
        """Hold that a new driver finds the very run that was acknowledged."""
        assert epoch > self.epoch, "every driver has an epoch of its own"
        self.epoch = epoch
        assert run == self.run, "who takes over finds what was acknowledged, all of it and nothing else"

    def was_stale(self, epoch: int) -> None:
        """Hold that a driver is refused only when another one has taken over."""
        assert epoch < self.epoch, "nobody is refused who drives"

    def appended(self, epoch: int, facts: list[f.AnyFact], draft: Draft, asked: Sequence[Request]) -> None:
        """Hold what has to be true of an append, when the driver had these requests before it."""
        assert epoch == self.epoch, "exactly one driver writes"
        before = self.run
        self.properties(before, facts, draft.run)
        self.run = draft.run
        self._kept += facts
        for fact in facts:
            self._fact(epoch, fact)
        lost = any(isinstance(fact, f.DriverTookOver) and fact.clock_lost for fact in facts)
        if lost and before.ticket is not None and before.ticket.status == "waiting" and self.run.outcome is None:
            assert before.ticket.id in self.run.spent, "nobody knows how long it waited"
        self._deniers(before, facts, asked)
        for answer in draft.answers:
            assert answer.text and (answer.ok or answer.code), "every request is answered in words"

    def _deniers(self, before: Run, facts: list[f.AnyFact], asked: Sequence[Request]) -> None:
        """Hold that no gate opens over a denial that lay in the inbox, from somebody who may deny."""
        stage, ticket = before.current, before.ticket
        if stage is None or stage.gate is None or ticket is None or ticket.status != "waiting":
            return
        roles, t = set(stage.gate.approval.roles), facts[0].t if facts else before.t
        able = {person.id for person in before.people if roles & set(person.roles)}
        denied = any(
            request.body.get("verb") == "deny"
            and request.body.get("ticket") == ticket.id
            and request.body.get("person") in able
            for request in asked
        )
        if denied and t < ticket.expires_t:
            opened = [fact.ticket for fact in facts if isinstance(fact, f.GateOpened)]
            assert ticket.id not in opened, "a denial that was there in time wins over any approval"

    def _fact(self, epoch: int, fact: f.AnyFact) -> None:
        match fact:
            case f.StepDispatched():
                self._written[fact.dispatch] = epoch
            case f.GateDenied():
                self._denied.add(fact.ticket)
            case f.GateOpened():
                assert fact.ticket not in self._denied, "a denial before the gate opens wins"
            case f.StepSettled(by="late report"):
                assert self._written[fact.dispatch] == epoch, "only a result of this driver's time is believed"
            case f.AbortBegun():
                self._aborted = True
            case _:
                pass

    # ---- what is done

    def began(self, epoch: int, intent: Perform) -> None:
        """Hold that nothing is done before it is written down, nor twice, nor after its driver was replaced."""
        assert self._written.get(intent.dispatch) == epoch, "append, then act, and only what is of this epoch"
        assert intent.dispatch not in self._begun, "one dispatch is performed once"
        assert epoch == self.epoch, "who was replaced does nothing new"
        self._begun.add(intent.dispatch)

    def stops(self, epoch: int, intent: Stop) -> None:
        """Hold that only what was written down is ended."""
        assert self._written.get(intent.dispatch) == epoch

    # ---- at the end

    def folded(self, journal: Journal, shelf: list[Any]) -> tuple[Run, int]:
        """Return the run that the journal's facts make, and the last one's number."""
        run: Run | None = None
        seq = 0
        for record in journal.records(self.run.id):
            run = evolve(run, shelf[int(record.body)])
            seq = record.seq
        assert run is not None
        return run, seq

    def close(self, journal: Journal, shelf: list[Any]) -> None:
        """Hold that the journal is the whole truth: every acknowledged fact, in order, by ever later drivers."""
        records = list(journal.records(self.run.id))
        assert [shelf[int(record.body)] for record in records] == self._kept, "no acknowledged fact is lost"
        epochs = [record.epoch for record in records]
        assert epochs == sorted(epochs), "who was replaced writes no more"
        run, _ = self.folded(journal, shelf)
        assert run == self.run and wanted(run) == wanted(self.run), "a replay gives the same run, and wants the same"
