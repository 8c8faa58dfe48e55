"""Readings: one number, one answer."""

import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from relight.sdk.plugin import Arguments, Contract, Result
from relight.sdk.values import Duration


class MetricArgs(Arguments):
    """What ``metric.query`` takes."""

    promql: Annotated[str, Field(description="The query, in the source's language")]
    timeout: Annotated[Duration, Field(description="Longest wait for an answer")] = 5.0


class MetricResult(Result):
    """One data point, or the reason why there is none."""

    kind: Annotated[
        Literal["value", "empty", "nan", "stale", "error"],
        Field(description="Whether there is a value, and if not, why"),
    ]
    value: Annotated[float | None, Field(description="The value")] = None
    at: Annotated[float | None, Field(description="When the data point was taken, seconds since 1970")] = None
    detail: Annotated[str, Field(description="What the source said when there is no value")] = ""

    @model_validator(mode="before")
    @classmethod
    def _no_number(cls, given: Any) -> Any:
        """What is no number is the reason why there is no value: a journal has no word for it."""
        value = given.get("value") if isinstance(given, dict) else None
        if not isinstance(value, float) or math.isfinite(value):
            return given
        return {**given, "kind": "nan", "value": None, "detail": given.get("detail") or f"the value is {value!r}"}


METRIC_QUERY = Contract(
    name="metric.query",
    title="Ask a metrics source for one number",
    args=MetricArgs,
    result=MetricResult,
    effect="read",
    timeout_s=10.0,
)


class HttpProbeArgs(Arguments):
    """What ``http.probe`` takes."""

    url: Annotated[str, Field(description="What is asked, with GET")]
    timeout: Annotated[Duration, Field(description="Longest wait for an answer")] = 5.0


class HttpProbeResult(Result):
    """What ``http.probe`` gives."""

    status: Annotated[int, Field(description="HTTP status")]
    seconds: Annotated[float, Field(description="How long it took")]
    body: Annotated[Any, Field(description="The answer: parsed where it is JSON, else text, capped")] = None


HTTP_PROBE = Contract(
    name="http.probe",
    title="Ask a URL and read its answer",
    args=HttpProbeArgs,
    result=HttpProbeResult,
    effect="read",
    timeout_s=10.0,
)
