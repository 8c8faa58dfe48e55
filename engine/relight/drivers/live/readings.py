"""One reading of the world: a probe's answer, a check's, or the value in force of an action.

A reading never raises and never takes longer than it may; what went wrong is its error.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relight.drivers.live.intake import Intake, Unkeepable
from relight.drivers.live.orphans import READING, marker
from relight.drivers.live.outcomes import Refused, prepared, said_by
from relight.drivers.live.providers import Providers
from relight.kernel.plan import Json, Use
from relight.sdk import Action, Call, Failed, Probe

GRACE_S = 2.0
"""Seconds a probe's children get to end: they only read, so little is lost with them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read; *error* says why nothing was."""

    value: Json = None
    error: str = ""


class Reader:
    """Reads through a run's providers."""

    def __init__(self, run: str, providers: Providers, intake: Intake) -> None:
        self._run = run
        self._providers = providers
        self._intake = intake
        self._marker = marker(run, READING)

    async def read(self, use: Use, args: Mapping[str, Any], timeout_s: float, *, in_force: bool = False) -> Answer:
        """Return what *use* answers; with *in_force*, what brings back the value that is in force now."""
        try:
            kind, validated = prepared(self._providers, use, args)
        except Refused as refusal:
            return Answer(error=self._intake.text(refusal.message))
        call = Call(
            args=validated,
            run=self._run,
            marker=self._marker,
            deadline_s=timeout_s,
            grace_s=GRACE_S,
            secrets=self._providers.secrets,
        )
        asking = asyncio.ensure_future(_given(kind, call, in_force=in_force))
        try:
            # Not asyncio.timeout: a probe that ignores being cancelled would keep us waiting for ever.
            await asyncio.wait({asking}, timeout=timeout_s)
        finally:
            asking.cancel()
        if not asking.done():
            asking.add_done_callback(_forgotten)
            return Answer(error=f"{use.capability} gave no answer within {timeout_s:g} s")
        try:
            return Answer(self._intake.reading(asking.result()))
        except asyncio.CancelledError:
            return Answer(error=f"{use.capability} cancelled itself")
        except Failed as failure:
            return Answer(error=self._intake.text(failure.message))
        except Unkeepable as why:
            return Answer(error=f"{use.capability} answered something that cannot be kept: {why}")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise whatever it likes
            return Answer(error=self._intake.text(f"{use.capability}: {said_by(error)}"))


def _forgotten(asking: "asyncio.Future[Any]") -> None:
    """Look at what came too late, so that nobody complains that nobody did."""
    if not asking.cancelled():
        asking.exception()


async def _given(kind: Action | Probe, call: Call, *, in_force: bool) -> Any:
    if isinstance(kind, Probe):
        return (await kind.read(call)).model_dump(mode="json")
    if not in_force:
        raise Failed(f"{kind.contract.name} is an action and no probe")
    return await kind.in_force(call)
