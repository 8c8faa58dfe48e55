"""Which inputs a run was given, told from its facts alone: each is the one from which just these facts follow.

The kernel is the judge: an input is believed when deciding it again says what was recorded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product, takewhile
from typing import Any, NamedTuple

from relight.errors import NotNow, NotPermitted
from relight.kernel import facts as f
from relight.kernel.choices import Choice, choices
from relight.kernel.decide import turn
from relight.kernel.evolve import evolve
from relight.kernel.inputs import AnyInput, Asked, PeopleRead, Read, Reported, Ticked, TookOver, Turned
from relight.kernel.state import Dispatch, Run
from relight.kernel.wanted import readings


class Explained(NamedTuple):
    """One input and the facts that followed from it; None: what other runs left, or a refused request's refusal."""

    given: AnyInput | None
    facts: tuple[f.AnyFact, ...]


class Unexplained(Exception):
    """No input was found from which a recorded fact follows: another version of the kernel wrote it."""

    def __init__(self, seq: int, fact: f.AnyFact) -> None:
        super().__init__(seq, fact)
        self.seq = seq
        self.fact = fact


def explained(facts: Sequence[f.AnyFact]) -> Iterator[Explained]:
    """Yield the inputs of a run, the first fact of which is its start.

    Raises:
        Unexplained: a fact follows from nothing that could have been said.
    """
    started = facts[0]
    assert isinstance(started, f.RunStarted), "a run begins with its start"
    run, at = evolve(None, started), 1
    while at < len(facts):
        found = _explain(run, facts[at:])
        if found is None:
            raise Unexplained(at + 1, facts[at])
        for fact in found.facts:
            run = evolve(run, fact)
        at += len(found.facts)
        yield found


def _explain(run: Run, facts: Sequence[f.AnyFact]) -> Explained | None:
    if isinstance(facts[0], f.RequestRefused | f.EffectAdopted):
        return Explained(None, (facts[0],))
    for given in _candidates(run, facts):
        try:
            said, _ = turn(run, given)
        except (NotNow, NotPermitted):
            continue
        if said and list(facts[: len(said)]) == said:
            return Explained(given, tuple(said))
    return None


def _candidates(run: Run, facts: Sequence[f.AnyFact]) -> Iterator[AnyInput]:
    """Yield what may have been said, the likeliest first."""
    fact = facts[0]
    now: dict[str, Any] = {"at": fact.at, "t": fact.t}
    match fact:
        case f.DriverTookOver():
            yield TookOver(**now, epoch=fact.epoch, driver=fact.driver, clock_lost=fact.clock_lost)
        case f.CheckTurned():
            names = ("use", "check", "verdict", "value", "worst", "samples", "digest", "detail")
            yield Turned(**now, **{name: getattr(fact, name) for name in names})
        case f.ProbeRead():
            for reading in readings(run):
                if f":{fact.probe}:" in f":{reading.id}" or reading.id.startswith(f"probe:{fact.probe}:"):
                    yield Read(**now, read=reading.id, value=fact.value, error=fact.error)
        case f.PeopleTurned():
            yield PeopleRead(**now, people=fact.people, solo=fact.solo)
        case f.Noted():
            yield Asked(**now, request="", person=fact.person, door=fact.door, verb="note", value=fact.text)
        case _:
            yield Ticked(**now)
            batch = list(takewhile(lambda each: (each.at, each.t) == (fact.at, fact.t), facts))
            yield from _reports(run, batch, now)
            yield from _requests(run, batch, now)


