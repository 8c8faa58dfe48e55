"""Sessions that are broken: set aside, never deleted, and brought back."""

from typing import Annotated, Literal

from pydantic import Field

from relight.sdk.plugin import Arguments, Contract, Result
from relight.sdk.values import Share


class FlushArgs(Arguments):
    """What ``sessions.flush`` takes."""

    where: Annotated[Literal["corrupt"], Field(description="Which sessions are moved to quarantine")] = "corrupt"
    batch: Annotated[Share, Field(description="Share of all sessions moved at a time")] = 1.0
    max_share: Annotated[Share, Field(description="Refused before the first is moved if more would be")] = 20.0


class FlushResult(Result):
    """What ``sessions.flush`` gives."""

    moved: Annotated[int, Field(description="Sessions moved to quarantine")]
    seen: Annotated[int, Field(description="Sessions looked at")] = 0


SESSIONS_FLUSH = Contract(
    name="sessions.flush",
    title="Move corrupt sessions to quarantine, never delete them",
    args=FlushArgs,
    result=FlushResult,
    effect="destructive",
    idempotent=True,
    lasting=True,
    timeout_s=600.0,
)


class RestoreArgs(Arguments):
    """What ``sessions.restore`` takes."""

    where: Annotated[
        Literal["all", "valid"], Field(description="Which quarantined sessions come back: all, or those that verify")
    ] = "all"


class RestoreResult(Result):
    """What ``sessions.restore`` gives."""

    restored: Annotated[int, Field(description="Sessions brought back")]
    left: Annotated[int, Field(description="Sessions still in quarantine")] = 0


SESSIONS_RESTORE = Contract(
    name="sessions.restore",
    title="Bring quarantined sessions back",
    args=RestoreArgs,
    result=RestoreResult,
    idempotent=True,
    timeout_s=600.0,
)
