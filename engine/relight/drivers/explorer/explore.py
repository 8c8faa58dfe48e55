"""An exploration: every outcome of a plan, what does not hold, and what people can decide where.

Two walks: one through all that can happen at all, and one through what the runbook itself reckons with (nobody dies,
nobody leaves out a step), in which nothing that a watcher of the runbook needs is left out of a state.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from relight.drivers.explorer.apart import Apart
from relight.drivers.explorer.author import Author
from relight.drivers.explorer.bounds import bounds
from relight.drivers.explorer.canonical import Canon
from relight.drivers.explorer.coverage import Coverage
from relight.drivers.explorer.decisions import Decisions, Row
from relight.drivers.explorer.doubts import Doubt, doubts
from relight.drivers.explorer.durations import Durations, durations
from relight.drivers.explorer.findings import Broken, Violation
from relight.drivers.explorer.in_force import InForce
from relight.drivers.explorer.moves import Moves
from relight.drivers.explorer.on_paper import on_paper
from relight.drivers.explorer.properties import Properties
from relight.drivers.explorer.shape import shape_of
from relight.drivers.explorer.strangers import Strangers
from relight.drivers.explorer.walking import STATES_MAX, Place, Walk
from relight.drivers.explorer.watchers import LeftBehind, Protection, Sense
from relight.drivers.explorer.world import World
from relight.kernel.plan import Plan


@dataclass(slots=True)
class Exploration:
    """What came of it.

    Attributes:
        complete: Whether no bound was hit.
        unreached: Parts of the document that nothing came by, as (kind, stage, step); never, if it is complete.
        left: Steps whose effect is still in force when the run succeeds and nothing failed.
        refused: How many requests of people who may not, or on tickets that are spent, were tried and refused.
        bounds: What was left out, in sentences.
        doubts: What the author should look at again; no violations.
    """

    plan: Plan
    states: int
    transitions: int
    seconds: float
    complete: bool
    coverage: Coverage
    violations: list[Violation]
    decisions: list[Row]
    durations: Durations
    unreached: list[tuple[str, str, str]] = field(default_factory=list)
    left: tuple[str, ...] = ()
    refused: int = 0
    bounds: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    @property
    def verdict(self) -> str:
        """``clean``, ``violated`` or ``incomplete``; what was found counts even where not all was seen."""
        if self.violations:
            return "violated"
        return "clean" if self.complete else "incomplete"


Alternatives: TypeAlias = Callable[[list[tuple[str, str, str]]], Iterable[Plan]]
"""Gives, for what was not reached, the plan with other inputs or at another site, where that could be reached."""


def explore(
    plan: Plan,
    world: World,
    *,
    starter: str,
    states_max: int = STATES_MAX,
    alternatives: Alternatives = lambda _unreached: (),
) -> Exploration:
    """Explore a plan.

    Args:
        world: What may come back from outside.
        alternatives: Other values under which to look for what was not reached.
        starter: Who starts the run.
        states_max: After so many states of one walk (with what other values lead to, together) it gives up, and the
            exploration is not complete.
    """
    began = time.monotonic()
    coverage, left, decisions = Coverage(), LeftBehind(plan), Decisions()
    planned = _planned(plan, world, coverage, left, starter, states_max)
    walks = [planned]
    for other in alternatives(coverage.unreached(plan)) if planned.complete else ():
        room = states_max - sum(len(walk.seen) for walk in walks)
        walks.append(_planned(other, world, coverage, left, starter, max(room, 1)))
    reckoned = Coverage()
    reckoned.merge(coverage)
    whole, refused = _whole(plan, world, coverage, decisions, starter, states_max)
    complete = all(walk.complete for walk in (*walks, whole))
    unreached = coverage.unreached(plan)
    never = {(stage, step) for kind, stage, step in unreached if kind != "branch" and complete}
    longest = durations(plan, never)
    violations: dict[tuple[str, str, str, str], Violation] = {}
    on_graph = [*_ways(planned, reckoned, plan), *_left(planned, left, plan), *_graph(whole, planned)]
    for found in (*on_paper(plan, world, longest.alone_ms + longest.people_ms), *on_graph):
        violations.setdefault(found.identity, found)
    for walk in (*walks, whole):
        for found in walk.violations.values():
            violations.setdefault(found.identity, found)
    for found in _dead(plan, unreached, list(violations.values())) if complete else ():
        violations.setdefault(found.identity, found)
    return Exploration(
        plan=plan,
        states=sum(len(walk.seen) for walk in (*walks, whole)),
        transitions=sum(walk.transitions for walk in (*walks, whole)),
        seconds=time.monotonic() - began,
        complete=complete,
        coverage=coverage,
        violations=list(violations.values()),
        decisions=list(decisions.rows.values()),
        durations=longest,
        unreached=unreached,
        left=tuple(step.id for stage in plan.stages for step in stage.steps if step.id in left.left),
        refused=refused,
        bounds=tuple(bounds(plan, states_max, complete=complete)),
        doubts=tuple(doubts(plan)),
    )


def _noticed(plan: Plan) -> frozenset[str]:
    return frozenset().union(*(stated.expression.names for stated in plan.stated))


def _planned(plan: Plan, world: World, coverage: Coverage, left: LeftBehind, starter: str, states_max: int) -> Walk:
    canon = Canon(plan, shape_of(plan, noticed=_noticed(plan), conflicts=world.conflicts))
    moves = Moves(plan, world, canon)
    watchers = (coverage, Properties(), Protection(plan), left, Sense(plan), Author(plan))
    return Walk(plan, canon, moves.planned, watchers, starter, states_max).go()


def _whole(
    plan: Plan, world: World, coverage: Coverage, decisions: Decisions, starter: str, states_max: int
) -> tuple[Walk, int]:
    """Return the walk through all that can happen, and how many wrong requests were refused on it."""
    canon = Canon(plan, shape_of(plan, noticed=_noticed(plan), conflicts=world.conflicts, exact=False))
    moves, apart, strangers, in_force = (
        Moves(plan, world, canon),
        Apart(canon, decisions),
        Strangers(canon),
        InForce(plan, canon),
    )
    walk = Walk(plan, canon, moves.at, (coverage, Properties(), Author(plan)), starter, states_max)
    walk.on_new = _each(apart.at, strangers.at)
    walk.in_force = in_force
    walk.go()
    in_force.settle(len(walk.seen))
    decisions.settle(in_force)
    return walk, strangers.refused


def _each(*tried: Callable[[Walk, Place], None]) -> Callable[[Walk, Place], None]:
    def all_of_them(walk: Walk, place: Place) -> None:
        for each in tried:
            each(walk, place)

    return all_of_them


# ---- what only the whole walk shows


def _ways(walk: Walk, coverage: Coverage, plan: Plan) -> Iterable[Violation]:
    """Yield what the runbook never gets past, whatever goes well, and what it never comes to."""
    if not walk.complete:
        return
    for stage in plan.stages:
        if stage.id in coverage.asked - coverage.opened:
            yield Violation(name="way-on", stage=stage.id, step="", text="its gate asks, and nothing ever opens it")
        elif stage.id in coverage.entered - coverage.done:
            stuck = [step.id for step in stage.steps if step.id in coverage.begun - coverage.ended]
            if stuck:
                text = f"{stuck[0]} begins and never ends well"
                yield Violation(name="way-on", stage=stage.id, step=stuck[0], text=text)
            elif stage.verify and not any(step.id not in coverage.ended | coverage.passed_over for step in stage.steps):
                text = "its checks never pass together: it is never done but on a person's word"
                yield Violation(name="way-on", stage=stage.id, step="", text=text)


def _left(walk: Walk, left: LeftBehind, plan: Plan) -> Iterable[Violation]:
    """Yield effects that the runbook takes back on one way to success and forgets on another."""
    homes = {step.id: stage.id for stage in plan.stages for step in stage.steps}
    for step in sorted(left.cleared & left.left.keys()):
        text = (
            f"the run may succeed with what {step} did still in force, though the runbook takes it back on other ways"
        )
        run = left.left[step]
        path = next((walk.way_to(end) for end in walk.ends if walk.end_runs.get(end) is run), ())
        yield Violation(name="nothing-left-behind", stage=homes[step], step=step, text=text, path=path)


def _dead(plan: Plan, unreached: list[tuple[str, str, str]], violations: list[Violation]) -> Iterable[Violation]:
    """Yield stages and steps that nothing leads to; behind one that is never got past, nothing more is said."""
    stuck = {found.stage for found in violations if found.name == "way-on" and found.stage}
    behind = False
    for stage in plan.stages:
        for kind, where, step in unreached:
            if where != stage.id or kind == "branch" or behind:
                continue
            when = stage.when if not step else next(item.when for item in stage.steps if item.id == step)
            why = f": its when is never true: {when.text}" if when is not None else ""
            said = f"step {step}" if step else "the stage"
            yield Violation(name="reached", stage=where, step=step, text=f"nothing ever leads to {said}{why}")
        behind = behind or stage.id in stuck


def _graph(whole: Walk, planned: Walk) -> Iterable[Violation]:
    if whole.complete:
        for number in whole.stranded():
            text = "from here no end can be reached"
            yield Violation(name="way-on", stage="", step="", text=text, path=whole.way_to(number))
            break
    for walk in (planned, whole):
        for number in walk.circles():
            text = "from here the run can go round in circles by itself"
            yield Violation(name="way-on", stage="", step="", text=text, path=walk.way_to(number))
            break


__all__ = ["Broken", "Exploration", "explore"]
