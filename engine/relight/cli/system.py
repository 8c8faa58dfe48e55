"""The commands about this installation: plugins and doctor."""

import os
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import click

from relight.cli.door import Door, with_door
from relight.cli.terminal import Line, Span, line, pad, terminal_width
from relight.errors import JournalError, RelightError, UsageError

FREE_BYTES_LOW = 256 * 1024 * 1024
"""Below it a long run with chatty steps may fill the disk that its journal is on."""


@click.command()
@click.argument("name", required=False)
@with_door
def plugins(door: Door, name: str | None) -> int:
    """List plugins and simulations, or document one from its code: actions, probes, arguments and results.

    NAME is what a site's `use:` says; left out, all are listed. Exits 1 when an installed plugin does not work.
    """
    from relight import bootstrap
    from relight.sdk.describe import describe_plugin, render_plugin
    from relight.sdk.simulations import simulation_names

    registry = bootstrap.registry()
    if name is not None:
        found = registry.get(name)
        if found is None:
            return _simulation(door, name, registry.names())
        described = describe_plugin(found, origin=registry.origin(name))
        door.show(described, lambda: render_plugin(described, width=terminal_width(sys.stdout)).splitlines())
        return 0
    entries = [_plugin_entry(registry, each) for each in registry.names()]
    entries += [_simulation_entry(each) for each in simulation_names()]
    door.show_each("plugins", entries, lambda: [_plugin_line(entry) for entry in entries] or ["No plugins."])
    return 0 if all(entry["ok"] for entry in entries) else 1


def _simulation(door: Door, name: str, plugin_names: list[str]) -> int:
    """Document a simulation, which a site's `simulation` key may ask for."""
    from relight.sdk.describe import describe_simulation, render_simulation
    from relight.sdk.simulations import find_simulation, simulation_names

    kind = find_simulation(name)
    if kind is None:
        from relight.runbook.complaints import did_you_mean

        hint = did_you_mean(name, [*plugin_names, *simulation_names()])
        raise UsageError(f"no plugin called {name!r} is installed", hint=hint)
    described = describe_simulation(name, kind)
    door.show(described, lambda: render_simulation(described, width=terminal_width(sys.stdout)).splitlines())
    return 0


def _simulation_entry(name: str) -> dict[str, Any]:
    from relight.sdk.describe import describe_simulation
    from relight.sdk.simulations import find_simulation

    entry: dict[str, Any] = {"schema": "relight.plugins/v1", "name": name, "simulation": True}
    try:
        kind = find_simulation(name)
    except RelightError as error:
        return {**entry, "ok": False, "summary": error.message, "plays": []}
    assert kind is not None, "it was just named"
    described = describe_simulation(name, kind)
    return {**entry, "ok": True, "summary": described["summary"], "plays": described["plays"]}


def _plugin_entry(registry: Any, name: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"schema": "relight.plugins/v1", "name": name, "origin": registry.origin(name)}
    try:
        plugin = registry.get(name)
    except RelightError as error:
        return {**entry, "ok": False, "summary": error.message, "actions": [], "probes": []}
    return {
        **entry,
        "ok": True,
        "summary": plugin.summary,
        "actions": [kind.contract.name for kind in plugin.provider.actions],
        "probes": [kind.contract.name for kind in plugin.provider.probes],
    }


def _plugin_line(entry: dict[str, Any]) -> Line:
    from relight.control.wording import counted

    if not entry["ok"]:
        return line(Span(pad(entry["name"], 14), "bold"), Span("BROKEN  ", "loud"), entry["summary"])
    if "plays" in entry:
        return line(Span(pad(entry["name"], 14), "bold"), pad("simulation", 24), entry["summary"])
    what = f"{counted(len(entry['actions']), 'action')}, {counted(len(entry['probes']), 'probe')}"
    return line(Span(pad(entry["name"], 14), "bold"), pad(what, 24), entry["summary"])


class Finding(NamedTuple):
    """One thing that was looked at: ``ok``, ``warn`` or ``fail``, and how to mend it."""

    what: str
    verdict: str
    says: str
    mend: str = ""


STYLES = {"ok": "good", "warn": "warn", "fail": "loud"}


