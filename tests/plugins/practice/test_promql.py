"""The part of PromQL that the practice site speaks gives the answers of a real Prometheus."""

from __future__ import annotations

from typing import Any

import pytest

from relight_practice.metrics.series import GONE, Database
from relight_practice.promql import answer

NOW = 1_000.0


def database() -> Database:
    """Five seconds of scrapes, four a second: counters, gauges and a series that vanished."""
    found = Database()
    for number in range(21):
        at = NOW - 5.0 + number * 0.25
        found.append("requests_total", (("code", "200"), ("job", "edge")), at, number * 10.0)
        found.append("requests_total", (("code", "503"), ("job", "edge")), at, number * 2.0)
        found.append("idle_total", (("job", "edge"),), at, 0.0)
        found.append("restarted_total", (("job", "edge"),), at, float(number if number < 12 else number - 12))
        found.append("depth", (("job", "queue"),), at, 7.0)
        found.append("depth", (("job", "other"),), at, 3.0)
        found.append("gone", (("job", "edge"),), at, 1.0 if number < 20 else GONE)
    return found


def ask(query: str, at: float = NOW) -> dict[str, Any]:
    """Return the body of the answer to *query*."""
    return answer(database(), {"query": query, "time": str(at)}, NOW)[1]


def number(query: str) -> str:
    """Return the text of the one number that *query* gives."""
    data = ask(query)["data"]
    if data["resultType"] == "scalar":
        return str(data["result"][1])
    (series,) = data["result"]
    return str(series["value"][1])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sum(rate(idle_total[3s])) / sum(rate(idle_total[3s]))", "NaN"),
        ("1 / 0", "+Inf"),
        ("-1 / 0", "-Inf"),
        ("sum(depth)", "10"),
        ("max(depth) - min(depth)", "4"),
        ("avg(depth)", "5"),
        ("count(depth)", "2"),
        ("max_over_time(requests_total{code='503'}[1s])", "40"),
        ("min_over_time(requests_total{code='503'}[1s])", "34"),
        ("count_over_time(requests_total{code='503'}[1s])", "4"),
        ('depth{job="queue"} > 5', "7"),
        ('depth{job="queue"} > bool 50', "0"),
        ("2 + 3 * 4 ^ 2 / 2 - 1", "25"),
        ("2 ^ 3 ^ 2", "512"),
        ("-2 ^ 2", "-4"),
        ("(1 + 2) % 2", "1"),
        ("time()", "1000"),
        ('time() - timestamp(depth{job="queue"})', "0"),
        ("absent(nothing)", "1"),
        ("sum(nothing) or vector(0)", "0"),
        ("clamp_max(sum(depth), 4)", "4"),
        ('scalar(depth{job="queue"}) + 1', "8"),
        ("1e-9", "0.000000001"),
    ],
)
def test_one_number(query: str, expected: str) -> None:
    """A query for one number gives the number, written as Prometheus writes it."""
    assert expected == number(query)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # Worked out by hand: 10 every 0.25 s, the range is extrapolated to both its edges.
        ('sum(rate(requests_total{code="200"}[3s]))', 40),
        ("sum(rate(requests_total[3s]))", 48),
        ('sum(rate(requests_total{code=~"5.."}[3s])) / sum(rate(requests_total[3s]))', 1 / 6),
        ('sum(rate(requests_total{code!~"5..|4.."}[3s]))', 40),
        ('increase(requests_total{code="200"}[2s])', 80),
        ('delta(depth{job="queue"}[2s])', 0),
        ('irate(requests_total{code="503"}[2s])', 8),
    ],
)
def test_growth(query: str, expected: float) -> None:
    """Rates and increases are extrapolated to the edges of their range."""
    assert float(number(query)) == pytest.approx(expected)


def test_a_reset_counter_goes_on_counting() -> None:
    """A counter that begins anew with its process has not run backwards."""
    assert float(number("rate(restarted_total[5s])")) == pytest.approx(3.8, abs=0.1)


def test_extrapolation_stops_half_a_step_outside_the_samples() -> None:
    """Where a series begins inside the range, it is not taken to reach back to the range's edge."""
    found = Database()
    for step in range(3):
        found.append("young_total", (), NOW - 1 + step * 0.5, 100.0 + step)
    data = answer(found, {"query": "increase(young_total[10s])"}, NOW)[1]["data"]
    assert data["result"][0]["value"][1] == "2.5"


def test_a_counter_is_not_extrapolated_below_zero() -> None:
    """A counter that was 1 at its first sample was 0 shortly before, and nothing before that."""
    found = Database()
    for step in range(3):
        found.append("new_total", (), NOW - 1 + step * 0.5, 1.0 + step * 10)
    data = answer(found, {"query": "increase(new_total[1200ms])"}, NOW)[1]["data"]
    assert float(data["result"][0]["value"][1]) == pytest.approx(20 * 1.05, rel=0.01)


@pytest.mark.parametrize(
    "query", ["nothing", "gone", "rate(nothing[3s])", "sum(nothing)", "nothing / 2", "depth > 100"]
)
def test_no_series_is_an_empty_vector(query: str) -> None:
    """What is not there is neither zero nor an error."""
    assert ask(query) == {"status": "success", "data": {"resultType": "vector", "result": []}}


