"""The practice site as a site document: what ``relight drill`` writes to a file and runs against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WINDOW_S = 3
"""Twelve scrapes. Shorter, and eight sign-ins a second are too few to judge; longer, and a stage waits for the past."""
MAX_AGE_S = 2
REPAIR_RATE = 8
OPEN_RATE = 42
"""What four nodes can take, with a little to spare; two can take 24."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One named query, and the traffic below which its answer says nothing."""

    promql: str
    volume: str | None = None
    at_least: float = 1.0

    def document(self) -> dict[str, Any]:
        """Return it as the site document has it."""
        found: dict[str, Any] = {
            "promql": self.promql,
            "sources": ["prom"],
            "window": f"{WINDOW_S}s",
            "max_age": f"{MAX_AGE_S}s",
        }
        if self.volume is not None:
            found["min_volume"] = {"promql": self.volume, "at_least": self.at_least}
        return found


def _rate(selector: str) -> str:
    return f"sum(rate({selector}[{WINDOW_S}s]))"


def _share(part: str, whole: str) -> Query:
    return Query(promql=f"{_rate(part)} / {_rate(whole)}", volume=_rate(whole))


QUERIES: dict[str, Query] = {
    "api_error_ratio": _share('edge_requests_total{surface="api",code=~"5.."}', 'edge_requests_total{surface="api"}'),
    "edge_5xx_ratio": _share(
        'edge_requests_total{surface="consumer",code=~"5.."}', 'edge_requests_total{surface="consumer"}'
    ),
    "login_error_ratio": _share("logins_failed_total", "logins_total"),
    "corrupt_writes": Query(promql=_rate('session_writes_total{valid="false"}'), volume=_rate("session_writes_total")),
    "corrupt_reads": Query(promql=_rate('session_reads_total{valid="false"}'), volume=_rate("session_reads_total")),
    "users_locked_out": Query(promql="people_locked_out"),
    "cache_hit_ratio": _share('page_lookups_total{result="hit"}', "page_lookups_total"),
    "queue_depth": Query(promql="queue_depth"),
    "admitted_over_asked": _share("edge_signins_admitted_total", "edge_signins_asked_total"),
}
"""The figures that runbooks name. Errors alone lie while people are turned away, so one of them counts those asked."""

_FAMILIES = ("admission.*", "cache.*", "deploy.*", "edge.*", "queue.*", "sessions.*", "status.*", "traffic.*")


def practice_people(os_user: str) -> list[dict[str, Any]]:
    """Return the two people of a drill: whoever sits at the terminal, and a deputy who owns the sessions."""
    return [
        {"id": "you", "roles": ["incident-commander"], "os": os_user},
        {"id": "deputy", "roles": ["incident-commander", "session-owner", "duty-manager"]},
    ]


def site_document(
    url: str, people: Sequence[Mapping[str, Any]], pace: float = 10.0, fault: str = "brownout"
) -> dict[str, Any]:
    """Return the whole site document for a practice site at *url*, and for its likeness broken by *fault*."""
    return {
        "site": "practice",
        "schema": "relight/v1",
        "environment": "practice",
        "pace": int(pace) if pace == int(pace) else pace,
        "values": {"repair_rate": REPAIR_RATE, "open_rate": OPEN_RATE},
        "providers": {"edge": {"use": "practice", "url": url}, "prom": {"use": "prometheus", "url": url}},
        "bind": {
            "admission.throttle": {"provider": "edge", "with": {"surface": "consumer"}},
            **{family: {"provider": "edge"} for family in _FAMILIES if family != "admission.*"},
            "notify": {"provider": "edge"},
        },
        "queries": {name: query.document() for name, query in QUERIES.items()},
        "people": [dict(person) for person in people],
        "surfaces": {
            "consumer": {"objective": 99.9, "window": "30d", "error_ratio": "login_error_ratio"},
            "api": {"objective": 99.9, "window": "30d", "error_ratio": "api_error_ratio"},
        },
        "simulation": {"use": "sign-in", "with": {"fault": fault}},
    }
