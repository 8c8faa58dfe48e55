"""The actions under way: begun, heard of, stopped, and if need be given up with their processes killed.

Each dispatch is one task. However it ends, exactly one report of it is told, except that one which was given up may
still be heard of later: that settles it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from relight.drivers.live.board import Board
from relight.drivers.live.clock import RunClock
from relight.drivers.live.fanout import FanOut
from relight.drivers.live.intake import Intake
from relight.drivers.live.orphans import marker
from relight.drivers.live.outcomes import Outcome, Refused, called, prepared, unexpected
from relight.drivers.live.providers import Providers
from relight.drivers.live.tasks import Tasks
from relight.errors import SecretError
from relight.kernel.inputs import Reported
from relight.kernel.intents import Perform, Stop
from relight.sdk import Action, Call, Probe, TargetHost
from relight.sdk.process_tree import end_marked
from relight.sdk.secrets import REFERENCE, Secret, Secrets

GRACE_S = 10.0
"""Seconds between being asked to stop and being killed, as promised to plugins and people alike."""
REPORT_BEFORE_MS = 500
"""How long before its end the kernel hears of a stop: so that it hears of it and does not have to guess."""
LAST_WORD_S = 0.3
"""What a plugin gets to notice that its processes were killed under it, before it is given up."""


@dataclass(slots=True, eq=False)
class _Dispatch:
    intent: Perform
    marker: dict[str, str]
    task: asyncio.Task[None] = field(init=False)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopping: bool = False
    told: bool = False


def _revealed(secrets: Secrets, said: dict[str, Any]) -> dict[str, Any]:
    return {
        name: secrets.reveal(Secret(value)) if isinstance(value, str) and REFERENCE.fullmatch(value) else value
        for name, value in said.items()
    }


class Calls:
    """Performs and stops dispatches of one run."""

    def __init__(
        self,
        run: str,
        providers: Providers,
        intake: Intake,
        board: Board,
        clock: RunClock,
        tasks: Tasks,
        tell: Callable[[Reported], None],
    ) -> None:
        self._run = run
        self._providers = providers
        self._intake = intake
        self._board = board
        self._clock = clock
        self._tasks = tasks
        self._tell = tell
        self._under_way: dict[int, _Dispatch] = {}
        self._closed = False

    def start(self, intent: Perform) -> None:
        """Begin it."""
        dispatch = self._under_way[intent.dispatch] = _Dispatch(intent, marker(self._run, intent.dispatch))
        dispatch.task = self._tasks.begin(self._perform(dispatch))

    def stop(self, intent: Stop) -> None:
        """Ask it to end, and see to it that it does."""
        dispatch = self._under_way.get(intent.dispatch)
        if dispatch is None:
            self._report(intent.dispatch, Outcome(word="unknown", error="it is not under way in this driver"))
            return
        within_s = max(intent.until_t - REPORT_BEFORE_MS - self._clock.t(), 0) / 1_000
        self._tasks.begin(self._reap(dispatch, within_s))

    async def close(self, grace_s: float) -> None:
        """End everything within *grace_s* and tell nobody: whoever takes over knows what had no report."""
        self._closed = True
        left = list(self._under_way.values())
        if left:
            await asyncio.gather(*(self._end(dispatch, grace_s) for dispatch in left))

    # ---- one dispatch

    async def _perform(self, dispatch: _Dispatch) -> None:
        intent = dispatch.intent
        try:
            kind, args = prepared(self._providers, intent.use, intent.args)
            dispatch.variables = self._variables(intent)
            outcome = await self._call(dispatch, kind, args)
        except Refused as refusal:
            outcome = Outcome(word="failed", error=self._intake.text(refusal.message), retry=False)
        except asyncio.CancelledError:
            # The task's own end: a cancellation that reached the plugin goes no further than here.
            why = "stopped" if dispatch.stopping or self._closed else "cancelled itself"
            outcome = unexpected(intent.use.effect, f"{why} while it was under way")
        self._under_way.pop(intent.dispatch, None)
        self._board.finished(intent.step)
        if not (dispatch.told and outcome.word == "unknown"):
            dispatch.told = True
            self._report(intent.dispatch, outcome)

    async def _call(self, dispatch: _Dispatch, kind: Action | Probe, args: object) -> Outcome:
        intent = dispatch.intent
        if intent.targets and not kind.contract.batch:
            fan = FanOut(kind, intent.targets, intent.use.effect, self._intake, failures_max=intent.failures_max)
            return await fan.over(
                lambda host: self._call_for(dispatch, args, f"{intent.key}/{host}", (host,)), intent.max_concurrency
            )
        call = self._call_for(dispatch, args, intent.key, intent.targets)
        return await called(kind, call, intent.use.effect, self._intake)

    def _call_for(self, dispatch: _Dispatch, args: object, key: str, hosts: tuple[str, ...]) -> Call:
        intent = dispatch.intent
        return Call(
            args=args,
            key=key,
            run=self._run,
            marker=dispatch.marker,
            deadline_s=max(intent.deadline_t - self._clock.t(), 0) / 1_000,
            grace_s=GRACE_S,
            targets=tuple(TargetHost(name=host, variables=dispatch.variables.get(host, {})) for host in hosts),
            progress=lambda text: self._progress(intent.step, text),
            secrets=self._providers.secrets,
        )

    def _variables(self, intent: Perform) -> dict[str, dict[str, Any]]:
        """Return what the inventory says of the hosts, references resolved.

        Raises:
            Refused: one cannot be; nothing was called.
        """
        try:
            return {host: _revealed(self._providers.secrets, said) for host, said in intent.variables.items()}
        except SecretError as missing:
            raise Refused(f"a variable of its hosts: {missing.message}; {missing.hint}".rstrip("; ")) from None

    # ---- ending

    async def _reap(self, dispatch: _Dispatch, within_s: float) -> None:
        await self._end(dispatch, within_s)
        if dispatch.told:
            return
        dispatch.told = True
        self._under_way.pop(dispatch.intent.dispatch, None)
        if dispatch.task.done():  # it was cancelled before its first line
            outcome = Outcome(word="failed", error="stopped before it began")
        else:
            given_up = "it ignored the request to stop and was given up; its processes were killed"
            outcome = unexpected(dispatch.intent.use.effect, given_up)
        self._report(dispatch.intent.dispatch, outcome)

    async def _end(self, dispatch: _Dispatch, within_s: float) -> None:
        dispatch.stopping = True
        dispatch.task.cancel()
        await asyncio.wait({dispatch.task}, timeout=within_s)
        # Also when the plugin went quietly: a child that left its group may have stayed.
        await end_marked(dispatch.marker, 0.0)
        await asyncio.wait({dispatch.task}, timeout=LAST_WORD_S)

    # ---- telling

    def _report(self, dispatch: int, outcome: Outcome) -> None:
        if self._closed:
            return
        self._tell(
            Reported(
                at=self._clock.at(),
                t=self._clock.t(),
                dispatch=dispatch,
                outcome=outcome.word,
                result=outcome.result,
                error=outcome.error,
                retry=outcome.retry,
                retry_after_ms=outcome.retry_after_ms,
                targets=dict(outcome.targets),
                untouched=outcome.untouched,
            )
        )

    def _progress(self, step: str, text: str) -> None:
        if not self._closed:
            self._board.progress(step, text, self._clock.at())
