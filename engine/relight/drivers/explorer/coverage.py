"""Which parts of the document a walk came by: stages, steps, and both sides of every ``when``."""

from dataclasses import dataclass, field

from relight.kernel import facts as f
from relight.kernel.plan import Plan
from relight.kernel.state import Run

BEGUN = (f.StepPrepared, f.StepDispatched, f.RampBegun, f.WaitBegun, f.ManualAsked)


@dataclass(slots=True)
class Coverage:
    """A watcher that remembers nothing of the way, and marks what was come by.

    Attributes:
        entered: Stages whose first step could start; *done* those that were verified by their own checks.
        asked: Stages whose gate asked; *opened* those whose gate opened.
        begun: Steps that began; *ended* those that succeeded, or had nothing to do.
        passed_over: Stages and steps whose ``when`` was false.
    """

    entered: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    passed_over: set[str] = field(default_factory=set)

    def start(self) -> None:
        """Return what is remembered: nothing."""

    def rest(self, run: Run) -> None:
        """Hold nothing."""

    def step(self, held: None, before: Run, facts: list[f.AnyFact], after: Run) -> None:
        """Mark what one transaction came by."""
        for fact in facts:
            match fact:
                case f.StageEntered():
                    self.entered.add(fact.stage)
                case f.StageVerified(person=""):
                    self.done.add(fact.stage)
                case f.StageSkipped(person=""):
                    self.passed_over.add(fact.stage)
                case f.GateAsked():
                    self.asked.add(fact.stage)
                case f.GateOpened():
                    self.opened.add(fact.stage)
                case f.StepSkipped(person="", why=why):
                    (self.passed_over if why.startswith("when") else self.ended).add(fact.step)
                case f.StepSettled(by="person"):
                    self.begun.add(fact.step)
                case f.StepSucceeded() | f.StepSettled(done=True) | f.UndoBegun():
                    self._ended(fact)
                case _ if isinstance(fact, BEGUN):
                    self.begun.add(fact.step)
                case _:
                    pass

    def _ended(self, fact: f.StepSucceeded | f.StepSettled | f.UndoBegun) -> None:
        if fact.step:
            self.begun.add(fact.step)
            self.ended.add(fact.step)

    def merge(self, other: "Coverage") -> None:
        """Take in what another walk came by."""
        for name in ("entered", "done", "asked", "opened", "begun", "ended", "passed_over"):
            getattr(self, name).update(getattr(other, name))

    def unreached(self, plan: Plan) -> list[tuple[str, str, str]]:
        """Return what was never come by, as (kind, stage, step)."""
        found = []
        for stage in plan.stages:
            if stage.id not in self.entered:
                found.append(("stage", stage.id, ""))
                continue
            if stage.when is not None and stage.id not in self.passed_over:
                found.append(("branch", stage.id, ""))
            for step in stage.steps:
                if step.id not in self.begun and step.id not in self.ended:
                    found.append(("step", stage.id, step.id))
                elif step.when is not None and step.id not in self.passed_over:
                    found.append(("branch", stage.id, step.id))
        return found
