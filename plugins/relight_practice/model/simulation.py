"""The model behind the sdk's port: its clock, the orders under way, and the site's own queries."""

from collections.abc import Coroutine, Iterator
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any

from relight.sdk import (
    Action,
    Call,
    Curve,
    Failed,
    OutcomeUnknown,
    Probe,
    Result,
    Setting,
    Simulation,
    Toll,
    Work,
    capabilities,
)
from relight.sdk import TargetHost as Host
from relight.sdk.capabilities import MetricArgs, MetricResult
from relight_practice.document import QUERIES, WINDOW_S
from relight_practice.model.connection import PaperConnection
from relight_practice.model.counters import SCRAPE_MS, SHOWN, Counters, parsed
from relight_practice.model.desk import Desk
from relight_practice.model.fleet import Fleet
from relight_practice.model.parameters import SignInConfig
from relight_practice.model.record import Record
from relight_practice.model.tier import STEP_S, Tier
from relight_practice.promql import PromqlError
from relight_practice.promql.syntax import Expression, Selector
from relight_practice.provider import PracticeProvider
from relight_practice.shape import BAD_RELEASE

STEP_MS = round(STEP_S * 1_000)
CALM_MS = 6_000
"""How long all is well before it breaks: two windows of the queries."""
IMPAIRED_SHARE = 0.9
ENOUGH = 1e9
"""The volume of a query that only the real site can measure: the model's traffic is taken to be enough."""


class _UnderWay(Work):
    """An order whose coroutine waits for the model's clock."""

    __slots__ = ("coroutine", "due_ms", "key")

    def __init__(self, coroutine: Coroutine[float, None, Any], key: str) -> None:
        super().__init__()
        self.coroutine = coroutine
        self.key = key
        self.due_ms = 0.0

    def resume(self, now_ms: float) -> None:
        """Go on until it waits again or has an outcome."""
        try:
            self.due_ms = now_ms + self.coroutine.send(None) * 1_000
        except StopIteration as end:
            self.outcome = end.value
        except (Failed, OutcomeUnknown) as said:
            self.outcome = said

    def stop(self) -> None:
        """End it where it is."""
        self.coroutine.close()
        Work.stop(self)


