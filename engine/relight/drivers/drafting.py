"""Deciding without doing: what follows from inputs and requests, as a draft that is not true yet.

What does not belong here: I/O, clocks, and any rule about what may happen.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from relight.drivers import requests as asking
from relight.errors import NotNow, NotPermitted, UsageError
from relight.journal.port import Answer, Request
from relight.kernel.decide import turn
from relight.kernel.evolve import evolve
from relight.kernel.facts import AnyFact, RequestRefused
from relight.kernel.inputs import AnyInput, Asked, PeopleRead, Reported
from relight.kernel.plan import Person, Solo
from relight.kernel.state import Run

StopBefore: TypeAlias = Callable[[AnyFact], bool]


@dataclass(slots=True)
class Draft:
    """What follows from some inputs; it becomes true when its facts and answers are on disk.

    Attributes:
        run: The run afterwards.
        reported: Dispatches that were heard of.
        again: Inputs whose facts were cut short: they have to be decided again.
    """

    run: Run
    facts: list[AnyFact] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    reported: list[int] = field(default_factory=list)
    again: list[AnyInput] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to append."""
        return not self.facts and not self.answers


def people_turned(
    run: Run, found: tuple[tuple[Person, ...], Solo | None] | None, *, at: int, t: int
) -> PeopleRead | None:
    """Return what tells a run who the site's people are by now; None where it knows them so, or nobody could say."""
    if found is None or found == (run.people, run.solo):
        return None
    people, solo = found
    return PeopleRead(at=at, t=t, people=people, solo=solo)


def drafted(
    run: Run,
    inputs: Iterable[AnyInput],
    requests: Sequence[Request] = (),
    *,
    at: int,
    t: int,
    stop_before: StopBefore | None = None,
) -> Draft:
    """Decide one by one: who the people are, then denials and aborts, what the world said, what else people asked.

    *stop_before* cuts what follows from each before the first such fact. The kernel says the rest when it is asked
    again, for it always goes on from what is recorded. A request of which nothing is left stays unanswered.
    """
    draft = Draft(run)
    urgent, other = asking.in_order(requests)
    given = list(inputs)
    of_people = [said for said in given if isinstance(said, PeopleRead)]
    for read in of_people:
        _follow(draft, read, stop_before)
    for request in urgent:
        _ask(draft, request, at, t, stop_before)
    for said in given:
        if isinstance(said, PeopleRead):
            continue
        if isinstance(said, Reported):
            draft.reported.append(said.dispatch)
        _follow(draft, said, stop_before)
    for request in other:
        _ask(draft, request, at, t, stop_before)
    return draft


def _follow(draft: Draft, said: AnyInput, stop_before: StopBefore | None) -> None:
    # Several sources stamp their inputs, and a request may have been decided since: a run's clock never falls.
    if said.t < draft.run.t:
        said = replace(said, t=draft.run.t)
    facts, after = turn(draft.run, said)
    if stop_before is not None:
        kept = next((index for index, fact in enumerate(facts) if stop_before(fact)), len(facts))
        if kept < len(facts):
            facts, after = facts[:kept], draft.run
            for fact in facts:
                after = evolve(after, fact)
            if not isinstance(said, Asked):  # a request is answered once; what else follows from it follows later
                draft.again.append(said)
    draft.run = after
    draft.facts += facts


def _ask(draft: Draft, request: Request, at: int, t: int, stop_before: StopBefore | None) -> None:
    before = len(draft.facts)
    try:
        asked = asking.to_input(request, at=at, t=t)
        _follow(draft, asked, stop_before)
    except (NotNow, NotPermitted, UsageError) as refusal:
        fact = RequestRefused(
            at=at,
            t=max(t, draft.run.t),
            request=request.id,
            person=asking.word(request, "person"),
            verb=asking.word(request, "verb"),
            why=refusal.message,
            permitted=not isinstance(refusal, NotPermitted),
        )
        draft.facts.append(fact)
        draft.run = evolve(draft.run, fact)
        draft.answers.append(asking.refused(request, refusal))
        return
    followed = draft.facts[before:]
    if followed:
        draft.answers.append(asking.accepted(asked, followed))
