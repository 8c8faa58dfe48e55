"""How many people are let in."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from relight.sdk.plugin import Arguments, Contract, Result
from relight.sdk.values import Duration, Percent, Rate


class RetryAfter(Arguments):
    """The jitter of a Retry-After, so that those who were sent away do not come back together."""

    min: Annotated[Duration, Field(description="Shortest wait told to a refused client")] = 30.0
    max: Annotated[Duration, Field(description="Longest wait told to a refused client")] = 90.0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            raise ValueError("min is longer than max")
        return self


class ThrottleArgs(Arguments):
    """What ``admission.throttle`` takes."""

    surface: Annotated[str, Field(description="The surface whose new sessions are admitted or refused")] = "consumer"
    percent: Annotated[Percent | None, Field(description="Share of new sessions admitted; left out: unchanged")] = None
    max_rate: Annotated[Rate | None, Field(description="Most sessions a second, or none; left out: unchanged")] = None
    retry_after: Annotated[RetryAfter | None, Field(description="Jittered Retry-After that refused clients get")] = None


class ThrottleResult(Result):
    """What ``admission.throttle`` gives."""

    percent: Annotated[float, Field(description="Share admitted, as the edge says afterwards")]
    max_rate: Annotated[Rate, Field(description="Rate limit, as the edge says afterwards")]


ADMISSION_THROTTLE = Contract(
    name="admission.throttle",
    title="Admit only a share of new sessions, and only so many a second",
    args=ThrottleArgs,
    result=ThrottleResult,
    idempotent=True,
    key_args=("surface",),
    neutral={"percent": 100, "max_rate": "none"},
    lasting=True,
    reads_value=True,
    timeout_s=30.0,
)