def _reports(run: Run, batch: Sequence[f.AnyFact], now: dict[str, Any]) -> Iterator[Reported]:
    number = getattr(batch[0], "dispatch", 0)
    item = run.dispatches.get(number)
    if item is None:
        if isinstance(batch[0], f.StepSettled):
            outcome: Any = "succeeded" if batch[0].done else "failed"
            yield Reported(**now, dispatch=number, outcome=outcome, result=batch[0].result)
        return
    # Others may have ended in the same moment: what they gave is none of this one's.
    batch = [each for each in batch if getattr(each, "step", item.step) == item.step]
    result = next((each.result for each in batch if isinstance(each, f.StepSucceeded)), None)
    after = next((each.until_t - each.t for each in batch if isinstance(each, f.RetryScheduled)), None)
    targets = next((_targets(run, item, each) for each in batch if isinstance(each, f.TargetsReported)), {})
    for error in dict.fromkeys(_errors(item, batch)):
        whole = Reported(**now, dispatch=number, outcome="succeeded", result=result, error=error, targets=targets)
        yield whole
        for outcome in ("failed", "unknown"):
            for retry in (True, False):
                yield replace(whole, outcome=outcome, result=None, retry=retry)
        yield replace(whole, outcome="failed", result=None, retry_after_ms=after)


def _errors(item: Dispatch, batch: Sequence[f.AnyFact]) -> Iterator[str]:
    """Yield what may have been given as the error, of which a stop's reason is no part."""
    for each in batch:
        said = str(getattr(each, "error", "") or (each.why if isinstance(each, f.StepLost) else ""))
        if said:
            yield said.removeprefix(item.stop_why).removeprefix("; ")
    yield ""


def _targets(run: Run, item: Dispatch, fact: f.TargetsReported) -> dict[str, str | None]:
    targets = run.step_of(item.step).targets
    hosts = targets.hosts if targets is not None else ()
    heard: dict[str, str | None] = {hosts[index]: None for index in fact.done}
    return heard | {hosts[int(index)]: error for index, error in fact.failed.items()}


def _requests(run: Run, batch: Sequence[f.AnyFact], now: dict[str, Any]) -> Iterator[Asked]:
    """Yield what people may have asked; several may have in the same moment, so each is tried with their words."""
    # A journal of before a door was kept names none, and shall be told as it is.
    doors = [str(fact.door) for fact in batch if hasattr(fact, "door")]
    proof = str(getattr(batch[0], "proof", ""))
    people = [str(getattr(fact, "person", "")) for fact in batch]
    reasons = [str(getattr(fact, "reason", "")) for fact in batch]
    for person in dict.fromkeys(each for each in (*people, run.starter) if each):
        for reason, door in product(dict.fromkeys((*reasons, "")), dict.fromkeys(doors) or ("cli",)):
            for words in _words(run):
                said: dict[str, Any] = {**now, **words}
                yield Asked(**said, request="", person=person, door=door, proof=proof, reason=reason)


def _words(run: Run) -> Iterator[dict[str, str]]:
    """Yield what somebody may have asked, the likeliest first; what is not legal is refused when it is tried."""
    for choice in (*choices(run), _ASK):
        words = choice.asking
        yield words
        if choice.verb in ("retry", "skip", "undo") and words.get("subject"):
            yield {"verb": choice.verb}
    # Some verbs are legal and change nothing that matters now, so that nobody is offered them.
    ticket = run.ticket.id if run.ticket is not None else ""
    yield from ({"verb": verb} for verb in ("pause", "resume", "abort", "retry", "skip"))
    yield from ({"verb": verb, "ticket": ticket} for verb in ("approve", "deny"))
    yield from ({"verb": "ramp", "value": where} for where in ("floor", "down", "stay", "up"))
    for step in run.plan_index:
        yield from ({"verb": "mark", "subject": step, "value": how} for how in ("done", "not-done"))
        yield from ({"verb": verb, "subject": step} for verb in ("undo", "skip", "retry"))
    for stage in run.plan.stages:
        yield {"verb": "undo", "value": stage.id}
        yield {"verb": "skip", "subject": stage.id}
    yield from ({"verb": "skip", "subject": check} for check in run.plan.checks)


_ASK = Choice(verb="ask", words="", leads_to="", who="known")
