"""From a path or bytes to a document and everything that is wrong with it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from relight.runbook.complaints import Complaints
from relight.runbook.document import Runbook
from relight.runbook.lint.rules import lint_runbook, lint_site
from relight.runbook.offers import Offers
from relight.runbook.parts import Part
from relight.runbook.rehearsal_document import Rehearsal
from relight.runbook.rehearsal_form import judged_rehearsal
from relight.runbook.shorthand import write_out_runbook, write_out_site
from relight.runbook.simulated import check_simulation
from relight.runbook.site_document import Site
from relight.runbook.source import Source, source_from_file
from relight.runbook.validate import validate
from relight.runbook.yaml12 import Map, read_yaml

Document = TypeVar("Document", bound=Part)


@dataclass(frozen=True, slots=True)
class Read(Generic[Document]):
    """What a document gave: as much of it as makes sense, and what is wrong with it.

    *document* may only be carried out where :attr:`is_valid`.
    """

    document: Document | None
    complaints: Complaints

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong with it, warnings aside."""
        return self.document is not None and not self.complaints.errors


def read_runbook(origin: str | Path | Source, offers: Offers | None = None) -> Read[Runbook]:
    """Read a runbook and judge it, as far as that is possible without a site."""
    complaints = Complaints(_source(origin))
    tree = read_yaml(complaints)
    return Read(None if tree is None else _runbook(tree, complaints, offers or Offers()), complaints)


def read_site(origin: str | Path | Source) -> Read[Site]:
    """Read a site and judge it, as far as that is possible without its plugins."""
    complaints = Complaints(_source(origin))
    tree = read_yaml(complaints)
    return Read(None if tree is None else _site(tree, complaints), complaints)


def read_any(origin: str | Path | Source, offers: Offers | None = None) -> Read[Runbook] | Read[Site] | Read[Rehearsal]:
    """Read a runbook, a site or a rehearsal, whichever it says it is."""
    complaints = Complaints(_source(origin))
    tree = read_yaml(complaints)
    nothing: Read[Runbook] = Read(None, complaints)
    if tree is None:
        return nothing
    if "rehearsal" in tree:
        return Read(judged_rehearsal(tree, complaints), complaints)
    if _kind(tree) == "site":
        site = _site(tree, complaints)
        if site is not None:
            check_simulation(site, complaints)
        return Read(site, complaints)
    if _kind(tree) == "runbook":
        return Read(_runbook(tree, complaints, offers or Offers()), complaints)
    hint = "begin it with `runbook: NAME` or `site: NAME`"
    complaints.add("RL208", tree.mark, "this is neither a runbook nor a site", hint)
    return nothing


def _kind(tree: Map) -> Literal["runbook", "site", ""]:
    if "site" in tree and "stages" not in tree:
        return "site"
    return "runbook" if "runbook" in tree or "stages" in tree else ""


def _runbook(tree: Map, complaints: Complaints, offers: Offers) -> Runbook | None:
    if _kind(tree) == "site":
        complaints.add("RL208", tree.mark, "this is a site, and a runbook belongs here", "are the two paths swapped?")
        return None
    runbook, whole = validate(Runbook, write_out_runbook(tree), complaints)
    if runbook is not None:
        lint_runbook(runbook, complaints, offers, whole=whole)
    return runbook


def _site(tree: Map, complaints: Complaints) -> Site | None:
    if _kind(tree) == "runbook":
        complaints.add("RL208", tree.mark, "this is a runbook, and a site belongs here", "are the two paths swapped?")
        return None
    site, _ = validate(Site, write_out_site(tree), complaints)
    if site is not None:
        lint_site(site, complaints)
    return site


def _source(origin: str | Path | Source) -> Source:
    return origin if isinstance(origin, Source) else source_from_file(origin)
