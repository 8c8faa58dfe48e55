"""What may come next: everything that world, people and time can do to a run that would lead to another state."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal, NamedTuple, TypeAlias

from relight.drivers.explorer.canonical import Canon, blocked, rests
from relight.drivers.explorer.world import World
from relight.kernel.authority import holds_role
from relight.kernel.book import find_hold
from relight.kernel.choices import Choice, choices
from relight.kernel.facts import Verdict
from relight.kernel.inputs import AnyInput, Asked, Read, Reported, Ticked, TookOver, Turned
from relight.kernel.intents import AnyIntent, ReadProbe, Wake, Watch
from relight.kernel.plan import Plan
from relight.kernel.ramping import DOWN_TRIES_MAX
from relight.kernel.stages import counting_votes
from relight.kernel.state import Dispatch, Manual, Ramping, Run, Unknown
from relight.kernel.wanted import wanted

Kind: TypeAlias = Literal["takeover", "report", "read", "turn", "time", "person"]

FREE: frozenset[Kind] = frozenset({"person", "turn", "takeover"})
"""What may go round in circles: somebody has to do it each time."""

ALL: frozenset[Verdict] = frozenset({"pass", "fail", "inconclusive"})
PASS: frozenset[Verdict] = frozenset({"pass"})
FAIL: frozenset[Verdict] = frozenset({"fail"})
BLIND: frozenset[Verdict] = frozenset({"inconclusive"})
NOTHING: frozenset[Verdict] = frozenset()

TICKS_MAX = 50
"""Moments in a row that change nothing; no state has so many."""

APART = frozenset({"pause", "undo"})
"""Verbs that are tried apart: a pause at each state, an undo for each set of effects."""

EPOCH_MS = 1_700_000_000_000
"""The wall clock at a run's own zero; no rule reads it."""


def moment(t: int) -> dict[str, Any]:
    """Return a time as inputs carry it."""
    return {"at": EPOCH_MS + t, "t": t}


class Move(NamedTuple):
    """One thing that may happen, and of what kind it is; *then* gives what follows it, on the run after it, if any."""

    kind: Kind
    given: AnyInput
    then: Callable[[Run], AnyInput | None] | None = None