def test_a_series_vanishes_at_once_when_its_target_no_longer_shows_it() -> None:
    """A staleness marker ends a series; without one it is found for five more minutes."""
    assert ask("gone")["data"]["result"] == []
    assert len(ask("depth", at=NOW + 299)["data"]["result"]) == 2
    assert ask("depth", at=NOW + 301)["data"]["result"] == []


def test_a_range_gives_its_samples() -> None:
    """A bare range is a matrix; the left edge does not belong to it."""
    data = ask('depth{job="queue"}[1s]')["data"]
    assert data["resultType"] == "matrix"
    assert [at for at, _ in data["result"][0]["values"]] == [999.25, 999.5, 999.75, 1000.0]


def test_sums_by_label() -> None:
    """Grouping keeps the labels that it names, or all but these."""
    by = ask("sum by (code) (rate(requests_total[3s]))")["data"]["result"]
    found = {series["metric"]["code"]: float(series["value"][1]) for series in by}
    assert found == pytest.approx({"200": 40, "503": 8})
    assert by == ask("sum without (job) (rate(requests_total[3s]))")["data"]["result"]
    assert by == ask("sum(rate(requests_total[3s])) by (code)")["data"]["result"]


def test_labels_and_names_are_kept_as_prometheus_keeps_them() -> None:
    """A selector and a filter keep the name; arithmetic and functions drop it."""
    assert ask("depth{job='queue'}")["data"]["result"][0]["metric"] == {"__name__": "depth", "job": "queue"}
    assert ask("depth{job='queue'} > 1")["data"]["result"][0]["metric"] == {"__name__": "depth", "job": "queue"}
    assert ask("depth{job='queue'} * 2")["data"]["result"][0]["metric"] == {"job": "queue"}


def test_vectors_meet_by_their_labels() -> None:
    """Two vectors are joined where all labels are equal, and nowhere else."""
    assert {s["metric"]["job"] for s in ask("depth + depth")["data"]["result"]} == {"queue", "other"}
    assert ask("depth + sum(depth)")["data"]["result"] == []
    assert [s["metric"]["job"] for s in ask('depth unless depth{job="other"}')["data"]["result"]] == ["queue"]
    assert [s["metric"]["job"] for s in ask('depth and depth{job="other"}')["data"]["result"]] == ["other"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "unknown position: parse error: no expression found in input"),
        ("rate(depth)", "1:1: parse error: expected type range vector in call to function"),
        ("sum(", "1:5: parse error: unexpected 'end of input'"),
        ("1 > 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
        ("depth[3s] + 1", "1:11: parse error: binary expression must contain only scalar and instant vector types"),
        ("frobnicate(depth)", '1:1: parse error: unknown function with name "frobnicate"'),
        ('depth{job=~"("}', "1:12: parse error: error parsing regexp"),
        ("depth offset 5m", "1:7: parse error: unexpected 'offset'"),
        ("depth{job=7}", "1:11: parse error: unexpected '7'"),
        ("{}", "1:3: parse error: vector selector must contain at least one non-empty matcher"),
        ("rate(depth[0s])", "1:15: parse error: duration must be greater than 0"),
        ("clamp_max(depth)", "1:1: parse error: expected 2 argument(s)"),
        ("sum(1)", "1:1: parse error: expected type instant vector in aggregation expression, got scalar"),
        ("(" * 60 + "1" + ")" * 60, "parse error: nested too deeply"),
        ("depth ; 1", "1:7: parse error: unexpected character: ';'"),
        ("x" * 5_000, "the query is longer than"),
    ],
)
def test_what_cannot_be_read_is_bad_data_with_its_place(query: str, said: str) -> None:
    """A wrong query is answered with status 400, an error type and the place."""
    status, body = answer(database(), {"query": query}, NOW)
    assert (status, body["status"], body["errorType"]) == (400, "error", "bad_data")
    assert said in body["error"]


def test_what_cannot_be_answered_is_an_execution_error() -> None:
    """A query may be well written and still have no answer on this data."""
    status, body = answer(database(), {"query": "sum by (nothing) (depth) + rate(requests_total[3s])"}, NOW)
    assert (status, body["data"]["result"]) == (200, [])
    found = database()
    found.append("depth2", (("job", "queue"), ("n", "1")), NOW, 1.0)
    status, body = answer(found, {"query": 'rate(requests_total[3s]) * 0 + ({job="edge"} * 0)'}, NOW)
    assert (status, body["errorType"]) == (422, "execution")


@pytest.mark.parametrize("time", ["yesterday", "NaN", "1e400"])
def test_a_wrong_time_is_bad_data(time: str) -> None:
    """The moment of an evaluation is seconds or RFC 3339."""
    status, body = answer(database(), {"query": "depth", "time": time}, NOW)
    assert (status, body["errorType"]) == (400, "bad_data")
    assert len(answer(database(), {"query": "depth", "time": "1970-01-01T00:16:40Z"}, 0.0)[1]["data"]["result"]) == 2
