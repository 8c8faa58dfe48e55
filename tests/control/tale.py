"""A run told by hand: the kernel decides, a journal keeps it, and no driver is anywhere."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from relight.control.exits import needs_decision
from relight.errors import NotNow, NotPermitted
from relight.journal.codec import encode
from relight.journal.memory import MemoryJournal
from relight.journal.port import Answer, Batch, Journal, Row, Sample
from relight.kernel.decide import decide
from relight.kernel.evolve import evolve
from relight.kernel.inputs import AnyInput, Asked, Reported, Started, Ticked, TookOver, Turned
from relight.kernel.intents import Perform, ReadProbe, Watch
from relight.kernel.plan import (
    Approval,
    Check,
    Gate,
    Guard,
    Person,
    Plan,
    Ramp,
    Stage,
    Step,
    Undo,
    Use,
    Verify,
)
from relight.kernel.state import Run
from relight.kernel.wanted import wanted
from relight.runbook.expressions import bare, restore

BEGAN = 1_763_850_250_000
RUN = "7f3k9x2m"


def check(name: str, passes: str, fails: str = "", *, query: str = "") -> Check:
    return Check(
        id=name,
        query={"name": query or name},
        pass_when=bare(passes),
        fail_when=bare(fails) if fails else None,
    )


def use(capability: str, *, effect: str = "write", lasting: bool = True, **args: Any) -> Use:
    return Use(
        capability=capability,
        provider="edge",
        action=capability,
        args=args,
        effect=effect,  # type: ignore[arg-type]
        lasting=lasting,
        idempotent=effect == "write",
    )


ANA = Person(id="ana", roles=("incident-commander",), identities={"os": "ana"})
BO = Person(id="bo", roles=("incident-commander", "session-owner"), identities={"os": "bo"})

CHECKS = {
    each.id: each
    for each in (
        check("api_errors", "value < 0.01", "value > 0.03", query="api_error_ratio"),
        check("edge_errors", "value < 0.03", query="edge_5xx_ratio"),
        check("login_errors", "value < 0.02", "value > 0.25", query="login_error_ratio"),
        check("locked_out", "value < 20", query="users_locked_out"),
        check("backlog", "value < 50", query="queue_depth"),
    )
}

CONTAIN = Stage(
    id="contain",
    title="Throttle new sessions",
    steps=(
        Step(
            id="throttle",
            kind="action",
            use=use("admission.throttle", percent=10, max_rate=20),
            protective=True,
            undo=Undo(kind="use", use=use("admission.open")),
        ),
        Step(
            id="freeze",
            kind="action",
            use=use("deploy.freeze", service="all"),
            undo=Undo(kind="use", use=use("deploy.unfreeze", service="all")),
        ),
    ),
    verify=(Verify(check="edge_errors", for_ms=15_000, within_ms=120_000),),
)
ROLL_BACK = Stage(
    id="roll-back",
    title="Roll back the deploy",
    optional=True,
    gate=Gate(
        title="Roll back auth 41 to 40?",
        approval=Approval(roles=("incident-commander",), allow_self_approval=True),
        require=("edge_errors",),
        show=("login_errors", "locked_out"),
    ),
    steps=(
        Step(
            id="undeploy",
            kind="action",
            use=use("deploy.rollback", effect="destructive", service="auth", to="previous"),
            undo=Undo(kind="use", use=use("deploy.restore", service="auth"), ask=True),
        ),
    ),
)
REOPEN = Stage(
    id="reopen",
    title="Let people back in",
    steps=(
        Step(
            id="admit",
            kind="action",
            use=use("admission.throttle", percent=10, max_rate=150),
            ramp=Ramp(key="percent", floor=10, through=(25, 50, 75, 100), checks=("login_errors", "edge_errors")),
        ),
    ),
)
CLOSE = Stage(id="close", title="Close", steps=(Step(id="unfreeze", kind="undo", undoes="freeze"),))
BY_HAND = Stage(id="by-hand", title="By hand", steps=(Step(id="call", kind="manual", instruction="Call the bank"),))


def plan(*stages: Stage, **changes: Any) -> Plan:
    return replace(
        Plan(
            runbook="brownout-recovery",
            title="Bring the sign-in tier back",
            site="prod-eu",
            environment="production",
            digest="ab" * 32,
            stages=stages or (CONTAIN, ROLL_BACK, REOPEN, CLOSE),
            checks=CHECKS,
            guards=(Guard(check="api_errors", breach_after_ms=15_000, on_breach="step_back"),),
            people=(ANA, BO),
        ),
        **changes,
    )


class Tale:
    """One run; every method tells what happened next and writes it down."""

    def __init__(
        self,
        the_plan: Plan | None = None,
        *,
        journal: Journal | None = None,
        run: str = RUN,
        after: tuple[Run, ...] = (),
    ) -> None:
        self.journal: Journal = journal or MemoryJournal()
        # In a journal that others read by the clock on the wall it begins a minute ago.
        self.began = BEGAN if journal is None else time.time_ns() // 1_000_000 - 60_000
        self.id = run
        self.t = 0
        self.seq = 0
        self.board: dict[str, Any] = {}
        self.samples: list[Sample] = []
        self._run: Run | None = None
        self._plan = the_plan or plan()
        first = self._decide(Started(at=self.at, t=0, run=run, plan=self._plan, starter="ana", after=after))
        row = Row(
            run=run,
            runbook=self._plan.runbook,
            site=self._plan.site,
            state="pending",
            started_at=self.began,
            ended_at=None,
            starter="ana",
            seq=len(first),
        )
        self.journal.create(row, first)
        self.seq = len(first)
        self.hold = self.journal.drive(
            run, "serve-2", self.began + 10**10, self.began, details={"pid": 1, "host": "ops-1"}
        )
        self.say(TookOver(at=self.at, t=self.t, epoch=self.hold.lease.epoch, driver="serve-2"))

    @property
    def at(self) -> int:
        return self.began + self.t

    @property
    def run(self) -> Run:
        assert self._run is not None
        return self._run

    def _decide(self, given: AnyInput) -> list[tuple[str, bytes]]:
        facts = decide(self._run, given)
        written = []
        for number, fact in enumerate(facts, self.seq + 1):
            self._run = evolve(self._run, fact)
            written.append(encode(fact, run=self.id, seq=number, epoch=self._run.epoch))
        return written

    def say(self, given: AnyInput, *, answers: tuple[Answer, ...] = ()) -> Tale:
        written = self._decide(given)
        self._append(written, answers)
        return self

    def _append(self, written: list[tuple[str, bytes]], answers: tuple[Answer, ...] = ()) -> None:
        self.board |= {"beat_at": self.at, "driver": "serve-2"}
        batch = Batch(
            run=self.id,
            epoch=self.hold.lease.epoch,
            first_seq=self.seq + 1,
            kinds_and_bodies=written,
            answers=answers,
            samples=tuple(self.samples),
            state=self.run.state,
            ended_at=self.run.ended_at,
            live=self.board,
        )
        (refused,) = self.journal.append([batch])
        assert refused is None, refused
        self.samples = []
        self.seq += len(written)

    def later(self, seconds: float) -> Tale:
        self.t += round(seconds * 1_000)
        return self.say(Ticked(at=self.at, t=self.t))

    # -- the world

    def performing(self) -> Perform:
        return next(intent for intent in wanted(self.run) if isinstance(intent, Perform))

    def done(self, result: Any = None) -> Tale:
        return self.say(
            Reported(at=self.at, t=self.t, dispatch=self.performing().dispatch, outcome="succeeded", result=result)
        )

    def fails(self, error: str) -> Tale:
        return self.say(
            Reported(
                at=self.at, t=self.t, dispatch=self.performing().dispatch, outcome="failed", error=error, retry=False
            )
        )

    def lost(self) -> Tale:
        return self.say(Reported(at=self.at, t=self.t, dispatch=self.performing().dispatch, outcome="unknown"))

    def turns(self, check: str, verdict: str, value: float | None, *, detail: str = "") -> Tale:
        """Every watch of that check turns, and a few samples are taken."""
        self.samples = [
            Sample(check=check, use="", at=self.at - 5_000 * n, t=self.t, kind="value", value=value)
            for n in range(6, -1, -1)
        ]
        for watch in [each for each in wanted(self.run) if isinstance(each, Watch) and each.check == check]:
            turned = Turned(
                at=self.at,
                t=self.t,
                use=watch.id,
                check=check,
                verdict=verdict,  # type: ignore[arg-type]
                value=value,
                worst=value,
                samples=6,
                detail=detail,
            )
            self.say(turned)
        return self

    def all_pass(self) -> Tale:
        """Every watched check passes, until nothing more turns."""
        for _ in range(20):
            before = self.seq
            for name in {watch.check for watch in wanted(self.run) if isinstance(watch, Watch)}:
                if any(w.check == name and not self._passes(w.id) for w in wanted(self.run) if isinstance(w, Watch)):
                    self.turns(name, "pass", 0.001)
            if self.seq == before:
                return self
        return self

    def _passes(self, watch: str) -> bool:
        reading = self.run.readings.get(watch)
        return reading is not None and reading.verdict == "pass"

    def readings(self) -> list[ReadProbe]:
        return [intent for intent in wanted(self.run) if isinstance(intent, ReadProbe)]

    # -- people

    def asks(self, person: str, verb: str, **words: str) -> Tale:
        return self.say(
            Asked(at=self.at, t=self.t, request=f"r{self.seq}", person=person, door="cli", verb=verb, **words)
        )

    def answer_inbox(self) -> list[Answer]:
        """Decide what is in the inbox, as a driver does."""
        answers = []
        for request in self.journal.pending(self.id):
            asked = Asked(at=self.at, t=self.t, request=request.id, **request.body)
            try:
                written = self._decide(asked)
                answer = Answer(request=request.id, ok=True, text=f"{asked.verb}: done")
            except (NotNow, NotPermitted) as refusal:
                written = []
                answer = Answer(request=request.id, ok=False, text=refusal.message, code=refusal.exit_code)
            self._append(written, (answer,))
            answers.append(answer)
        return answers

    # -- well-known moments

    def at_gate(self) -> Tale:
        """Contain is done and the gate of roll-back asks."""
        self.later(1).done().later(1).done().later(20).all_pass()
        assert self.run.ticket is not None, self.run.state
        return self

    def at_ramp(self) -> Tale:
        """Roll-back is done and the ramp stands at its floor."""
        self.at_gate()
        assert self.run.ticket is not None
        self.turns("edge_errors", "pass", 0.008).asks("ana", "approve", ticket=self.run.ticket.id)
        return self.later(30).done()

    def failed(self) -> Tale:
        """It was aborted at its gate, and the deploys that it froze could not be thawed; its plan undoes on abort."""
        self.at_gate().asks("bo", "abort", reason="wrong site")
        return self.fails("edge-6 refused connections").later(1)

    def ended(self) -> Tale:
        """It succeeded."""
        self.at_ramp()
        for _ in range(60):
            if self.run.outcome is not None:
                return self
            self.later(61).all_pass()
            if any(isinstance(each, Perform) for each in wanted(self.run)):
                self.done()
        raise AssertionError(f"it did not end: {self.run.state}")


__all__ = ["BEGAN", "RUN", "Tale", "needs_decision", "plan", "restore"]