@click.command()
@with_door
def doctor(door: Door) -> int:
    """Check that relight can work here, and say what to mend.

    Exits 0 when everything that runs need is there, else 9 for the journal and 1 for anything else.
    """
    findings = list(_findings(door))
    documents = [{"schema": "relight.doctor/v1", **finding._asdict()} for finding in findings]
    door.show_each("doctor", documents, lambda: [row for finding in findings for row in _finding_lines(finding)])
    failed = [finding for finding in findings if finding.verdict == "fail"]
    if any(finding.what == "journal" for finding in failed):
        return JournalError.exit_code
    return 1 if failed else 0


def _finding_lines(finding: Finding) -> list[Line | str]:
    said: list[Line | str] = [
        line(Span(pad(finding.verdict, 6), STYLES[finding.verdict]), Span(pad(finding.what, 16), "bold"), finding.says)
    ]
    return [*said, f"{' ' * 22}{finding.mend}"] if finding.mend else said


def _findings(door: Door) -> Iterator[Finding]:
    yield _python()
    yield from _journal(door)
    yield from _configuration()
    yield from _plugins()
    yield _terminal()


def _python() -> Finding:
    import platform
    from importlib.metadata import version

    return Finding("relight", "ok", f"{version('relight')} on Python {platform.python_version()}, {sys.platform}")


def _journal(door: Door) -> Iterator[Finding]:
    import shutil
    from pathlib import Path

    try:
        journal = door.new_journal
        rows = journal.rows(unfinished=True)
    except RelightError as error:
        yield Finding("journal", "fail", error.message, error.hint)
        return
    yield Finding("journal", "ok", f"{journal.location}, {len(rows)} unfinished")
    path = Path(journal.location.partition("://")[2])
    try:
        free = shutil.disk_usage(path.parent).free
        loose = path.parent.stat().st_mode & 0o077
    except OSError:
        return
    if free < FREE_BYTES_LOW:
        yield Finding("disk", "warn", f"{free // 2**20} MiB free in {path.parent}", "free some space before you run")
    else:
        yield Finding("disk", "ok", f"{free // 2**20:,} MiB free in {path.parent}")
    if loose and path.parent.stat().st_uid == os.geteuid():
        yield Finding("rights", "warn", f"others may look into {path.parent}", f"chmod 700 {path.parent}")
    for row in rows:
        lease = journal.lease(row.run)
        if lease is None or not lease.alive:
            yield Finding("driver", "warn", f"nobody drives run {row.run} ({row.state})", f"relight resume {row.run}")


def _configuration() -> Iterator[Finding]:
    from relight.cli.configuration import catalogue, configuration

    try:
        config = configuration()
        entries = catalogue(config)
    except RelightError as error:
        yield Finding("configuration", "fail", error.message, error.hint)
        return
    if not config.path.exists():
        yield Finding("configuration", "ok", f"none; it would be {config.path}")
        return
    yield Finding("configuration", "ok", f"{config.path}: {len(entries)} runbooks, {len(config.sites)} sites")
    for folder in config.runbooks:
        if not folder.is_dir():
            yield Finding("runbooks", "warn", f"{folder} is no folder", f"mend it in {config.path}")
    for entry in entries:
        if entry.flaw:
            yield Finding("runbooks", "warn", f"{entry.path} cannot be read", f"relight lint {entry.path}")
    for name, path in config.sites.items():
        if not path.is_file():
            yield Finding("sites", "warn", f"site {name}: {path} is not there", f"mend it in {config.path}")


def _plugins() -> Iterator[Finding]:
    from relight import bootstrap

    registry = bootstrap.registry()
    good = []
    for name in registry.names():
        try:
            registry.get(name)
            good.append(name)
        except RelightError as error:
            yield Finding("plugins", "fail", error.message, error.hint or "install it again, or remove it")
    yield Finding("plugins", "ok" if good else "warn", ", ".join(good) or "none")


def _terminal() -> Finding:
    from relight.cli.terminal import is_terminal

    if not is_terminal(sys.stdout):
        return Finding("terminal", "ok", "none: no prompts, one line a fact")
    encoding = sys.stdout.encoding
    return Finding("terminal", "ok", f"{terminal_width(sys.stdout)} columns, {encoding}, TERM={os.environ.get('TERM')}")
