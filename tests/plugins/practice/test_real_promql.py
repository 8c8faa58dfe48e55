"""What the practice site answers is what Prometheus' own tool calculates from the same samples."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relight_practice.document import QUERIES
from relight_practice.metrics.exposition import parse
from relight_practice.metrics.series import Database
from relight_practice.promql import answer

pytestmark = pytest.mark.real

STEPS = 40
"""Samples of each series, one a second from 0; the last is at 39 s."""
AT_S = 35.4
"""Between two samples: whether a range has its left edge differs between Prometheus 2 and 3 (ours is 3's)."""
SERIES: dict[str, list[float]] = {
    'edge_requests_total{surface="api",code="200"}': [10.0 * step for step in range(STEPS)],
    'edge_requests_total{surface="api",code="503"}': [0.0] * STEPS,
    'edge_requests_total{surface="consumer",code="200"}': [50.0 * step for step in range(STEPS)],
    'edge_requests_total{surface="consumer",code="503"}': [float(max(0, step - 20) ** 2) for step in range(STEPS)],
    'logins_total{node="node-1"}': [7.0 * step if step < 30 else 7.0 * (step - 30) for step in range(STEPS)],
    'logins_failed_total{node="node-1",reason="busy"}': [float(step // 7) for step in range(STEPS)],
    'session_reads_total{valid="true"}': [3.5 * step for step in range(STEPS)],
    'session_reads_total{valid="false"}': [0.25 * step for step in range(STEPS)],
    'session_writes_total{valid="true"}': [1.0 + step for step in range(STEPS)],
    'session_writes_total{valid="false"}': [0.0] * STEPS,
    'page_lookups_total{node="node-1",result="hit"}': [90.0 * step for step in range(STEPS)],
    'page_lookups_total{node="node-1",result="miss"}': [11.0 * step for step in range(STEPS)],
    "edge_signins_asked_total{}": [30.0 * step for step in range(STEPS)],
    "edge_signins_admitted_total{}": [3.0 * step for step in range(STEPS)],
    "people_locked_out{}": [float(step * 8) for step in range(STEPS)],
    "queue_depth{}": [300.0 - step for step in range(STEPS)],
}
FURTHER = [
    "increase(edge_requests_total[7s])",
    "rate(logins_total[15s])",
    "irate(edge_requests_total[10s])",
    "delta(queue_depth[9s])",
    "sum by (surface) (rate(edge_requests_total[5s]))",
    "sum without (code) (edge_requests_total)",
    'max(edge_requests_total) - min(edge_requests_total{code!="503"})',
    "avg_over_time(people_locked_out[4s])",
    "max_over_time(logins_total[20s])",
    "count_over_time(queue_depth[6s])",
    'edge_requests_total{surface="consumer"} > 400',
    'edge_requests_total{code=~"2..|4.."} > bool 500',
    "page_lookups_total * 2 + page_lookups_total",
    "2 ^ 3 ^ 2 + -2 ^ 2 * vector(1)",
    "vector(7) % 4",
    'edge_requests_total unless edge_requests_total{code="200"}',
    'edge_requests_total and edge_requests_total{surface="api"}',
    "absent(nothing)",
    "sum(nothing) or vector(0)",
    "clamp_min(queue_depth, 280)",
    "count(edge_requests_total)",
    "timestamp(queue_depth)",
]


def database() -> Database:
    """Return our own database with the series."""
    found = Database(keep_s=1_000)
    for series, values in SERIES.items():
        ((name, labels, _),) = parse(f"{series} 0")
        for at, value in enumerate(values):
            found.append(name, labels, float(at), value)
    return found


def expected(query: str) -> list[dict[str, Any]]:
    """Return what we answer then, as the tool wants to be told."""
    status, body = answer(database(), {"query": query, "time": str(AT_S)}, 0.0)
    assert status == 200, body
    rows = []
    for series in body["data"]["result"]:
        metric = dict(series["metric"])
        labels = ",".join(f'{name}="{text}"' for name, text in metric.items() if name != "__name__")
        rows.append({"labels": f"{metric.get('__name__', '')}{{{labels}}}", "value": float(series["value"][1])})
    return rows


@pytest.mark.parametrize("query", [*(query.promql for query in QUERIES.values()), *FURTHER])
def test_prometheus_agrees(query: str, binary: Callable[[str], str], tmp_path: Path) -> None:
    """Every query of the site's document, and every function that is understood, gives Prometheus' answer."""
    test = {
        "interval": "1s",
        "input_series": [
            {"series": series, "values": " ".join(str(value) for value in values)} for series, values in SERIES.items()
        ],
        "promql_expr_test": [{"expr": query, "eval_time": f"{int(AT_S * 1_000)}ms", "exp_samples": expected(query)}],
    }
    file = tmp_path / "test.yml"
    file.write_text(json.dumps({"evaluation_interval": "1s", "tests": [test]}))
    done = subprocess.run([binary("promtool"), "test", "rules", str(file)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
