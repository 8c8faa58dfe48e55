"""Where a rehearsal takes place: at a site that is given, at the practice site on paper, or at one made up."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relight.errors import PluginError, RunbookError, UsageError

if TYPE_CHECKING:
    from relight.kernel.plan import Plan
    from relight.runbook.plan import Planned
    from relight.runbook.site_document import Site
    from relight.runbook.source import Source
    from relight.sdk.registry import Registry
    from relight.sdk.simulation import Simulation

PAPER = "the practice site, on paper"
MADE_UP = "a site made up from the runbook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A runbook planned somewhere.

    Attributes:
        where: What the site is, in words.
        site: Its document; None for one that is made up.
        starter: Who starts the run.
    """

    plan: "Plan"
    planned: "Planned"
    registry: "Registry"
    where: str
    site: "Site | None"
    origin: "Path | Source | None"
    starter: str

    def simulation(self, seed: int) -> "Simulation | None":
        """Return the site's simulation at its moment 0, None where it has none."""
        if self.site is None or self.site.simulation is None:
            return None
        from relight.runbook.complaints import Complaints
        from relight.runbook.simulated import simulate
        from relight.runbook.source import source_from_bytes, source_from_file

        origin = self.origin
        source = source_from_file(origin) if isinstance(origin, Path) else origin or source_from_bytes("site", b"")
        complaints = Complaints(source)
        made = simulate(self.site, complaints, seed=seed)
        if made is None:
            raise RunbookError(f"the simulation of {self.site.site} cannot be had", complaints=tuple(complaints))
        return made


def find_place(
    runbook: "Path | Source", site: str | None, inputs: Mapping[str, Any], starter: str | None = None
) -> Place:
    """Return *runbook*, planned where it is to be rehearsed.

    Without a *site* it is the practice site, where that offers everything the runbook names, else one that is made up.
    *starter* is a person or a role of the site; else it is whoever is logged in.

    Raises:
        RunbookError: a document or an input is wrong.
        UsageError: there is no site of that name, or nobody there who is to start it.
    """
    from relight.cli.configuration import find_site_or_paper

    if site is not None:
        origin = find_site_or_paper(site, _name(runbook))
        where = site if isinstance(origin, Path) else PAPER
        return _at(runbook, origin, inputs, starter, where)
    try:
        from relight.cli.configuration import SUFFIX
        from relight.cli.practice import on_paper

        bare = Path(_name(runbook)).name.removesuffix(SUFFIX)
        return _at(runbook, on_paper(bare), inputs, starter, PAPER)
    except (RunbookError, PluginError, UsageError):
        return _made_up(runbook, inputs, starter)


def at_site(runbook: "Path | Source", site: str, inputs: Mapping[str, Any], *, starter: str) -> Place:
    """Return *runbook*, planned at a site as whoever started a run there would have.

    Raises:
        RunbookError: a document or an input is wrong.
        UsageError: there is no site of that name.
    """
    from relight.cli.configuration import find_site_or_paper

    origin = find_site_or_paper(site, _name(runbook))
    return _at(runbook, origin, inputs, starter, site if isinstance(origin, Path) else PAPER, known=False)


def _at(
    runbook: "Path | Source",
    origin: "Path | Source",
    inputs: Mapping[str, Any],
    starter: str | None,
    where: str,
    *,
    known: bool = True,
) -> Place:
    from relight.control.planning import planned_or_raise
    from relight.runbook.plan import prepare_plan
    from relight.runbook.reading import read_site
    from relight.sdk.registry import Registry

    registry = Registry()
    site = read_site(origin).document
    people = [(person.id, person.roles, person.os) for person in site.people] if site is not None else []
    who = _starter(starter, people) if known or starter is None else starter
    planned = prepare_plan(runbook, origin, inputs, starter=who, registry=registry)
    plan = planned_or_raise(planned)
    return Place(plan=plan, planned=planned, registry=registry, where=where, site=site, origin=origin, starter=who)


def _made_up(runbook: "Path | Source", inputs: Mapping[str, Any], starter: str | None) -> Place:
    from relight.control.planning import planned_or_raise
    from relight.runbook.stand_in import STARTER, plan_without_site

    planned, stand_in = plan_without_site(runbook, inputs)
    plan = planned_or_raise(planned)
    assert stand_in is not None, "what was planned was planned somewhere"
    who = _starter(starter, [(person.id, list(person.roles), None) for person in plan.people]) if starter else STARTER
    return Place(
        plan=plan, planned=planned, registry=stand_in.registry, where=MADE_UP, site=None, origin=None, starter=who
    )


def _starter(named: str | None, people: list[tuple[str, list[str], str | None]]) -> str:
    """Return the person who starts the run.

    Raises:
        UsageError: nobody is called so, and nobody holds a role of that name.
    """
    from relight.control.people import os_name

    if named is None:
        me = os_name()
        return next((person for person, _, os in people if os == me), f"os:{me}")
    found = [person for person, roles, _ in people if named in (person, *roles)]
    if not found:
        from relight.runbook.complaints import did_you_mean

        known = [person for person, _, _ in people] + [role for _, roles, _ in people for role in roles]
        raise UsageError(f"nobody at this site is {named!r}, to start the run", hint=did_you_mean(named, known))
    return found[0]


def _name(runbook: "Path | Source") -> str:
    return str(runbook if isinstance(runbook, Path) else runbook.path or runbook.name)
