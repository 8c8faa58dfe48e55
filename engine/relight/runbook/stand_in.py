"""A site on paper, made from the runbook alone: whatever the runbook names exists there, and nothing behind it does.

Rehearsal and exploration plan with it where no site is given.
Every capability is bound to one pretended provider with the declared contract, every query and group of hosts exists,
and every role is held by two people besides the starter.
What does not belong here: carrying anything out; nothing that is pretended can be called.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from relight.runbook.complaints import Complaint, Complaints
from relight.runbook.document import Runbook, Step
from relight.runbook.inventory import Inventory
from relight.runbook.lint.naming import spots
from relight.runbook.lint.scene import Scene, readers
from relight.runbook.offers import BUILT_IN, Offers
from relight.runbook.parts import PERSON, SLUG
from relight.runbook.plan import Planned, prepare_plan
from relight.runbook.reading import read_runbook
from relight.runbook.source import Source, source_from_bytes, source_from_file
from relight.runbook.stand_in_values import Guess, first_guess
from relight.sdk import capabilities
from relight.sdk.plugin import Action, Arguments, Contract, Plugin, Probe, Provider, Result
from relight.sdk.registry import Registry

NAME = "stand-in"
"""The site, its one provider and that provider's plugin."""
STARTER = "starter"
HOLDERS = 2
"""How many people besides the starter hold each role, where no gate asks for more."""
STRANGER = "stranger"
"""Somebody whom the site knows and who holds no role."""
HOSTS = 5
"""How many hosts each group has: enough for a first one, more batches and a failure among them."""


class Anything(Arguments):
    """Arguments of an action that no contract is known of."""

    model_config = ConfigDict(extra="allow")


class Something(Result):
    """The result of an action that no contract is known of."""

    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """A site on paper, and what planning with it takes.

    Attributes:
        site: Its document.
        registry: The installed plugins and the pretended one.
        hosts: The hosts of every group that a step names.
        values: The site's values, made up.
        inputs: Values for the inputs that have no default, made up.
    """

    site: Source
    registry: Registry
    hosts: Inventory
    values: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)


def plan_without_site(
    runbook: str | Path | Source, inputs: Mapping[str, Any] | None = None, *, registry: Registry | None = None
) -> tuple[Planned, StandIn | None]:
    """Return a runbook's plan at its stand-in site; without a plan, what is wrong with the runbook.

    Args:
        runbook: The runbook's document.
        inputs: Values by name; inputs without a default that are not among them are made up.
        registry: The plugins; those that are installed where it is left out.
    """
    origin = runbook if isinstance(runbook, Source) else source_from_file(runbook)
    offers = Offers(registry)
    read = read_runbook(origin, offers)
    if read.document is None or not read.is_valid:
        return Planned(None, tuple(read.complaints), read.complaints.left_out), None
    scene = Scene(read.document, Complaints(origin), offers)
    given = dict(inputs or {})
    guess = first_guess(read.document, (spot.text for spot in spots(scene)), given)
    planned, site = _planned(origin, scene, guess, given)
    for path in list(guess.site):
        for other in guess.others(path) if _errors(planned) else ():
            again = _planned(origin, scene, other, given)
            if len(_errors(again[0])) < len(_errors(planned)):
                guess, (planned, site) = other, again
    return planned, site


def _planned(origin: Source, scene: Scene, guess: Guess, given: dict[str, Any]) -> tuple[Planned, StandIn]:
    site = stand_in(scene, guess)
    inputs = {**site.inputs, **given}
    return prepare_plan(origin, site.site, inputs, starter=STARTER, registry=site.registry, hosts=site.hosts), site


def _errors(planned: Planned) -> list[Complaint]:
    return [complaint for complaint in planned.complaints if complaint.severity == "error"]


