"""The practice site as the drill and the rehearsal need it, found by its entry point: the engine imports no plugin.

An entry point ``practice`` in the group ``relight.sites`` names a class that starts, breaks and stops a site;
the module that it stands in tells what its site document is.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast

from relight.errors import PluginError

if TYPE_CHECKING:
    from relight.runbook.source import Source

GROUP, NAME = "relight.sites", "practice"
FIGURES_S = 1.0
"""Between two looks at the site: its figures are averages over seconds."""
REGION_S = 45.0
"""After this long a region that failed is well again, so that traffic can be brought back to it."""
FAULTS = {"failover-and-return": "region"}
"""What breaks the site for a runbook that is not for a brownout."""


PAPER_URL = "http://127.0.0.1:9"
"""Where nothing listens: on paper there is no process to speak to."""


class Site(Protocol):
    """What such a class can do; see ``relight_practice.site``."""

    url: str

    def start(self, *, alone: bool = False) -> str: ...
    def stop(self) -> None: ...
    def fault(self, kind: str = "brownout", *, seconds: float | None = None) -> None: ...
    def state(self) -> dict[str, Any]: ...


class Practice:
    """A practice site, what it looks like now, and what it looked like at worst."""

    def __init__(self, directory: Path, *, seed: int) -> None:
        kind, self._module = _found()
        self.site = cast(Site, kind(directory, seed=seed))
        self.directory = directory
        self.figures: dict[str, float | None] = {}
        self.locked_out = self.locked_out_worst = 0
        self._done = threading.Event()
        self._gauge = threading.Thread(target=self._look, name="relight-drill-gauge", daemon=True)

    def start(self, *, alone: bool) -> None:
        """Start it and begin to look at it."""
        with _said_by_the_site():
            self.site.start(alone=alone)
        self._gauge.start()

    def fault(self, kind: str) -> None:
        """Break it."""
        with _said_by_the_site():
            self.site.fault(kind, seconds=REGION_S)

    def stop(self) -> None:
        """Stop looking, and stop it."""
        self.look_no_more()
        with _said_by_the_site():
            self.site.stop()

    def look_no_more(self) -> None:
        """Leave it as it is."""
        self._done.set()

    def document(self, people: list[dict[str, Any]]) -> str:
        """Return its site document; JSON is YAML."""
        return json.dumps(self._module.site_document(self.site.url, people), indent=1) + "\n"

    def _look(self) -> None:
        while not self._done.is_set():
            with suppress(Exception):
                state = self.site.state()
                figures = {name: None if text is None else float(text) for name, text in state["figures"].items()}
                people = state["people"]
                self.locked_out, self.locked_out_worst = int(people["locked_out"]), int(people["locked_out_worst"])
                self.figures = figures
            self._done.wait(FIGURES_S)


def on_paper(runbook: str = "") -> "Source":
    """Return the practice site's document without a practice site: as much of it as can be planned and rehearsed.

    Args:
        runbook: Breaks it as the drill of that runbook would.

    Raises:
        PluginError: no practice site is installed, or it cannot be loaded.
    """
    from relight.control.people import os_name
    from relight.runbook.source import source_from_bytes

    _, module = _found()
    people = module.practice_people(os_name())
    document = module.site_document(PAPER_URL, people, fault=FAULTS.get(runbook, "brownout"))
    return source_from_bytes(NAME, (json.dumps(document, indent=1) + "\n").encode())


@contextmanager
def _said_by_the_site() -> Iterator[None]:
    """Turn whatever the site raises into an error that names it.

    Raises:
        PluginError: it did not do what it was told.
    """
    try:
        yield
    except Exception as error:
        raise PluginError(NAME, str(error) or type(error).__name__, hint="is this machine very busy?") from error


def _found() -> tuple[Any, ModuleType]:
    """Return the class and the module that it is announced in.

    Raises:
        PluginError: no practice site is installed, or it cannot be loaded.
    """
    from importlib.metadata import entry_points

    points = list(entry_points(group=GROUP, name=NAME))
    if not points:
        raise PluginError(NAME, "no practice site is installed", hint="install relight again, with its plugins")
    try:
        return points[0].load(), import_module(points[0].module)
    except Exception as error:
        raise PluginError(NAME, f"cannot be loaded: {type(error).__name__}: {error}") from error
