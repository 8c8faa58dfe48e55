"""A past run as a rehearsal: what it was told is told again, and where another plan decides otherwise is the answer.

With the same plan nothing differs: a rehearsal decides as a live run that sees the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from relight.drivers.drafting import drafted
from relight.drivers.rehearsal.explaining import Explained, explained
from relight.journal.port import Request
from relight.kernel import facts as f
from relight.kernel.decide import turn
from relight.kernel.evolve import evolve
from relight.kernel.inputs import Asked, Started, Ticked, TookOver
from relight.kernel.intents import Wake
from relight.kernel.plan import Plan
from relight.kernel.state import Run
from relight.kernel.wanted import wanted

LATE_MS = 5_000
"""How late a live driver may notice what is due on a busy machine; nobody calls that another decision."""

TIMES = frozenset({"at", "t", "deadline_t", "until_t", "expires_t", "again_t"})
"""Fields that say when; a later or earlier fact is another fact already."""
WORDING = frozenset({"title", "scope_digest", "use", "key", "instruction", "door"})
"""Fields that another plan words otherwise without deciding otherwise; what a use calls is compared by itself.

Nor does anything follow from the door at which somebody said something.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """Where a plan decides otherwise than the run did.

    Attributes:
        seq: The number of the run's fact.
        was: What the run recorded; None where it recorded nothing there.
        now: What the plan decides; None where it decides nothing.
        why: What differs, in words.
    """

    seq: int
    t: int
    stage: str
    step: str
    was: f.AnyFact | None
    now: f.AnyFact | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of a replay: the facts that were said again, up to the *divergence* if there is one."""

    run: Run
    facts: tuple[f.AnyFact, ...]
    divergence: Divergence | None
    of: int


def replay(facts: Sequence[f.AnyFact], plan: Plan) -> Replayed:
    """Play a run's inputs to *plan*.

    Args:
        facts: All facts of the run.
        plan: The plan that is to decide; the run's own, or another.

    Raises:
        Unexplained: the facts do not follow from anything that could have been said.
    """
    started = facts[0]
    assert isinstance(started, f.RunStarted), "a run begins with its start"
    begun = Started(at=started.at, t=started.t, run=started.run, plan=plan, starter=started.starter, door=started.door)
    said, run = turn(None, begun)
    replaying = _Replaying(run, [*said])
    for each in explained(facts):
        divergence = replaying.tell(each)
        if divergence is not None:
            return Replayed(run=replaying.run, facts=tuple(replaying.said), divergence=divergence, of=len(facts))
    return Replayed(run=replaying.run, facts=tuple(replaying.said), divergence=None, of=len(facts))


class _Replaying:
    def __init__(self, run: Run, said: list[f.AnyFact]) -> None:
        self.run = run
        self.said = said

    def tell(self, each: Explained) -> Divergence | None:
        """Say it again; return where what follows is not what followed."""
        first = each.facts[0]
        early = None if isinstance(each.given, TookOver) else self._early(first.t, first.at)
        if early is not None:
            why = "the run had decided nothing there"
            return self._diverged(None, early, why)
        facts, after = self._said(each, first)
        for index in range(max(len(facts), len(each.facts))):
            was = each.facts[index] if index < len(each.facts) else None
            now = facts[index] if index < len(facts) else None
            why = _difference(was, now)
            if why:
                return self._diverged(was, now, why)
            assert now is not None, "what does not differ is there"
            self.said.append(now)
        self.run = after
        return None

    def _early(self, t: int, at: int) -> f.AnyFact | None:
        """Return what follows from time alone well before *t*: the run had gone on as if nothing were due."""
        for moment in sorted({intent.t for intent in wanted(self.run) if isinstance(intent, Wake)}):
            if moment + LATE_MS >= t:
                return None
            facts, _ = turn(self.run, Ticked(at=at - (t - moment), t=moment))
            if facts:
                return facts[0]
        return None

    def _said(self, each: Explained, first: f.AnyFact) -> tuple[list[f.AnyFact], Run]:
        if each.given is None:
            return [*each.facts], _folded(self.run, each.facts)
        if isinstance(each.given, Asked):
            # A person's request goes the way of every request: where it is not legal any more it is refused.
            words = {field.name: getattr(each.given, field.name) for field in fields(Asked)}
            body = {name: str(text) for name, text in words.items() if name not in ("at", "t", "request") and text}
            body.setdefault("door", "an unknown door")  # of a journal from before it was kept
            request = Request(id="asked", run=self.run.id, at=first.at, body=body)
            draft = drafted(self.run, [], [request], at=first.at, t=first.t)
        else:
            draft = drafted(self.run, [each.given], at=first.at, t=first.t)
        return draft.facts, draft.run

    def _diverged(self, was: f.AnyFact | None, now: f.AnyFact | None, why: str) -> Divergence:
        fact = now if now is not None else was
        assert fact is not None, "something differs from something"
        step = str(getattr(fact, "step", ""))
        stage = str(getattr(fact, "stage", "")) or (self.run.current.id if self.run.current is not None else "")
        return Divergence(seq=len(self.said) + 1, t=fact.t, stage=stage, step=step, was=was, now=now, why=why)


def _folded(run: Run, facts: Sequence[f.AnyFact]) -> Run:
    for fact in facts:
        run = evolve(run, fact)
    return run


def _difference(was: f.AnyFact | None, now: f.AnyFact | None) -> str:
    """Return how two facts differ, in words; empty: they do not."""
    if was is None or now is None:
        return "the run decided nothing more there" if was is None else "nothing follows from that now"
    if type(was) is not type(now):
        return "another decision follows"
    for field in fields(now):
        if field.name in TIMES or field.name in WORDING:
            continue
        before, after = getattr(was, field.name), getattr(now, field.name)
        if before != after:
            return _named(field.name, before, after)
    for attribute in ("capability", "provider", "action"):
        before = getattr(getattr(was, "use", None), attribute, None)
        after = getattr(getattr(now, "use", None), attribute, None)
        if before != after:
            return _named(attribute, before, after)
    return ""


def _named(name: str, before: Any, after: Any) -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in (*after, *before):
            if before.get(key) != after.get(key):
                return f"{key} is {after.get(key, 'not given')} and was {before.get(key, 'not given')}"
    return f"{name} is {after} and was {before}"
