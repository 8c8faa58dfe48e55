"""The wiring, in one screen: who gets what, and nothing else.

Heavy things are imported where they are needed: whoever only looks at a journal pays for nothing else.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relight.control.doors import Options
    from relight.control.sites import Sites
    from relight.drivers.live.log import Log
    from relight.drivers.live.parts import Listener, Parts, ReadPeople
    from relight.drivers.live.stand_in import Decided
    from relight.journal.port import Journal
    from relight.kernel.plan import Person, Plan, Solo
    from relight.kernel.state import Run
    from relight.sdk.registry import Registry


def journal(url: str | None = None, *, create: bool = True) -> "Journal":
    """Return the journal of that name, or the default one."""
    from relight.journal.locate import open_journal

    return open_journal(url, create=create)


def registry() -> "Registry":
    """Return the plugins that are installed."""
    from relight.sdk.registry import Registry

    return Registry()


def parts(log: "Log | None" = None) -> "Parts":
    """Return what a driver for real is put together from."""
    from relight.drivers.live.lease import Watchdog, end_process
    from relight.drivers.live.log import Log
    from relight.drivers.live.parts import Parts
    from relight.runbook.expressions import restore

    return Parts(
        registry=registry(),
        compile_expression=restore,
        read_people=site_people(),
        ended=keep_what_it_took,
        log=log or Log(),
        watchdog=Watchdog(end_process),
    )


def keep_what_it_took(journal: "Journal", run: str) -> None:
    """Keep what the steps of a run took, once it is over, for whoever wants to know how long the next will take."""
    from relight.control.durations import keep_durations

    keep_durations(journal, run)


def site_people() -> "ReadPeople":
    """Return what reads the people of a plan's site from its document, whenever that has changed."""
    seen: dict[Path, tuple[int, tuple[tuple[Person, ...], Solo | None] | None]] = {}

    def read(plan: "Plan") -> "tuple[tuple[Person, ...], Solo | None] | None":
        path = Path(plan.sources.get("site", ""))
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            return None
        # Every run of this process hears of a change, and the document is read once for all of them.
        if path not in seen or seen[path][0] != changed:
            seen[path] = changed, people_in(path, plan.site)
        return seen[path][1]

    def people_in(path: Path, site: str) -> "tuple[tuple[Person, ...], Solo | None] | None":
        from relight.runbook.gates import people_of, solo_of
        from relight.runbook.reading import read_site

        found = read_site(path)
        if not found.is_valid or found.document is None or found.document.site != site:
            return None
        return people_of(found.document), solo_of(found.document)

    return read


def spawn(run: str, journal_url: str, *, take_over: bool = False, ends_with_us: bool = False) -> int:
    """Start a background driver for *run* and return its process id, once it drives."""
    from relight.drivers.live.spawn import spawn_driver

    return spawn_driver(run, journal_url, __name__, take_over=take_over, ends_with_us=ends_with_us)


def drive(
    journal: "Journal",
    run: str,
    *,
    listeners: "Sequence[Listener]" = (),
    take_over: bool = False,
    begun: Callable[[], None] = lambda: None,
    stopped: Callable[[int], None] = lambda _number: None,
) -> "Run":
    """Drive *run* in this process until it is over or a signal, which *stopped* is told, says stop."""
    from relight.drivers.live.foreground import drive_foreground

    return drive_foreground(
        journal, run, parts(), listeners=listeners, take_over=take_over, begun=begun, stopped=stopped
    )


def decide_alone(journal: "Journal", run: str) -> "Decided":
    """Decide what was asked of a run that nobody drives."""
    from relight.drivers.live.stand_in import decide_without_driver
    from relight.runbook.expressions import restore

    return decide_without_driver(journal, run, restore, read_people=site_people())


def serve(
    journal_url: str | None, sites: "Sites", options: "Options", *, name: str, said: Callable[[str], None]
) -> int:
    """Drive the runs of *sites* that nobody drives, with all doors open, until a signal asks to stop.

    Raises:
        RelightError: the journal is not to be had, or a door cannot be opened; nothing was driven.
    """
    from relight.control.doors import Doors, installed_parts
    from relight.control.reception import Reception
    from relight.control.serving import put_together
    from relight.drivers.live.serving import printing_to, serve_here

    # Two handles: whoever drives never waits for whoever shows.
    own, theirs = journal(journal_url), journal(journal_url)
    reception = Reception(theirs, sites, registry(), decide_alone=lambda run: decide_alone(theirs, run))
    installed = installed_parts(options, said)
    doors = Doors(installed, reception, said)
    doors.open()
    try:
        serving, log = put_together(own, sites, installed, parts, name=name, home=_home())
        reception.health, reception.report = serving.health, log.broke
        ready = f"serve {name} drives runs of {', '.join(sites.names)}, from {own.location}"
        with printing_to(log):
            serve_here(serving, begun=lambda: said(ready))
        said("All runs were given back.")
    finally:
        doors.close()
        theirs.close()
        own.close()
    return 0


def _home() -> Path:
    from relight.journal.locate import home

    return home()


if __name__ == "__main__":
    from relight.drivers.live.host import main

    code = main(sys.argv[1:], open_journal=journal, parts_for=parts, home=_home)
    # Whatever a plugin left hanging in a thread keeps this process from nothing any more.
    os._exit(code)
