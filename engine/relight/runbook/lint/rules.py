"""The rules of lint, in the order in which they run."""

from collections.abc import Callable

from relight.runbook.complaints import Complaints
from relight.runbook.document import Runbook
from relight.runbook.lint.actions import check_actions
from relight.runbook.lint.criteria import check_criteria
from relight.runbook.lint.declarations import check_inputs, check_unused
from relight.runbook.lint.doors import check_doors
from relight.runbook.lint.naming import check_names
from relight.runbook.lint.scene import Scene
from relight.runbook.lint.site_rules import (
    check_pace,
    check_people,
    check_providers,
    check_site_expressions,
    check_surfaces,
)
from relight.runbook.lint.structure import check_references, check_structure
from relight.runbook.lint.times import check_times
from relight.runbook.offers import Offers
from relight.runbook.site_document import Site

RULES: tuple[Callable[[Scene], None], ...] = (
    check_structure,
    check_references,
    check_names,
    check_actions,
    check_inputs,
    check_criteria,
    check_times,
    check_unused,
)


def lint_runbook(runbook: Runbook, complaints: Complaints, offers: Offers, *, whole: bool = True) -> None:
    """File a complaint about everything in *runbook* that cannot be meant.

    Args:
        runbook: What could be read of the document.
        complaints: Where they are filed.
        offers: The actions and probes that there are.
        whole: Whether nothing of the document is missing in *runbook*.
    """
    scene = Scene(runbook, complaints, offers, whole)
    for rule in RULES:
        rule(scene)


SITE_RULES: tuple[Callable[[Site, Complaints], None], ...] = (
    check_providers,
    check_surfaces,
    check_people,
    check_doors,
    check_pace,
    check_site_expressions,
)


def lint_site(site: Site, complaints: Complaints) -> None:
    """File a complaint about everything in *site* that contradicts itself."""
    for rule in SITE_RULES:
        rule(site, complaints)
