"""One call a host, so many at a time, and what became of each.

What does not belong here: batches, what the failure limit is, and what follows (the kernel's).
"""

import asyncio
from collections.abc import Callable, Iterator

from relight.drivers.live.intake import Intake
from relight.drivers.live.outcomes import Outcome, called
from relight.kernel.plan import Effect
from relight.sdk import Action, Call, Probe

NOT_BEGUN = "not begun: it was stopped before"


class FanOut:
    """The hosts of one slice, and what was heard of each."""

    def __init__(
        self, kind: Action | Probe, hosts: tuple[str, ...], effect: Effect, intake: Intake, *, failures_max: int = 0
    ) -> None:
        self._failures_max = failures_max
        self._failures = 0
        self._kind = kind
        self._hosts = hosts
        self._effect = effect
        self._intake = intake
        self._begun: set[str] = set()
        self._heard: dict[str, str | None] = {}
        self._why: dict[str, str] = {}

    async def over(self, call_for: Callable[[str], Call], at_once: int) -> Outcome:
        """Call it for every host, until so many have failed that no other is begun.

        A cancellation ends what is under way and is an outcome too: who was not begun has certainly failed.
        """
        waiting = iter(self._hosts)
        workers = [self._work(waiting, call_for) for _ in range(min(max(at_once, 1), len(self._hosts)))]
        try:
            await asyncio.gather(*workers)
        except asyncio.CancelledError:
            return self._outcome(stopped=True)
        return self._outcome(stopped=False)

    async def _work(self, waiting: Iterator[str], call_for: Callable[[str], Call]) -> None:
        for host in waiting:
            if self._failures_max and self._failures >= self._failures_max:
                return
            self._begun.add(host)
            outcome = await called(self._kind, call_for(host), self._effect, self._intake, drop_result=True)
            if outcome.word == "unknown":
                self._why[host] = outcome.error
            else:
                self._heard[host] = outcome.error if outcome.word == "failed" else None
                self._failures += outcome.word == "failed"

    def _outcome(self, *, stopped: bool) -> Outcome:
        heard = dict(self._heard)
        if stopped:
            for host in self._hosts:
                if host not in self._begun:
                    heard[host] = NOT_BEGUN
                elif host not in heard and self._effect == "read":
                    heard[host] = "stopped"
        untouched = tuple(host for host in self._hosts if host not in heard and host not in self._begun)
        lost = [host for host in self._hosts if host not in heard and host in self._begun]
        if lost:
            why = self._why.get(lost[0], "stopped")
            error = f"unknown on {len(lost)} of {len(self._hosts)} hosts, {lost[0]}: {why}"
            return Outcome(word="unknown", error=error, targets=heard, untouched=untouched)
        failed = [host for host, error in heard.items() if error is not None]
        if failed:
            error = f"failed on {len(failed)} of {len(self._hosts)} hosts, {failed[0]}: {heard[failed[0]]}"
            return Outcome(word="failed", error=error, targets=heard, untouched=untouched)
        return Outcome(word="succeeded", targets=heard)