def stand_in(scene: Scene, guess: Guess) -> StandIn:
    """Return the site on paper for the runbook of *scene*, with these made-up values."""
    runbook = scene.runbook
    pretended = dict(_pretended(scene))
    hosts = Inventory()
    for stood in scene.steps:
        if stood.step.targets is not None and hosts.members(stood.step.targets) is None:
            hosts.add(stood.step.targets, f"{stood.step.targets}-[1:{HOSTS}]")
    document = {
        "site": NAME,
        "schema": "relight/v1",
        "environment": NAME,
        "values": guess.values(),
        "providers": {NAME: {"use": NAME}},
        "bind": {name: NAME for name in sorted(pretended) if name != capabilities.METRIC_QUERY.name},
        "queries": {
            check.query: {"promql": check.query, "sources": [NAME]}
            for check in runbook.checks.values()
            if check.query is not None
        },
        "people": _people(runbook),
    }
    return StandIn(
        site=source_from_bytes("a site made up from the runbook", json.dumps(document).encode()),
        registry=scene.offers.registry.including(_plugin(pretended)),
        hosts=hosts,
        values=guess.values(),
        inputs=guess.inputs,
    )


def _people(runbook: Runbook) -> list[dict[str, Any]]:
    gates = [stage.gate for stage in runbook.stages if stage.gate is not None]
    named = {item.notify for gate in gates for item in gate.escalate if not item.notify.startswith(("#", "@"))}
    roles = {role for gate in gates for role in gate.approval.roles}
    held = sorted(roles | {name for name in named if SLUG.fullmatch(name)})
    others = sorted(name for name in named if name not in held and PERSON.fullmatch(name))
    number = max([HOLDERS, *(gate.approval.min_approvals for gate in gates)])
    people: list[dict[str, Any]] = [{"id": STARTER, "roles": held}]
    people += [{"id": f"colleague-{index}", "roles": held} for index in range(1, number + 1)]
    return [*people, *({"id": name} for name in (STRANGER, *others))]


# ---- what is pretended


def _pretended(scene: Scene) -> Iterator[tuple[str, Contract]]:
    """Yield every action and probe that the stand-in has to offer, each with its contract."""
    yield capabilities.METRIC_QUERY.name, capabilities.METRIC_QUERY
    for name, is_probe, stays in _named(scene):
        offer = scene.offers.find(name)
        if name in BUILT_IN or (offer is not None and offer.plugin):
            continue  # the engine or an installed plugin declares it
        yield name, offer.contract if offer is not None else _unknown(name, is_probe=is_probe, stays=stays)


def _named(scene: Scene) -> Iterator[tuple[str, bool, bool]]:
    """Yield each name that the runbook uses, whether as a probe, and whether what it does stays in force."""
    for part in readers(scene):
        if part.probe is not None:
            yield part.probe, True, False
    for stood in scene.steps:
        step = stood.step
        if step.action is not None:
            yield step.action, False, _stays(step)
        if step.undo is not None and step.undo.action is not None:
            yield step.undo.action, False, False
    if any(stage.gate is not None and stage.gate.escalate for stage in scene.runbook.stages):
        yield capabilities.NOTIFY.name, False, False


def _stays(step: Step) -> bool:
    return step.undo is not None and step.undo.restore is not None


def _unknown(name: str, *, is_probe: bool, stays: bool) -> Contract:
    """Return the least that can be said of an action that only a real site's provider declares."""
    return Contract(
        name=name,
        title=name,
        args=Anything,
        result=Something,
        effect="read" if is_probe else "write",
        lasting=stays,
        reads_value=stays,
    )


def _plugin(pretended: Mapping[str, Contract]) -> Plugin:
    actions = tuple(_kind(Action, each) for each in pretended.values() if each.effect != "read")
    probes = tuple(_kind(Probe, each) for each in pretended.values() if each.effect == "read")
    provider = type("StandInProvider", (Provider,), {"actions": actions, "probes": probes})
    return Plugin(name=NAME, summary="Pretends to be whatever a runbook names", provider=provider)


def _kind(base: type, contract: Contract) -> Any:
    # It stays abstract: nobody can make one, so nobody can call it.
    return type(contract.name.replace(".", "_"), (base,), {"contract": contract})
