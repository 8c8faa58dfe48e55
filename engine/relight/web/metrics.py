"""The figures of a serve, by the names that the field uses, in the text format of Prometheus."""

import threading
from collections.abc import Iterable, Sequence
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from relight.control.listing import UNFINISHED_MAX
from relight.errors import JournalError
from relight.journal.port import Journal
from relight.kernel import facts as f
from relight.kernel.state import Run
from relight.kernel.step_facts import StepDispatched, StepFailed, StepLost, StepSucceeded

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_STEP_S = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)
_WAIT_S = (1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 14400)
_APPEND_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
IN_HAND_MAX = 10_000
"""Dispatches and tickets whose end is awaited; more were lost with a run that somebody else drives now."""


class Metrics:
    """Everything that one serve measures."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each, which nobody asked for
        registry = self._registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._began: dict[tuple[str, str], int] = {}
        self._steps = Histogram(
            "relight_step_duration_seconds",
            "From the dispatch of a step's attempt to its outcome, of runs driven here.",
            ["runbook", "step", "outcome"],
            buckets=_STEP_S,
            registry=registry,
        )
        self._gates = Histogram(
            "relight_gate_wait_seconds",
            "From a gate's asking to its end, of runs driven here.",
            ["runbook", "stage", "outcome"],
            buckets=_WAIT_S,
            registry=registry,
        )
        self._ended = Counter(
            "relight_runs_ended", "Runs driven here that are over.", ["runbook", "outcome"], registry=registry
        )
        self.appends = Histogram(
            "relight_journal_append_seconds",
            "One transaction of appended facts, on disk.",
            buckets=_APPEND_S,
            registry=registry,
        )
        self.requests = Counter(
            "relight_http_requests", "Answered requests.", ["method", "route", "code"], registry=registry
        )
        self.viewers = Gauge("relight_viewers", "Streams of events that are open.", registry=registry)
        Gauge("relight_serve_info", "This serve.", ["version"], registry=registry).labels(version("relight")).set(1)

    def look_at(self, journal: Journal, sites: Sequence[str]) -> None:
        """Count the runs of *journal* whenever somebody asks."""
        self._registry.register(_Runs(journal, frozenset(sites)))

    def text(self) -> bytes:
        """Return all figures as they are now."""
        return generate_latest(self._registry)

    def hear(self, run: Run, facts: Sequence[f.AnyFact]) -> None:
        """Take note of what was recorded of a run that is driven here."""
        with self._lock:
            for fact in facts:
                self._hear(run, fact)
            while len(self._began) > IN_HAND_MAX:
                self._began.pop(next(iter(self._began)))

    def _hear(self, run: Run, fact: f.AnyFact) -> None:
        match fact:
            case StepDispatched(dispatch=dispatch):
                self._began[run.id, str(dispatch)] = fact.t
            case StepSucceeded(step=step, dispatch=dispatch):
                self._step(run, step, dispatch, fact.t, "succeeded")
            case StepFailed(step=step, dispatch=dispatch):
                self._step(run, step, dispatch, fact.t, "failed")
            case StepLost(step=step, dispatch=dispatch):
                self._step(run, step, dispatch, fact.t, "unknown")
            case f.GateAsked(ticket=ticket):
                self._began[run.id, ticket] = fact.t
            case f.GateOpened(ticket=ticket):
                self._gate(run, ticket, fact.t, "opened")
            case f.GateDenied(ticket=ticket):
                self._gate(run, ticket, fact.t, "denied")
            case f.GateExpired(ticket=ticket):
                self._gate(run, ticket, fact.t, "expired")
            case f.RunEnded(outcome=outcome):
                self._ended.labels(run.plan.runbook, outcome).inc()
            case _:
                pass

    def _step(self, run: Run, step: str, dispatch: int, t: int, outcome: str) -> None:
        began = self._began.pop((run.id, str(dispatch)), None)
        if began is not None:
            self._steps.labels(run.plan.runbook, step, outcome).observe((t - began) / 1_000)

    def _gate(self, run: Run, ticket: str, t: int, outcome: str) -> None:
        began = self._began.pop((run.id, ticket), None)
        if began is not None:
            self._gates.labels(run.plan.runbook, ticket.partition("/")[0], outcome).observe((t - began) / 1_000)


class _Runs(Collector):
    """The journal's runs, counted when somebody asks: by this serve or any other, they are the same."""

    def __init__(self, journal: Journal, sites: frozenset[str]) -> None:
        self._journal = journal
        self._sites = sites

    def collect(self) -> Iterable[Metric]:
        """Yield the runs that are not over, their states, and whether anybody drives them."""
        info = GaugeMetricFamily(
            "relight_run_info", "A run that is not over.", labels=["run", "runbook", "site", "state", "starter"]
        )
        up = GaugeMetricFamily("relight_driver_up", "Whether somebody drives the run.", labels=["run"])
        states = GaugeMetricFamily("relight_runs", "Runs that are not over, by state.", labels=["state"])
        readable = GaugeMetricFamily("relight_journal_up", "Whether the journal can be read.")
        counted = dict.fromkeys(("pending", "running", "waiting", "held", "paused", "undoing"), 0)
        try:
            for row in self._journal.rows(unfinished=True, limit=UNFINISHED_MAX):
                if row.site in self._sites:
                    counted[row.state] = counted.get(row.state, 0) + 1
                    lease = self._journal.lease(row.run)
                    info.add_metric([row.run, row.runbook, row.site, row.state, row.starter], 1)
                    up.add_metric([row.run], float(lease is not None and lease.alive))
            readable.add_metric([], 1)
        except JournalError:
            readable.add_metric([], 0)
        for state, count in counted.items():
            states.add_metric([state], count)
        return (info, up, states, readable)
