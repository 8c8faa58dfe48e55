"""The commands about this installation: plugins and doctor."""

import sys
from typing import TYPE_CHECKING, Any

import click

from relight.cli.door import Door, with_door
from relight.cli.terminal import Line, Span, line, pad, terminal_width
from relight.errors import JournalError, RelightError, UsageError

if TYPE_CHECKING:
    from relight.cli.checkup import Finding


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


STYLES = {"ok": "good", "warn": "warn", "fail": "loud"}


@click.command()
@with_door
def doctor(door: Door) -> int:
    """Check that relight can work here, and say what to mend.

    Exits 0 when everything that runs need is there, else 9 for the journal and 1 for anything else.
    """
    from relight.cli.checkup import findings

    found = list(findings(door))
    documents = [{"schema": "relight.doctor/v1", **finding._asdict()} for finding in found]
    door.show_each("doctor", documents, lambda: [row for finding in found for row in _finding_lines(finding)])
    failed = [finding.what for finding in found if finding.verdict == "fail"]
    if {"journal", "disk"} & set(failed):
        return JournalError.exit_code
    return 1 if failed else 0


def _finding_lines(finding: "Finding") -> list[Line | str]:
    said: list[Line | str] = [
        line(Span(pad(finding.verdict, 6), STYLES[finding.verdict]), Span(pad(finding.what, 16), "bold"), finding.says)
    ]
    return [*said, f"{' ' * 22}{finding.mend}"] if finding.mend else said
