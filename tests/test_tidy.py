"""The house is tidy: the budgets and the words of CONTRIBUTING.md, checked."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KERNEL = ROOT / "engine/relight/kernel"
# The medians of the houses we learned from; above them a reader loses the thread.
FILE_LINES_MAX = 499
# Stories about one machine share their first lines, and splitting them would write those twice.
TEST_FILE_LINES_MAX = 850
FUNCTION_LINES_MAX = 69
FOLDERS_MAX = 3
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "core", "misc"}
CLOCKS_AND_DICE = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "random", "urandom", "uuid4"}


def tracked(*patterns: str) -> list[Path]:
    """Return the files of the project: what git knows, or in an unpacked sdist what is there."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True
    )
    if listed.returncode == 0:
        files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        files = [path for path in ROOT.rglob("*") if not any(part.startswith(".") for part in path.parts[1:])]
    return sorted({f for f in files if f.is_file() and (not patterns or any(f.match(p) for p in patterns))})


def place(path: Path) -> str:
    """Return how a reader finds *path*."""
    return str(path.relative_to(ROOT))


CODE = [p for p in tracked("*.py") if p.is_relative_to(ROOT / "engine") or p.is_relative_to(ROOT / "plugins")]
TESTS = [p for p in tracked("*.py") if p.is_relative_to(ROOT / "tests")]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function of *path*, methods and inner ones too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_files_stay_short() -> None:
    """No file is longer than a reader's patience."""
    most = dict.fromkeys(CODE, FILE_LINES_MAX) | dict.fromkeys(TESTS, TEST_FILE_LINES_MAX)
    long = {place(p): n for p in CODE + TESTS if (n := len(p.read_text().splitlines())) > most[p]}
    assert {} == long


def test_functions_stay_short() -> None:
    """No function is longer than a screen."""
    long = {
        f"{place(path)}:{f.lineno} {f.name}": lines
        for path in CODE
        for f in functions(path)
        if f.end_lineno and (lines := f.end_lineno - f.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert {} == long


def test_folders_stay_shallow() -> None:
    """Nothing inside ``relight`` lies deeper than three folders."""
    inside = ROOT / "engine/relight"
    deep = [place(p) for p in CODE if p.is_relative_to(inside) and len(p.relative_to(inside).parents) - 1 > FOLDERS_MAX]
    assert [] == deep


def test_names_say_something() -> None:
    """No file and no folder is a drawer for odds and ends."""
    dull = [place(p) for p in CODE + TESTS if NAMES_THAT_SAY_NOTHING & {*p.relative_to(ROOT).parts, p.stem}]
    assert [] == dull


def test_packages_say_what_they_are() -> None:
    """Every package's first line says its one idea."""
    silent = [place(p) for p in CODE if p.name == "__init__.py" and not ast.get_docstring(ast.parse(p.read_text()))]
    assert [] == silent


def test_tests_say_what_they_expect() -> None:
    """Every test's docstring states the behaviour."""
    silent = [
        f"{place(path)}:{f.lineno} {f.name}"
        for path in TESTS
        for f in functions(path)
        if f.name.startswith("test_") and not ast.get_docstring(f)
    ]
    assert [] == silent


def test_source_roots_are_no_packages() -> None:
    """``engine`` and ``plugins`` are source roots: an ``__init__.py`` there would give every module a second name."""
    assert [] == [place(p) for p in CODE if p.name == "__init__.py" and len(p.relative_to(ROOT).parts) == 2]
    second = re.compile(r"^\s*(?:from|import) (?:engine|plugins)\b", re.MULTILINE)
    assert [] == [place(p) for p in CODE + TESTS if second.search(p.read_text())]


def _reaches_out(function: ast.expr) -> bool:
    match function:
        case ast.Attribute(value=ast.Name(id="self")):
            return False
        case ast.Attribute(attr=name):
            return name in CLOCKS_AND_DICE
        case ast.Name(id=name):
            return name in {"open", "print", "input", "eval", "exec", "__import__"}
    return False


def test_the_kernel_reads_no_clock() -> None:
    """Time and chance arrive inside the input; imports are the contracts' matter, calls are this test's."""
    calls = [
        f"{place(path)}:{node.lineno} {ast.unparse(node.func)}()"
        for path in CODE
        if path.is_relative_to(KERNEL)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _reaches_out(node.func)
    ]
    assert [] == calls


def test_nothing_is_left_for_later_in_the_code() -> None:
    """What remains to be done is an issue, not a comment."""
    notes = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
    found = [
        f"{place(path)}:{number}"
        for path in tracked("*.py", "*.toml", "*.md", "*.yaml", "*.yml", "*.sh")
        if path != Path(__file__).resolve()  # it has to name them
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if notes.search(line)
    ]
    assert [] == found


def test_what_installs_the_project_names_no_host() -> None:
    """Where packages come from is the machine's business: names and versions are enough."""
    files = [ROOT / "pyproject.toml", ROOT / "constraints.txt", *tracked(".ci/*")]
    pointing = re.compile(r"\w://|--(?:extra-)?index|--find-links|@ *file:")
    found = [
        f"{place(path)}:{number}"
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pointing.search(line)
    ]
    assert [] == found


def test_constraints_are_names_and_versions() -> None:
    """A constraint is a name and a version, nothing that points anywhere."""
    form = re.compile(r"#.*|[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.+!]+")
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert lines
    assert [] == [line for line in lines if not form.fullmatch(line)]
