"""What is installed is what the project says it is: commands, entry points, shipped runbooks, changelog."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from relight import shipped
from relight.errors import UsageError

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PLUGINS = sorted(p.name for p in (ROOT / "plugins").glob("relight_*") if p.is_dir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from this checkout without asking any registry."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def commands() -> list[str]:
    """Return the README's set-up commands: the lines that make a virtual environment."""
    return [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("python3 -m venv")]


def test_two_commands_do_all_the_set_up() -> None:
    """The README has exactly two: one runs the drill, one passes the tests."""
    drill, checks = commands()
    assert drill.endswith(".venv/bin/relight drill")
    assert checks.endswith(".venv/bin/python .ci/check.py")


def test_ci_runs_the_readme_command() -> None:
    """CI runs the README's test command as it stands, so the README cannot rot."""
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == commands()[1]


def test_every_plugin_is_found_by_entry_point() -> None:
    """Every folder of ``plugins/`` is announced, and what is announced can be loaded."""
    declared = PROJECT["project"]["entry-points"]["relight.plugins"]
    assert sorted(target.split(":")[0] for target in declared.values()) == PLUGINS
    found = {e.name: e for e in entry_points(group="relight.plugins") if e.dist and e.dist.name == "relight"}
    assert found.keys() == declared.keys(), "install again: pip install -c constraints.txt -e '.[dev]'"
    for entry in found.values():
        assert entry.load() is not None


def test_import_contracts_know_every_plugin() -> None:
    """A new plugin stands under the same contracts as the old ones."""
    contracts = PROJECT["tool"]["importlinter"]
    assert sorted(["relight", *PLUGINS]) == sorted(contracts["root_packages"])
    (unaware,) = [c for c in contracts["contracts"] if c["name"].startswith("Plugins are unaware")]
    assert PLUGINS == sorted(unaware["modules"])


def test_the_wheel_carries_the_runbooks(wheel: zipfile.ZipFile) -> None:
    """An installation without a checkout can still run the shipped runbooks."""
    files = {p.relative_to(ROOT / "runbooks").as_posix() for p in (ROOT / "runbooks").rglob("*") if p.is_file()}
    assert files
    inside = "relight/_runbooks/"
    assert files == {name.removeprefix(inside) for name in wheel.namelist() if name.startswith(inside)}


def test_the_wheel_carries_code_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """Every top-level name in the wheel is the engine, a plugin or the metadata."""
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {"relight", *PLUGINS} == {top for top in tops if not top.endswith(".dist-info")}
    assert "relight/py.typed" in wheel.namelist()


def test_shipped_runbooks_are_found_by_name() -> None:
    """A shipped runbook is its folder's name, and a wrong name is answered with the right ones."""
    for name in shipped.runbook_names():
        assert shipped.runbook(name) == shipped.runbooks() / name / f"{name}.runbook.yaml"
    with pytest.raises(UsageError, match="no runbook called 'brownout'") as refusal:
        shipped.runbook("brownout")
    assert "brownout-recovery" in refusal.value.hint


def test_no_dependency_is_kept_for_nothing() -> None:
    """What the project depends on is imported somewhere in it."""
    modules = {"PyYAML": "yaml", "common-expression-language": "cel"}
    source = "\n".join(p.read_text() for root in ("engine", "plugins") for p in (ROOT / root).rglob("*.py"))
    unused = []
    for requirement in PROJECT["project"]["dependencies"]:
        name = re.split(r"[<>=!~;\[ ]", requirement)[0]
        module = modules.get(name, name)
        if not re.search(rf"(?:import|from) {module}\b|[\"']{module}[\"'.]", source):
            unused.append(name)
    assert [] == unused


def test_the_changelog_speaks_to_the_person_on_call() -> None:
    """Every entry says what `relight` now does."""
    text = (ROOT / "CHANGELOG.md").read_text()
    assert f"## {PROJECT['project']['version']}" in text
    entries = re.findall(r"^- (.*)", text, re.MULTILINE)
    assert entries
    assert [] == [entry for entry in entries if not re.match(r"`relight(?: [a-z -]+)?` (?:now|no longer) ", entry)]
