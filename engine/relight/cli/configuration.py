"""The user's configuration: where their runbooks are, and what their sites are called.

``config.yaml`` in the configuration directory::

    runbooks: [~/runbooks, /srv/relight/runbooks]     # folders, searched two deep for *.runbook.yaml
    sites: {prod-eu: /srv/relight/sites/prod-eu.site.yaml}

Relative paths are relative to that file. Nothing is ever loaded from the current directory that was not named.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from relight.cli.places import config_dir
from relight.errors import RunbookError, UsageError

if TYPE_CHECKING:
    from relight.runbook.source import Source

FILE_NAME = "config.yaml"
SUFFIX = ".runbook.yaml"
PRACTICE = "practice"
RUNBOOKS_MAX = 500
"""Documents that a catalogue looks at; a folder with more is not one of runbooks."""


class Configuration(NamedTuple):
    """What the user configured; empty where there is no file."""

    path: Path
    runbooks: tuple[Path, ...] = ()
    sites: dict[str, Path] = {}


class Entry(NamedTuple):
    """One runbook of the catalogue; *flaw* says why it could not be read."""

    name: str
    path: Path
    title: str = ""
    symptoms: tuple[str, ...] = ()
    flaw: str = ""


def configuration() -> Configuration:
    """Return the user's configuration.

    Raises:
        RunbookError: the file is not what it should be; says where.
    """
    path = config_dir() / FILE_NAME
    if not path.exists():
        return Configuration(path)
    tree = _read(path)
    if unknown := sorted(set(tree) - {"runbooks", "sites"}):
        raise RunbookError(f"{path} has an unknown key {unknown[0]!r}", hint="it takes `runbooks` and `sites`")
    runbooks, sites = tree.get("runbooks") or [], tree.get("sites") or {}
    if not isinstance(runbooks, list) or not all(isinstance(item, str) for item in runbooks):
        raise RunbookError(f"`runbooks` in {path} is no list of folders", hint="write runbooks: [~/runbooks]")
    if not isinstance(sites, dict) or not all(isinstance(item, str) for item in sites.values()):
        raise RunbookError(
            f"`sites` in {path} maps no names to paths", hint="write sites: {prod-eu: /path/to/site.yaml}"
        )
    return Configuration(
        path, tuple(_place(path, item) for item in runbooks), {name: _place(path, item) for name, item in sites.items()}
    )


def _read(path: Path) -> dict[str, Any]:
    from relight.runbook.complaints import Complaints
    from relight.runbook.source import source_from_file
    from relight.runbook.yaml12 import plain, read_yaml

    complaints = Complaints(source_from_file(path))
    tree = read_yaml(complaints)
    if tree is None or len(complaints):
        raise RunbookError(f"{path} cannot be read", complaints=list(complaints))
    read: dict[str, Any] = plain(tree)
    return read


def _place(config: Path, text: str) -> Path:
    return config.parent / Path(text).expanduser()


def catalogue(config: Configuration) -> list[Entry]:
    """Return the runbooks of the user's folders, by name; where two have one name the first folder wins."""
    found: dict[str, Entry] = {}
    for number, path in enumerate(_documents(config)):
        if number >= RUNBOOKS_MAX:
            break
        entry = _entry(path)
        found.setdefault(entry.name, entry)
    return sorted(found.values())


def _documents(config: Configuration) -> Iterator[Path]:
    for folder in config.runbooks:
        try:
            yield from sorted([*folder.glob(f"*{SUFFIX}"), *folder.glob(f"*/*{SUFFIX}")])
        except OSError:
            continue


def _entry(path: Path) -> Entry:
    name = path.name.removesuffix(SUFFIX)
    try:
        tree = _read(path)
    except RunbookError as error:
        return Entry(name, path, flaw=error.message)
    symptoms = tree.get("symptoms")
    return Entry(
        str(tree.get("runbook", name)),
        path,
        str(tree.get("title", "")),
        tuple(str(item) for item in symptoms) if isinstance(symptoms, list) else (),
    )


def find_runbook(name: str) -> Path:
    """Return the document that is meant: a path, a name of the user's catalogue, or a runbook that relight ships.

    Raises:
        UsageError: there is none by that name.
    """
    if "/" in name or name.endswith((".yaml", ".yml")):
        return Path(name)
    from relight import shipped

    config = configuration()
    entries = {entry.name: entry.path for entry in catalogue(config)}
    if name in entries:
        return entries[name]
    names = shipped.runbook_names()
    if name in names:
        return shipped.runbook(name)
    here = Path(name if Path(name).exists() else f"{name}{SUFFIX}")
    hint = f"known are: {', '.join(sorted({*entries, *names})) or 'none'}; folders of your own go into {config.path}"
    if here.exists():
        hint = f"for the one in this folder write ./{here}; nothing is taken from the current folder unasked"
    raise UsageError(f"there is no runbook called {name!r}", hint=hint)


def find_site(name: str) -> Path:
    """Return the site document that is meant: a path, or a name of the user's configuration.

    Raises:
        UsageError: there is none by that name.
    """
    if "/" in name or name.endswith((".yaml", ".yml")):
        return Path(name)
    config = configuration()
    if name in config.sites:
        return config.sites[name]
    if name == PRACTICE:
        hint = "`relight drill` starts it and runs against it; plan, rehearse and explore take it on paper"
        raise UsageError("the practice site is only there while a drill lasts", hint=hint)
    known = ", ".join(sorted(config.sites)) or "none"
    raise UsageError(
        f"there is no site called {name!r}", hint=f"known are: {known}; write a path, or name it in {config.path}"
    )


def find_site_or_paper(name: str, runbook: str = "") -> "Path | Source":
    """Return the site document that is meant, where nothing will be changed: ``practice`` needs no practice site.

    Args:
        name: A path, a name of the user's configuration, or ``practice``.
        runbook: What will be read against it; it decides how the practice site is broken.

    Raises:
        UsageError: there is none by that name.
    """
    if name == PRACTICE and name not in configuration().sites:
        from relight.cli.practice import on_paper

        return on_paper(Path(runbook).name.removesuffix(SUFFIX))
    return find_site(name)
