"""What every test may count on: hypothesis profiles, programs that are there or say why not, and a clean exit."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

# The conformance suites are tests too: when one fails, it shows what was compared.
pytest.register_assert_rewrite("relight.testing")

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

# A red CI is about the change and not about the dice, so there the examples are the same every time.
hypothesis.settings.register_profile("dev", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
hypothesis.settings.register_profile("thorough", deadline=None, print_blob=True, max_examples=5_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if IN_CI else "dev"))

CANARY = "RELIGHT_TEST_CANARY"
_OWNER = "RELIGHT_TEST_OWNER"
# The kill of a driver's last child may still be on its way when the last test ends, on a busy machine for long.
_GRACE_S = 30.0
# Journals of the largest tests stay below it; more would make the search for the canary the slowest test of all.
_SEARCHED_BYTES_MAX = 64 * 1024 * 1024


def pytest_configure(config: pytest.Config) -> None:
    """Give the session its canary; the workers of pytest-xdist inherit it."""
    os.environ.setdefault(CANARY, f"canary-{secrets.token_hex(16)}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The drills that may take longest begin first: no process is left with a long one when the others are done."""
    items.sort(key=lambda item: -_limit_s(item) if item.get_closest_marker("drill") else 0.0)


def _limit_s(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else 0.0


@pytest.fixture(scope="session")
def canary() -> str:
    """A secret that must turn up nowhere; it is in the environment as ``RELIGHT_TEST_CANARY``."""
    return os.environ[CANARY]


@pytest.fixture(scope="session")
def binary() -> Callable[[str], str]:
    """Return a function from a program's name to its path; a missing one skips here and fails in CI."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            reason = f"the program {name} is not on the PATH"
            if IN_CI:
                pytest.fail(f"{reason}; .ci/run must install what the tests need")
            pytest.skip(reason)
        return path

    return find


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The journal of whoever runs the tests is never touched, and their settings change no result."""
    for name in [n for n in os.environ if n.startswith("RELIGHT_") and n not in {CANARY, _OWNER}]:
        del os.environ[name]
    os.environ["RELIGHT_HOME"] = str(tmp_path_factory.mktemp("relight-home"))


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No process outlives the tests that started it, and the canary is in no file that they wrote."""
    owner = f"{os.getpid()}-{secrets.token_hex(8)}"
    os.environ[_OWNER] = owner
    yield
    left = _wait_for_end(owner)
    for pid in left:
        _kill(pid)
    assert not left, "processes that outlived their test:\n" + "\n".join(left.values())
    leaks = _files_with(os.environ[CANARY].encode(), tmp_path_factory.getbasetemp())
    assert not leaks, "the canary secret was written to:\n" + "\n".join(map(str, leaks))


def _wait_for_end(owner: str) -> dict[int, str]:
    deadline = time.monotonic() + _GRACE_S
    while (left := _descendants(owner)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _descendants(owner: str) -> dict[int, str]:
    """Return what runs with *owner* in its environment: a daemon changes its parent, but not that."""
    mark = f"{_OWNER}={owner}".encode()
    found: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environ = (entry / "environ").read_bytes().split(b"\0")
            if mark not in environ:
                continue
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:  # it ended while we looked, or it is somebody else's
            continue
        test = next((e[20:].decode(errors="replace") for e in environ if e.startswith(b"PYTEST_CURRENT_TEST=")), "?")
        found[int(entry.name)] = f"  pid {entry.name}, started by {test}: {command}"
    found.pop(os.getpid(), None)
    return found


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _files_with(needle: bytes, folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.stat().st_size <= _SEARCHED_BYTES_MAX and needle in path.read_bytes()
    ]
