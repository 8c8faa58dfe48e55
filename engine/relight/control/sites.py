"""The sites that a serve is for: their documents, read again whenever they change.

A document that has become invalid keeps its last valid reading, and says so: a typing mistake at night must not lock
everybody out. One that is gone has no people any more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from relight.errors import RunbookError, UsageError

if TYPE_CHECKING:
    from relight.runbook.reading import Read
    from relight.runbook.site_document import Site
    from relight.runbook.site_doors import Published


class ServedSite(NamedTuple):
    """One site as its document says it now."""

    name: str
    path: Path
    document: Site


@dataclass(frozen=True, slots=True)
class _Known:
    site: ServedSite
    stamp: tuple[int, int, int] | None
    trouble: str = ""


class Sites:
    """All of them; iterating looks at the documents first.

    Raises:
        RunbookError: one is invalid, or knows nobody.
        UsageError: there is none, or two have one name.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        for path in paths:
            found = _read(path)
            if found.name in self._known and self._known[found.name].site.path != path:
                raise UsageError(f"two documents are of the site {found.name}", hint=f"leave {path} out")
            self._known[found.name] = _Known(found, _stamp(path))
        if not self._known:
            raise UsageError("no site is named, so nobody could be known at any door", hint="add --site SITE")

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(self._known)

    @property
    def troubles(self) -> dict[str, str]:
        """What is wrong with a document since it was last read well, by site."""
        self._look()
        return {name: known.trouble for name, known in self._known.items() if known.trouble}

    def __iter__(self) -> Iterator[ServedSite]:
        """Yield every site as its document says it now."""
        self._look()
        return iter([known.site for known in self._known.values()])

    def get(self, name: str) -> ServedSite:
        """Return one site.

        Raises:
            UsageError: there is none of that name here.
        """
        self._look()
        if name not in self._known:
            raise UsageError(f"there is no site {name!r} here", hint=f"sites are: {', '.join(self.names)}")
        return self._known[name].site

    def _look(self) -> None:
        with self._lock:
            for name, known in list(self._known.items()):
                stamp = _stamp(known.site.path)
                if stamp != known.stamp:
                    self._known[name] = _again(known, stamp)


def published(site: ServedSite, name: str) -> Published:
    """Return what is published under that name.

    Raises:
        UsageError: nothing is.
    """
    entry = site.document.published.get(name)
    if entry is None:
        known = ", ".join(sorted(site.document.published)) or "none; add some to `published` in its document"
        raise UsageError(f"{site.name} publishes no runbook as {name!r}", hint=f"published are: {known}")
    return entry


def runbook_path(site: ServedSite, entry: Published) -> Path:
    """Return the document of a published runbook.

    Raises:
        UsageError: relight ships none of that name.
    """
    if "/" in entry.runbook or entry.runbook.endswith((".yaml", ".yml")):
        return site.path.parent / entry.runbook
    from relight import shipped

    return shipped.runbook(entry.runbook)


def _read(path: Path) -> ServedSite:
    found = _document(path)
    if not found.is_valid or found.document is None:
        raise RunbookError(
            f"the site in {path} is invalid", complaints=list(found.complaints), hint=f"relight lint {path} shows it"
        )
    if not found.document.people:
        raise RunbookError(
            f"the site {found.document.site} has no people, so nobody could do anything at its doors",
            hint=f"add somebody to people in {path}",
        )
    return ServedSite(found.document.site, path.absolute(), found.document)


def _document(path: Path) -> Read[Site]:
    from relight.runbook.reading import read_site

    return read_site(path)


def _again(known: _Known, stamp: tuple[int, int, int] | None) -> _Known:
    path = known.site.path
    if stamp is None:
        nobody = known.site.document.model_copy(update={"people": [], "published": {}, "alerts": []})
        return _Known(known.site._replace(document=nobody), None, f"{path} is gone: nobody is known any more")
    found = _document(path)
    if not found.is_valid or found.document is None or found.document.site != known.site.name:
        trouble = f"{path} is invalid since it was changed; what it said before still counts"
        return replace(known, stamp=stamp, trouble=trouble)
    return _Known(known.site._replace(document=found.document), stamp)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