class Moves:
    """Everything that may happen to the runs of one plan."""

    def __init__(self, plan: Plan, world: World, canon: Canon) -> None:
        self._plan = plan
        self._world = world
        self._canon = canon
        self._patient = {name for name, check in plan.checks.items() if check.on_inconclusive == "wait"}

    def at(self, run: Run) -> Iterator[Move]:
        """Yield every move from this state, of those that are alike one."""
        now = moment(run.t)
        for item in run.dispatches.values():
            yield from self._reports(run, item, now)
        intents = wanted(run)
        turned: set[Any] = set()
        ending = self._canon.is_ending(run)
        for intent in intents:
            if isinstance(intent, ReadProbe):
                yield from self._answers(intent, now)
            elif isinstance(intent, Watch) and not ending:
                yield from self._turns(run, intent, now, turned)
        due = self._due(run, intents)
        if due is not None:
            yield Move("time", Ticked(**moment(due)), self._until_it_tells(run))
        yield from self.people(run)
        # Last, so that nobody dies in the story of what happens without.
        yield Move("takeover", TookOver(**now, epoch=run.epoch + 1, driver="another"))

    # ---- the world

    def _reports(self, run: Run, item: Dispatch, now: dict[str, Any]) -> Iterator[Move]:
        number, step = item.number, run.step_of(item.step)
        results = self._world.results.get(item.step, (None,)) if item.purpose == "forward" else (None,)
        for result in results:
            yield Move("report", Reported(**now, dispatch=number, outcome="succeeded", result=result))
        said = "it failed"
        if item.targets and len(item.targets) > 1 and step.targets is not None:
            first = {step.targets.hosts[item.targets[0]]: said}
            rest = dict.fromkeys((step.targets.hosts[index] for index in item.targets[1:]), None)
            yield Move("report", Reported(**now, dispatch=number, outcome="failed", error=said, targets=first | rest))
            yield Move("report", Reported(**now, dispatch=number, outcome="unknown", error=said, targets=rest))
        falls = item.purpose == "ramp" and is_falling(run, item.step)
        failed = Reported(**now, dispatch=number, outcome="failed", error=said)
        yield Move("report", failed, giving_up(item.step) if falls else None)
        if not falls and (step.retry.max_attempts > 1 or item.purpose != "forward"):
            yield Move("report", Reported(**now, dispatch=number, outcome="failed", error=said, retry=False))
        if item.use.effect != "read":
            lost = Reported(**now, dispatch=number, outcome="unknown", error="it was lost")
            yield Move("report", lost, giving_up(item.step) if falls else None)

    def _answers(self, intent: ReadProbe, now: dict[str, Any]) -> Iterator[Move]:
        kind, name = intent.id.split(":")[:2]
        if kind == "probe":
            values: tuple[Any, ...] = self._world.probes.get(name, (None,))
        elif kind == "settle":
            values = self._world.settles.get(name, (None,))
        else:
            values = ({"before": True},)
        t = max(now["t"], intent.not_before_t)
        when = moment(t)
        for value in values:
            yield Move("read", Read(**when, read=intent.id, value=value))
        yield Move("read", Read(**when, read=intent.id, error="no answer"))

    def _turns(self, run: Run, intent: Watch, now: dict[str, Any], turned: set[Any]) -> Iterator[Move]:
        turned_last = run.readings.get(intent.id)
        last = turned_last.verdict if turned_last is not None else ""
        group = intent.id.rpartition(":")[0]
        alone = intent.check if intent.check in self._canon.loose or group == "guard" else ""
        matter = self._matters(run, intent)
        for verdict, value in self._world.verdicts[intent.check].items():
            like = (group, alone, verdict, last == "pass")
            if verdict not in matter or verdict == last or like in turned:
                continue  # nothing would follow, or another that stands alike has turned so
            if verdict == "pass" and alone and self._conflicts(run, intent.check):
                continue
            turned.add(like)
            detail = "no data" if verdict == "inconclusive" else ""
            given = Turned(**now, use=intent.id, check=intent.check, verdict=verdict, value=value, detail=detail)
            sees_again = group == "guard" and verdict == "inconclusive" and intent.check not in self._patient
            yield Move("turn", given, seeing_again(given) if sees_again else None)

    def _matters(self, run: Run, intent: Watch) -> frozenset[Verdict]:
        """Return the verdicts of such a watch from which something may follow now, or that end a pass."""
        if intent.check in self._canon.read_checks(run):
            return ALL
        kind = intent.id.split(":", 1)[0]
        if kind == "guard":
            return self._of_guard(run, intent.check)
        stands = blocked(run) or self._rests(run)
        if stands:
            return FAIL if kind == "ramp" else NOTHING
        gate = run.current.gate if run.current is not None else None
        if kind == "gate" and gate is not None and intent.check not in gate.require:
            return NOTHING
        asks = gate is not None and kind in ("gate", "pre")
        blind = NOTHING if asks or intent.check in self._patient else BLIND
        return blind | PASS | FAIL

    def _of_guard(self, run: Run, check: str) -> frozenset[Verdict]:
        """Return the verdicts of a guard from which something may follow now.

        While a ramp falls nothing does: what a guard turns to then, it may as well turn to when the ramp stands.
        """
        ramps = self._ramps(run)
        if any(ramp.falling for ramp in ramps):
            return NOTHING
        if check in run.breached:
            return PASS
        awaited = any(ramp.settled and not rests(run, ramp) for ramp in ramps) and not blocked(run)
        return ALL if awaited else FAIL

    def _ramps(self, run: Run) -> list[Ramping]:
        states = (run.steps[step.id].state for step in run.open_steps if step.id in run.steps)
        return [state for state in states if isinstance(state, Ramping)]

    def _rests(self, run: Run) -> bool:
        return any(rests(run, ramp) for ramp in self._ramps(run))

    def _conflicts(self, run: Run, check: str) -> bool:
        """Return whether another check passes now that never can while this one does."""
        others = {other for pair in self._world.conflicts if check in pair for other in pair if other != check}
        return any(
            intent.check in others and intent.id in run.readings and run.readings[intent.id].verdict == "pass"
            for intent in wanted(run)
            if isinstance(intent, Watch)
        )

    # ---- time

    def _due(self, run: Run, intents: list[AnyIntent]) -> int | None:
        times = [intent.t for intent in intents if isinstance(intent, Wake) and intent.t > run.t]
        lapse = self._lapse(run)
        if lapse is not None:
            times.append(lapse)
        return min(times, default=None)

    def _until_it_tells(self, run: Run) -> Callable[[Run], AnyInput | None]:
        """Let more time pass where the first moment that was waited for changes nothing."""
        key, left = self._canon.key(run), iter(range(TICKS_MAX))
        falling = next((step.id for step in run.open_steps if is_falling(run, step.id)), "")
        gives_up = giving_up(falling)

        def then(after: Run) -> AnyInput | None:
            if falling and (given := gives_up(after)) is not None:
                return given
            if next(left, None) is None or self._canon.key(after) != key:
                return None
            due = self._due(after, wanted(after))
            return None if due is None else Ticked(**moment(due))

        return then

    def _lapse(self, run: Run) -> int | None:
        """Return when the first approval of a waiting gate no longer stands."""
        stage, ticket = run.current, run.ticket
        if stage is None or stage.gate is None or ticket is None or ticket.status != "waiting":
            return None
        votes = counting_votes(run, stage.gate, ticket, run.t)
        return min((vote.t + stage.gate.approval.valid_for_ms + 1 for vote in votes), default=None)

    # ---- people

    def planned(self, run: Run) -> Iterator[Move]:
        """Yield what the runbook itself reckons with: no crash, no breach, nobody who leaves out a step."""
        for move in self.at(run):
            given = move.given
            if isinstance(given, Turned) and given.verdict != "pass" and given.use.startswith(("guard:", "ramp:")):
                continue
            if isinstance(given, Reported | Ticked | TookOver) and self._is_way_back(run, given):
                continue
            if isinstance(given, Asked) and not self._is_planned(run, given):
                continue
            yield move

    def _is_way_back(self, run: Run, given: Reported | Ticked | TookOver) -> bool:
        """Return whether a move of a ramp goes wrong; how it steps back is the engine's matter, not the runbook's."""
        if not isinstance(given, Reported):
            return any(item.purpose == "ramp" for item in run.dispatches.values())
        item = run.dispatches.get(given.dispatch)
        return item is not None and item.purpose == "ramp" and given.outcome != "succeeded"

    def _is_planned(self, run: Run, asked: Asked) -> bool:
        match asked.verb:
            case "approve" | "ask" | "resume" | "retry":
                return True
            case "skip":
                return run.ticket is not None and run.ticket.status == "waiting"
            case "mark":
                record = run.steps.get(asked.subject)
                return record is not None and isinstance(record.state, Manual | Unknown)
            case _:
                return False

    def people(self, run: Run) -> Iterator[Move]:
        """Yield every verb that is offered, from one of those who may say it."""
        for choice in choices(run):
            if choice.verb in APART:
                continue
            person = self._somebody(run, choice)
            if person is not None:
                yield Move("person", asked_for(choice, person=person, at=EPOCH_MS + run.t, t=run.t))

    def _somebody(self, run: Run, choice: Choice) -> str | None:
        """Return one who may say it; of approvals one whose vote is still missing; None where there is nobody."""
        stage, ticket = run.current, run.ticket
        voted: set[str] = set()
        alone = True
        if choice.verb == "approve" and stage is not None and stage.gate is not None and ticket is not None:
            voted = {vote.person for vote in counting_votes(run, stage.gate, ticket, run.t)}
            alone = stage.gate.approval.allow_self_approval
        able = [
            person.id
            for person in run.people
            if (not choice.roles or holds_role(run, person.id, choice.roles))
            and person.id not in voted
            and (alone or person.id != run.starter)
        ]
        others = [person for person in able if person != run.starter]
        if others or able:
            return (others or able)[0]
        return None if choice.roles else run.starter


