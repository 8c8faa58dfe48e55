"""The answer to ``/api/v1/query``, as a real Prometheus words it."""

import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from relight_practice.metrics.registry import Labels
from relight_practice.metrics.series import Database
from relight_practice.promql.evaluate import Element, EvaluationError, Matrix, Range, Value, evaluate
from relight_practice.promql.syntax import PromqlError, parse


def answer(database: Database, parameters: Mapping[str, str], now: float) -> tuple[int, dict[str, Any]]:
    """Return the status and the body for the parameters ``query`` and, if given, ``time``."""
    try:
        time = _time(parameters.get("time", ""), now)
    except ValueError:
        text = parameters["time"]
        return _error(400, "bad_data", f'invalid parameter "time": cannot parse "{text}" to a valid timestamp')
    try:
        tree = parse(parameters.get("query", ""))
        value = evaluate(tree, database, time)
    except PromqlError as error:
        return _error(400, "bad_data", f'invalid parameter "query": {error}')
    except EvaluationError as error:
        return _error(422, "execution", str(error))
    return 200, {"status": "success", "data": _data(value, time)}


def _error(status: int, kind: str, message: str) -> tuple[int, dict[str, Any]]:
    return status, {"status": "error", "errorType": kind, "error": message}


def _time(text: str, now: float) -> float:
    if not text:
        return now
    try:
        time = float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no zone") from None
        return moment.timestamp()
    if not math.isfinite(time):
        raise ValueError("not a moment")
    return time


def _data(value: Value, time: float) -> dict[str, Any]:
    stamp = round(time, 3)
    if isinstance(value, Matrix):
        return {"resultType": "matrix", "result": [_series(series) for series in value.series]}
    if isinstance(value, list):
        return {"resultType": "vector", "result": [_element(element, stamp) for element in value]}
    return {"resultType": "scalar", "result": [stamp, number_text(value)]}


def _element(element: Element, stamp: float) -> dict[str, Any]:
    return {"metric": _metric(element.name, element.labels), "value": [stamp, number_text(element.value)]}


def _series(series: Range) -> dict[str, Any]:
    values = [[round(at, 3), number_text(value)] for at, value in series.samples]
    return {"metric": _metric(series.name, series.labels), "values": values}


def _metric(name: str, labels: Labels) -> dict[str, str]:
    return ({"__name__": name} if name else {}) | dict(labels)


def number_text(value: float) -> str:
    """Return *value* without an exponent, and the three that are not numbers by their names."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return format(Decimal(repr(value)).normalize(), "f") if value else "0"
