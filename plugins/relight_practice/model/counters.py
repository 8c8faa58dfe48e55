"""What the processes of the practice site would show at ``/metrics``, kept on virtual time and asked in PromQL."""

import math
from collections.abc import Callable
from functools import lru_cache

from relight.sdk.capabilities import MetricResult
from relight_practice.metrics.registry import Labels
from relight_practice.metrics.series import Database
from relight_practice.model.tier import Tier
from relight_practice.promql import EvaluationError, PromqlError, evaluate, parse
from relight_practice.promql.evaluate import Matrix
from relight_practice.promql.syntax import Expression

SCRAPE_MS = 250
BEGIN_S = 10_000.0
"""The model's own year zero: queries may look back before its beginning."""


def _labels(**labels: str) -> Labels:
    return tuple(sorted(labels.items()))


COUNTERS: tuple[tuple[str, Labels, str], ...] = (
    *(
        ("edge_requests_total", _labels(surface="consumer", code=code), code)
        for code in ("200", "401", "429", "500", "503")
    ),
    *(("edge_requests_total", _labels(surface="api", code=code), f"api_{code}") for code in ("200", "503")),
    ("edge_signins_asked_total", (), "asked"),
    ("edge_signins_admitted_total", (), "admitted"),
    ("edge_signins_refused_total", _labels(reason="percent"), "refused_percent"),
    ("edge_signins_refused_total", _labels(reason="rate"), "refused_rate"),
    ("logins_total", (), "logins"),
    ("logins_failed_total", _labels(reason="busy"), "login_busy"),
    ("logins_failed_total", _labels(reason="corrupt"), "login_corrupt"),
    ("session_reads_total", _labels(valid="true"), "read_good"),
    ("session_reads_total", _labels(valid="false"), "read_bad"),
    ("session_writes_total", _labels(valid="true"), "write_good"),
    ("session_writes_total", _labels(valid="false"), "write_bad"),
    ("page_lookups_total", _labels(result="hit"), "hit"),
    ("page_lookups_total", _labels(result="miss"), "miss"),
    ("people_in_total", (), "in"),
    ("queue_done_total", _labels(kind="history"), "done"),
)
GAUGES: dict[str, Callable[[Tier], float]] = {
    "people_locked_out": lambda tier: float(round(tier.locked_out)),
    "people_gave_up_total": lambda tier: tier.crowd.gave_up,
    "people_not_sent_total": lambda tier: tier.crowd.turned_away,
    "people_surge": lambda tier: tier.surge,
    "queue_depth": lambda tier: float(round(tier.jobs.depth)),
    "queue_set_aside": lambda tier: tier.jobs.set_aside,
    "queue_oldest_seconds": lambda tier: tier.jobs.oldest_s(),
    "queue_max_rate": lambda tier: math.inf if tier.jobs.rate is None else tier.jobs.rate,
    "sessions_corrupt": lambda tier: tier.spoiled,
    "sessions_quarantined": lambda tier: tier.sessions.aside,
    "edge_admission_percent": lambda tier: tier.throttle.percent,
    "edge_admission_max_rate": lambda tier: math.inf if tier.throttle.max_rate is None else tier.throttle.max_rate,
    "edge_failover_percent": lambda tier: tier.weight,
    "edge_nodes_serving": lambda tier: float(len(tier.primary.serving)),
    "fallback_breaker_open": lambda tier: float(tier.breaker.state == "open"),
    "origin_wait_seconds": lambda tier: tier.origin.wait_s,
}
SHOWN = frozenset({name for name, _, _ in COUNTERS} | set(GAUGES))


class Counters:
    """A few minutes of every series, as a Prometheus that scrapes the model would have them."""

    def __init__(self, keep_s: float) -> None:
        self._database = Database(keep_s=keep_s)
        self._at_s = 0.0

    def scrape(self, tier: Tier, now_ms: int) -> None:
        """Take every number as it is."""
        self._at_s = now_ms / 1_000
        at = BEGIN_S + self._at_s
        for name, labels, key in COUNTERS:
            self._database.append(name, labels, at, tier.counts[key])
        for name, read in GAUGES.items():
            self._database.append(name, (), at, read(tier))

    def ask(self, promql: str) -> MetricResult:
        """Return one number as of the last scrape, or why there is none."""
        try:
            value = evaluate(parsed(promql), self._database, BEGIN_S + self._at_s)
        except (PromqlError, EvaluationError) as error:
            return MetricResult(kind="error", detail=f"the simulation cannot answer this: {error}")
        if isinstance(value, Matrix):
            return MetricResult(kind="error", detail="the answer is a range, not one number")
        if isinstance(value, list):
            if len(value) > 1:
                return MetricResult(kind="error", detail=f"the answer has {len(value)} series, not one number")
            if not value:
                return MetricResult(kind="empty", detail="no data")
            value = value[0].value
        if math.isnan(value):
            return MetricResult(kind="nan", at=self._at_s)
        return MetricResult(kind="value", value=value, at=self._at_s)


@lru_cache(maxsize=512)
def parsed(promql: str) -> Expression:
    """Return the tree of a query; the same few are asked again and again.

    Raises:
        PromqlError: it is not in the part of the language that is understood here.
    """
    return parse(promql)
