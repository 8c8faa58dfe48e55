"""What users and colleagues are told."""

from typing import Annotated, Literal

from pydantic import Field

from relight.sdk.capabilities.done import Done
from relight.sdk.plugin import Arguments, Contract


class PublishArgs(Arguments):
    """What ``status.publish`` takes."""

    surface: Annotated[str, Field(description="The surface that is spoken of")] = "consumer"
    state: Annotated[Literal["operational", "degraded", "outage", "maintenance"], Field(description="How it is")]
    retry: Annotated[Literal["wait", "safe"], Field(description="Whether clients may try again")] = "wait"
    advice: Annotated[str, Field(description="What users should do")] = ""


STATUS_PUBLISH = Contract(
    name="status.publish",
    title="Publish a surface's state and whether it is safe to retry",
    args=PublishArgs,
    result=Done,
    idempotent=True,
    key_args=("surface",),
    neutral={"state": "operational"},
    lasting=True,
    reads_value=True,
    timeout_s=10.0,
)


class NotifyArgs(Arguments):
    """What ``notify`` takes."""

    to: Annotated[str, Field(description="Who is told: a person, a role or a channel")]
    message: Annotated[str, Field(description="What they are told")]


NOTIFY = Contract(
    name="notify",
    title="Tell somebody something",
    args=NotifyArgs,
    result=Done,
    timeout_s=10.0,
)
