"""How the night went: the curves that are drawn, and what it cost."""

from collections import deque
from dataclasses import dataclass, field

from relight.sdk import Curve, Toll
from relight.sdk.simulation import Unit
from relight_practice.model.tier import Tier

SERVED, EDGE_ERRORS, LOGIN_ERRORS = "admitted_over_asked", "edge_5xx_ratio", "login_error_ratio"
CURVES: tuple[tuple[str, str, Unit], ...] = (
    (SERVED, "served", "share"),
    (LOGIN_ERRORS, "failing", "share"),
    (EDGE_ERRORS, "edge errors", "share"),
    ("api_error_ratio", "API errors", "share"),
    ("cache_hit_ratio", "cache hits", "share"),
    ("edge_admission_percent", "admission", "percent"),
    ("queue_depth", "backlog", "count"),
    ("users_locked_out", "locked out", "count"),
    ("corrupt_writes", "bad writes", "per second"),
    ("corrupt_reads", "bad reads", "per second"),
    ("turned_away", "turned away", "per second"),
)
"""The names are those of the practice site's queries, so that a check's limit can be drawn over its curve."""
WELL = {SERVED: 0.98, LOGIN_ERRORS: 0.02, EDGE_ERRORS: 0.03}
"""All is well, as users see it, where so many are served and so few of them meet an error."""
ILL = 0.05
"""More errors than this after a while without any are a relapse."""
SPELL_MS = 3_000
"""No errors for so long, and their return is a relapse; ill for so long, and it is not a blip: the queries' window."""
VOLUME_MIN = 1.0
"""Below so many a second a share says nothing."""

_CODES = ("200", "401", "429", "500", "503")


@dataclass(slots=True)
class Record:
    """Takes every scrape; shares are over the last *window* scrapes."""

    window: int
    points: dict[str, list[tuple[int, float | None]]] = field(default_factory=lambda: {c[0]: [] for c in CURVES})
    worst: float = 0.0
    contained: bool = False
    locked_out_worst: float = 0.0
    relapses: int = 0
    recovered_ms: int | None = None
    _before: deque[dict[str, float]] = field(default_factory=deque)
    _calm_since: int | None = None
    _ill_since: int | None = None
    _begun: dict[str, float] = field(default_factory=dict)
    _gave_up_begun: float = 0.0

    def take(self, tier: Tier, now_ms: int, window_s: float) -> None:
        """Add what is true at *now_ms*; what was before the beginning only fills the windows."""
        self._before.append(dict(tier.counts))
        if len(self._before) > self.window + 1:
            self._before.popleft()
        if now_ms < 0:
            self._begun, self._gave_up_begun = dict(tier.counts), tier.crowd.gave_up
            return
        figures = self._figures(tier, window_s)
        for name, points in self.points.items():
            points.append((now_ms, figures[name]))
        self._judge(figures, now_ms)

    def _figures(self, tier: Tier, window_s: float) -> dict[str, float | None]:
        first, last = self._before[0], self._before[-1]
        span_s = window_s * (len(self._before) - 1) / self.window

        def grown(*keys: str) -> float:
            return sum(last.get(key, 0.0) - first.get(key, 0.0) for key in keys)

        def share(part: float, whole: float) -> float | None:
            return part / whole if span_s and whole / span_s >= VOLUME_MIN else None

        return {
            SERVED: share(grown("admitted"), grown("asked")),
            LOGIN_ERRORS: share(grown("login_busy", "login_corrupt"), grown("logins")),
            EDGE_ERRORS: share(grown("500", "503"), grown(*_CODES)),
            "api_error_ratio": share(grown("api_503"), grown("api_200", "api_503")),
            "cache_hit_ratio": share(grown("hit"), grown("hit", "miss")),
            "edge_admission_percent": tier.throttle.percent,
            "queue_depth": round(tier.jobs.depth),
            "users_locked_out": round(tier.locked_out),
            "corrupt_writes": grown("write_bad") / span_s if span_s else None,
            "corrupt_reads": grown("read_bad") / span_s if span_s else None,
            "turned_away": grown("429") / span_s if span_s else None,
        }

    def _judge(self, figures: dict[str, float | None], now_ms: int) -> None:
        errors = max(figures[LOGIN_ERRORS] or 0.0, figures[EDGE_ERRORS] or 0.0)
        served = figures[SERVED]
        quiet = all((figures[name] or 0.0) < WELL[name] for name in (LOGIN_ERRORS, EDGE_ERRORS))
        if quiet and not self.contained:
            # Until then it is the fault that is measured, and every night begins with the same.
            self.contained, self.worst = True, 0.0
        self.worst = max(self.worst, errors)
        self.locked_out_worst = max(self.locked_out_worst, figures["users_locked_out"] or 0.0)
        well = quiet and (served is None or served > WELL[SERVED])
        self._ill_since = None if well else now_ms if self._ill_since is None else self._ill_since
        if well and self.recovered_ms is None:
            self.recovered_ms = now_ms
        elif self._ill_since is not None and now_ms - self._ill_since >= SPELL_MS:
            self.recovered_ms = None
        if quiet:
            self._calm_since = now_ms if self._calm_since is None else self._calm_since
        elif errors > ILL and self._calm_since is not None:
            self.relapses += now_ms - self._calm_since >= SPELL_MS
            self._calm_since = None

    def curves(self) -> tuple[Curve, ...]:
        """Return all of them."""
        return tuple(Curve(name=name, title=title, unit=unit, points=self.points[name]) for name, title, unit in CURVES)

    def toll(self, tier: Tier) -> Toll:
        """Return what it cost since the beginning."""
        return Toll(
            recovered_ms=self.recovered_ms,
            error_ratio_worst=round(self.worst, 4),
            turned_away=round(tier.counts["429"] - self._begun.get("429", 0.0)),
            gave_up=round(tier.crowd.gave_up - self._gave_up_begun),
            locked_out_worst=round(self.locked_out_worst),
            relapses=self.relapses,
        )