class SignIn(Simulation):
    """The practice site on paper, or another sign-in tier of other numbers."""

    Config = SignInConfig
    plays = (*(kind.contract for kind in PracticeProvider.contracts().values()), capabilities.METRIC_QUERY)

    def __init__(self, config: SignInConfig, setting: Setting) -> None:
        super().__init__(config, setting)
        shape = config.shape(setting.seed, setting.pace)
        self._tier = Tier(shape)
        self._fleet = Fleet(self._tier)
        self._counters = Counters(shape.keep_s)
        self._record = Record(WINDOW_S * 1_000 // SCRAPE_MS)
        connection = PaperConnection(Desk(self._tier, self._fleet))
        self._kinds = {name: kind(connection) for name, kind in PracticeProvider.contracts().items()}
        self._under_way: list[_UnderWay] = []
        self._done: dict[tuple[str, str], Work] = {}
        self._aside: dict[str, None] = {}
        self._heals_ms: float | None = None
        self._break(config)

    def _break(self, config: SignInConfig) -> None:
        """Let all be well for a while, then break it, and wait as long as it took somebody to come."""
        began_ms = -CALM_MS - round(config.broken_for * 1_000)
        self._now_ms = self._stepped_ms = began_ms - began_ms % SCRAPE_MS
        self._pass(self._now_ms + CALM_MS)
        if config.fault in ("brownout", "surge"):
            self._tier.surge = config.surge
        if config.fault in ("brownout", "release"):
            self._start(self._fleet.put(BAD_RELEASE), "")
        if config.fault == "region":
            self._tier.primary.impaired = IMPAIRED_SHARE
            self._heals_ms = self._now_ms + config.heals_after * 1_000 if config.heals_after else None
        while self._now_ms < 0:
            self.advance(0)

    # ---- time

    @property
    def now_ms(self) -> int:
        """Milliseconds since its beginning."""
        return self._now_ms

    def advance(self, until_ms: int) -> int:
        """Let time pass, and stop early where a piece of work has ended."""
        while self._now_ms < until_ms:
            due_ms = min((work.due_ms for work in self._under_way), default=until_ms)
            self._pass(min(until_ms, max(self._now_ms, round(due_ms))))
            if self._resume():
                break
        return self._now_ms

    def _pass(self, until_ms: int) -> None:
        while self._stepped_ms + STEP_MS <= until_ms:
            self._stepped_ms += STEP_MS
            if self._heals_ms is not None and self._stepped_ms >= self._heals_ms:
                self._tier.primary.impaired, self._heals_ms = 0.0, None
            self._tier.step()
            if self._stepped_ms % SCRAPE_MS == 0:
                self._counters.scrape(self._tier, self._stepped_ms)
                self._record.take(self._tier, self._stepped_ms, WINDOW_S)
        self._now_ms = until_ms

    def _resume(self) -> bool:
        """Wake whatever is due, and return whether a piece of work has ended."""
        for work in [work for work in self._under_way if work.outcome is None and work.due_ms <= self._now_ms + 0.5]:
            work.resume(self._now_ms)
        ended = [work for work in self._under_way if work.outcome is not None]
        self._under_way = [work for work in self._under_way if work.outcome is None]
        return bool(ended)

    # ---- what is done to it

    def begin(self, name: str, args: Any, *, key: str = "", targets: tuple[str, ...] = ()) -> Work:
        """Begin an action; the same one under the same key is not done again, nor while it still goes on."""
        kind = self._kinds.get(name)
        if not isinstance(kind, Action):
            return Work(Failed(f"the simulation does not play {name}", retry=False))
        known = self._done.get((name, key)) if key else None
        if known is not None and not isinstance(known.outcome, Failed | OutcomeUnknown):
            return known
        call = Call(args=args, key=key, targets=tuple(Host(name=host) for host in targets))
        work = self._start(kind.perform(call), key)
        if key:
            self._done[name, key] = work
        return work

    def _start(self, coroutine: Coroutine[Any, Any, Any], key: str) -> Work:
        work = _UnderWay(coroutine, key)
        work.resume(self._now_ms)
        if work.outcome is None:
            self._under_way.append(work)
        return work

    # ---- what is read of it

    def in_force(self, name: str, args: Any) -> dict[str, Any] | None:
        """Return what the action would read at the site."""
        kind = self._kinds.get(name)
        if not isinstance(kind, Action):
            raise Failed(f"the simulation does not play {name}", retry=False)
        found: dict[str, Any] | None = _at_once(kind.in_force(Call(args=args)))
        return found

    def read(self, name: str, args: Any) -> Result:
        """Return what the probe would read at the site."""
        if name == capabilities.METRIC_QUERY.name:
            wanted: MetricArgs = args
            return self.query("", wanted.promql)
        kind = self._kinds.get(name)
        if not isinstance(kind, Probe):
            raise Failed(f"the simulation does not play {name}", retry=False)
        found: Result = _at_once(kind.read(Call(args=args)))
        return found

    def query(self, name: str, promql: str) -> MetricResult:
        """Answer from the model's counters; where the text asks for others, by the query's name."""
        own = self.config.queries.get(name)
        if own is not None:
            return self._counters.ask(own)
        strange = _strange(promql)
        if not strange:
            return self._counters.ask(promql)
        if name in QUERIES:
            self._aside[f"the query {name}: the simulation answers with its own figure of that name"] = None
            return self._counters.ask(QUERIES[name].promql)
        if not name:
            return MetricResult(kind="value", value=ENOUGH, at=self._now_ms / 1_000)
        said = f"the query {name}: the simulation has no {strange}; map it under simulation.with.queries"
        self._aside[said] = None
        return MetricResult(kind="empty", detail=f"the simulation has no {strange}")

    def curves(self) -> tuple[Curve, ...]:
        """Return how everything went so far."""
        return self._record.curves()

    def toll(self) -> Toll:
        """Return what it cost so far."""
        return self._record.toll(self._tier)

    def aside(self) -> tuple[str, ...]:
        """Say what was answered otherwise than the site's document says."""
        return tuple(self._aside)


def _at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return what a reading gives; the model is read without waiting."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise Failed("the simulation cannot be read without waiting", retry=False)


@lru_cache(maxsize=512)
def _strange(promql: str) -> str:
    """Return what *promql* asks for that the model does not have; empty if it has all."""
    try:
        return min(set(_names(parsed(promql))) - SHOWN, default="")
    except PromqlError as error:
        return f"answer to it ({error})"


def _names(tree: Expression) -> Iterator[str]:
    """Return the name of every metric that a query asks for."""
    if isinstance(tree, Selector):
        yield tree.name or "series without a name"
    if is_dataclass(tree):
        for part in fields(tree):
            value = getattr(tree, part.name)
            for inner in value if isinstance(value, tuple) else (value,):
                if is_dataclass(inner) and not isinstance(inner, type):
                    yield from _names(inner)  # type: ignore[arg-type]
