"""A practice site for the tests of one module, and a way to wait for what it shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relight_practice import PracticeSite

Figures = dict[str, float | None]
LOOK_S = 0.2


class Watch:
    """Looks at a site's figures until they are as they should be; nothing here sleeps in the hope of the best."""

    def __init__(self, site: PracticeSite) -> None:
        self.site = site

    def until(
        self, holds: Callable[[dict[str, float]], bool], *, for_s: float = 0.0, within_s: float = 30.0
    ) -> dict[str, float]:
        """Wait until *holds* says yes for *for_s* without a break, and return the last figures."""
        deadline = time.monotonic() + within_s
        since: float | None = None
        figures: Figures = {}
        while time.monotonic() < deadline:
            figures = self.site.figures()
            known = {name: value for name, value in figures.items() if value is not None}
            if _all_known(holds, known):
                since = since or time.monotonic()
                if time.monotonic() - since >= for_s:
                    return known
            else:
                since = None
            time.sleep(LOOK_S)
        raise AssertionError(f"it did not come to hold for {for_s:g} s within {within_s:g} s; at last {figures}")

    def stays(self, holds: Callable[[dict[str, float]], bool], *, for_s: float) -> dict[str, float]:
        """Assert that *holds* says yes at every look for *for_s*."""
        deadline = time.monotonic() + for_s
        known: dict[str, float] = {}
        while time.monotonic() < deadline:
            figures = self.site.figures()
            known = {name: value for name, value in figures.items() if value is not None}
            assert _all_known(holds, known), figures
            time.sleep(LOOK_S)
        return known


def _all_known(holds: Callable[[dict[str, float]], bool], known: dict[str, float]) -> bool:
    try:
        return holds(known)
    except KeyError:  # no data is never a yes
        return False


@pytest.fixture
def watch() -> type[Watch]:
    """The class, for tests that start a site of their own."""
    return Watch


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeSite]:
    """A site that the tests of one module share; each leaves it as it found it."""
    folder: Path = tmp_path_factory.mktemp("site")
    with PracticeSite(folder) as running:
        yield running
