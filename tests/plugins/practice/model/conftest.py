"""A night at the simulated site, and somebody who does things to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relight.sdk import Failed, OutcomeUnknown, Setting
from relight.sdk.capabilities import ALL
from relight_practice.document import QUERIES
from relight_practice.model import SignIn
from relight_practice.model.parameters import SignInConfig

Numbers = dict[str, float]
LOOK_MS = 250


class Night:
    """The simulated site and its figures."""

    def __init__(self, *, seed: int = 7, **parameters: Any) -> None:
        self.site = SignIn(SignInConfig(**parameters), Setting(seed=seed, pace=10.0))

    def figures(self) -> Numbers:
        """Return what the practice site's queries say now; those without data are left out."""
        answers = {name: self.site.query(name, query.promql) for name, query in QUERIES.items()}
        return {name: answer.value for name, answer in answers.items() if answer.value is not None}

    def later(self, seconds: float) -> Numbers:
        """Let time pass and return the figures then."""
        until_ms = self.site.now_ms + round(seconds * 1_000)
        while self.site.now_ms < until_ms:
            self.site.advance(until_ms)
        return self.figures()

    def until(self, holds: Callable[[Numbers], bool], *, for_s: float = 0.0, within_s: float = 30.0) -> Numbers:
        """Let time pass until *holds* says yes for *for_s* without a break."""
        deadline_ms = self.site.now_ms + within_s * 1_000
        since: int | None = None
        while self.site.now_ms < deadline_ms:
            figures = self.later(LOOK_MS / 1_000)
            since = None if not holds(figures) else self.site.now_ms if since is None else since
            if since is not None and self.site.now_ms - since >= for_s * 1_000:
                return figures
        raise AssertionError(f"it did not come to hold for {for_s:g} s within {within_s:g} s; at last {self.figures()}")

    def stays(self, holds: Callable[[Numbers], bool], *, for_s: float) -> None:
        """Assert that *holds* says yes at every look for *for_s*."""
        for _ in range(round(for_s * 1_000 / LOOK_MS)):
            figures = self.later(LOOK_MS / 1_000)
            assert holds(figures), figures

    def do(self, name: str, *, key: str = "", **args: Any) -> Any:
        """Do something, wait until it is done, and return its result."""
        work = self.site.begin(name, ALL[name].args.model_validate(args), key=key)
        while work.outcome is None:
            self.site.advance(self.site.now_ms + 600_000)
        if isinstance(work.outcome, Failed | OutcomeUnknown):
            raise work.outcome
        return work.outcome

    def in_force(self, name: str, **args: Any) -> dict[str, Any] | None:
        """Return what is in force."""
        return self.site.in_force(name, ALL[name].args.model_validate(args))

    def read(self, name: str, **args: Any) -> Any:
        """Read a probe."""
        return self.site.read(name, ALL[name].args.model_validate(args))

    def throttle(self, percent: float, rate: float | str) -> None:
        """Set the throttle."""
        told = {"min": "30s", "max": "90s"}
        self.do("admission.throttle", percent=percent, max_rate=rate, retry_after=told)


@pytest.fixture
def night() -> type[Night]:
    """The class: each test has nights of its own."""
    return Night