def seeing_again(blind: Turned) -> Callable[[Run], AnyInput | None]:
    """Return what has a guard that had no data pass again where the run holds for it: it is a person's turn then."""
    left = iter(range(1))

    def then(run: Run) -> AnyInput | None:
        holds = find_hold(run, "check-blind") is not None and next(left, None) is not None
        return replace(blind, verdict="pass", detail="") if holds else None

    return then


def is_falling(run: Run, step: str) -> bool:
    """Return whether a ramp is on its way to less exposure."""
    record = run.steps.get(step)
    return record is not None and isinstance(record.state, Ramping) and record.state.falling


def giving_up(step: str) -> Callable[[Run], AnyInput | None]:
    """Return what has the move of a falling ramp that failed twice fail until it is given up.

    A fifth try is no other state than a second: at each of them it may still succeed.
    """
    left = iter(range(4 * DOWN_TRIES_MAX))

    def then(run: Run) -> AnyInput | None:
        record = run.steps.get(step)
        ramp = record.state if record is not None else None
        if not isinstance(ramp, Ramping) or not ramp.falling or not 2 <= ramp.failures < DOWN_TRIES_MAX:
            return None
        if run.aborting or next(left, None) is None:
            return None
        if ramp.dispatch in run.dispatches:
            return Reported(**moment(run.t), dispatch=ramp.dispatch, outcome="failed", error="it failed")
        return Ticked(**moment(ramp.retry_at_t)) if ramp.retry_at_t > run.t else None

    return then


def asked_for(choice: Choice, *, person: str, at: int, t: int) -> Asked:
    """Return the request that a choice's words stand for, as the command line would write it."""
    reason = "because" if choice.needs_reason else ""
    return Asked(at=at, t=t, request="r", person=person, door="cli", reason=reason, **choice.asking)
