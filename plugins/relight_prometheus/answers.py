"""What the server's answer to an instant query means: a value, or the reason why there is none.

A dead target's series vanishes, it never turns to zero; 0/0 is NaN; several series are several numbers;
an error may come with HTTP 200; a server that misses half of its data says so in a warning.
Each of these has been read as "all is well" by somebody, so each is told apart here.
"""

import math
from collections.abc import Mapping
from typing import Any

from relight.sdk import HttpAnswer, one_line, parse_json
from relight.sdk.capabilities import MetricResult

_INFO = "PromQL info"


def read_answer(answer: HttpAnswer, *, accept_warnings: bool = False) -> MetricResult:
    """Return the one number in *answer*, with the moment that the server gives it."""
    body = _body(answer)
    if body is None:
        kind = "HTTP" if answer.status == 200 else f"HTTP {answer.status}"
        return _error(f"{kind} answer that is not Prometheus's JSON: {answer.body[:200].decode(errors='replace')}")
    if body.get("status") != "success":
        return _error(f"{body.get('errorType', 'error')}: {body.get('error', f'HTTP {answer.status}')}")
    if answer.status != 200:
        return _error(f"HTTP {answer.status}")
    warnings = [str(each) for each in _list(body.get("warnings")) if not str(each).startswith(_INFO)]
    if warnings and not accept_warnings:
        return _error(f"the server has a doubt of its own: {'; '.join(warnings)}")
    data = body.get("data")
    result = _data(data if isinstance(data, dict) else {})
    return result.model_copy(update={"detail": one_line("; ".join(warnings))}) if warnings else result


def _body(answer: HttpAnswer) -> dict[str, Any] | None:
    if not answer.complete:
        return None
    try:
        body = parse_json(answer.body)
    except ValueError:
        return None
    return body if isinstance(body, dict) and "status" in body else None


def _data(data: Mapping[str, Any]) -> MetricResult:
    kind, result = data.get("resultType"), data.get("result")
    if kind == "scalar":
        return _point(result)
    if kind != "vector" or not isinstance(result, list):
        given = f"a {kind}" if kind else "nothing"
        return _error(f"the query gives {given}, not one number; take an instant of it, as with rate()")
    if not result:
        return MetricResult(kind="empty", detail="no series matches, or its last sample is gone")
    if len(result) > 1:
        return _error(f"{len(result)} series, like {_labels(result[0])}; aggregate them, as with sum()")
    series = result[0] if isinstance(result[0], dict) else {}
    if "value" not in series:
        return _error("a histogram is not one number; take a quantile or a fraction of it")
    return _point(series["value"])


def _point(pair: Any) -> MetricResult:
    try:
        at, text = pair
        at, value = float(at), float(text)
    except (TypeError, ValueError):
        return _error(f"a sample that is none: {pair}")
    if not math.isfinite(at):
        return _error(f"a sample without a moment: {pair}")
    if math.isnan(value):
        return MetricResult(kind="nan", at=at, detail="not a number, as 0/0 is")
    if math.isinf(value):
        return MetricResult(
            kind="nan", at=at, detail=f"{text}, as a number divided by 0 is; put > 0 on the denominator"
        )
    return MetricResult(kind="value", value=value, at=at)


def _labels(series: Any) -> str:
    metric = series.get("metric") if isinstance(series, dict) else None
    pairs = [f'{name}="{value}"' for name, value in metric.items()] if isinstance(metric, dict) else []
    return "{" + ", ".join(pairs) + "}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _error(detail: str) -> MetricResult:
    return MetricResult(kind="error", detail=one_line(detail))
