"""Which release runs, and whether others may follow it."""

from typing import Annotated

from pydantic import Field

from relight.sdk.capabilities.done import Done
from relight.sdk.plugin import Arguments, Contract, Result


class ServiceArgs(Arguments):
    """What ``deploy.current`` takes."""

    service: Annotated[str, Field(description="The service that is deployed")] = "auth"


class FreezeArgs(Arguments):
    """What ``deploy.freeze`` and ``deploy.unfreeze`` take."""

    service: Annotated[str, Field(description="The service whose deploys stop; all: every one")] = "all"


DEPLOY_FREEZE = Contract(
    name="deploy.freeze",
    title="Stop deploys and autoscalers",
    args=FreezeArgs,
    result=Done,
    idempotent=True,
    key_args=("service",),
    lasting=True,
    timeout_s=30.0,
)


DEPLOY_UNFREEZE = Contract(
    name="deploy.unfreeze",
    title="Let deploys and autoscalers go on",
    args=FreezeArgs,
    result=Done,
    idempotent=True,
    key_args=("service",),
    timeout_s=30.0,
)


class ReleaseArgs(Arguments):
    """What ``deploy.rollback`` and ``deploy.compatible`` take."""

    service: Annotated[str, Field(description="The service that is deployed")] = "auth"
    to: Annotated[str | int, Field(description="A release, or previous")] = "previous"


class RollbackResult(Result):
    """What ``deploy.rollback`` gives."""

    release: Annotated[str | int, Field(description="The release that runs afterwards on every instance")]
    instances: Annotated[int, Field(description="How many instances were moved")] = 0


DEPLOY_ROLLBACK = Contract(
    name="deploy.rollback",
    title="Put a release back on every instance",
    args=ReleaseArgs,
    result=RollbackResult,
    effect="destructive",
    key_args=("service",),
    lasting=True,
    reads_value=True,
    timeout_s=300.0,
)


class CurrentResult(Result):
    """What ``deploy.current`` gives."""

    release: Annotated[str | int, Field(description="The release that every instance runs, or mixed")]
    previous: Annotated[str | int | None, Field(description="The release before it")] = None
    frozen: Annotated[bool, Field(description="Whether deploys are stopped")] = False


DEPLOY_CURRENT = Contract(
    name="deploy.current",
    title="Read which release runs",
    args=ServiceArgs,
    result=CurrentResult,
    effect="read",
    timeout_s=10.0,
)


class CompatibleResult(Result):
    """What ``deploy.compatible`` gives."""

    compatible: Annotated[bool, Field(description="Whether it can read what the newer release wrote")]
    why: Annotated[str, Field(description="What decides it")] = ""


DEPLOY_COMPATIBLE = Contract(
    name="deploy.compatible",
    title="Ask whether a release can run on the data of today",
    args=ReleaseArgs,
    result=CompatibleResult,
    effect="read",
    timeout_s=10.0,
)
