"""A simulation as the scene of a rehearsal: it plays what it knows, and all else is assumed to go well."""

from collections.abc import Callable, Mapping
from typing import Any

from relight.drivers.rehearsal.calm import Calm
from relight.drivers.rehearsal.scene import Doing, End, Seen
from relight.kernel.intents import Perform, ReadProbe
from relight.kernel.plan import Check
from relight.kernel.state import Run
from relight.sdk.capabilities import MetricResult
from relight.sdk.made_up import validated
from relight.sdk.plugin import Contract, Failed, OutcomeUnknown, Result
from relight.sdk.simulation import Simulation, Work


class Simulated:
    """Plays a *simulation* over the calm scene."""

    def __init__(self, simulation: Simulation, below: Calm) -> None:
        self.simulation = simulation
        self._below = below
        self._plays: dict[str, Contract] = {contract.name: contract for contract in simulation.plays}

    def pass_until(self, t: int) -> int:
        """Let time pass in the simulation until then, or until something ends."""
        return min(self.simulation.advance(t), t)

    def begin(self, act: Perform, run: Run) -> Doing:
        """Begin the action there."""
        contract = self._plays.get(act.use.action)
        if contract is None:
            return self._below.begin(act, run)
        try:
            args = validated(contract, act.args)
        except Failed as failure:
            why = failure.message
            return Doing(end=lambda: End(word="failed", error=why, retry=False), takes_ms=0)
        work = self.simulation.begin(contract.name, args, key=act.key, targets=act.targets)
        return Doing(end=lambda: _ended(work, act), over=lambda: work.outcome is not None, stop=work.stop)

    def read(self, reading: ReadProbe, run: Run) -> Seen:
        """Answer a probe, or say what is in force there."""
        contract = self._plays.get(reading.use.action)
        if contract is None:
            return self._below.read(reading, run)
        if reading.value_in_force:
            return self._seen(contract, reading.args, lambda args: self.simulation.in_force(contract.name, args))
        return self._seen(contract, reading.args, lambda args: _json(self.simulation.read(contract.name, args)))

    def sample(self, check: Check, run: Run) -> Seen:
        """Answer a check's query as a source would, or its probe."""
        if check.probe is not None:
            contract = self._plays.get(check.probe.action)
            if contract is None:
                return self._below.sample(check, run)
            return self._seen(contract, check.probe.args, lambda args: _json(self.simulation.read(contract.name, args)))
        return self._metric(check, check.query or {})

    def _metric(self, check: Check, query: Mapping[str, Any]) -> Seen:
        metric = self.simulation.query(str(query.get("name", "")), str(query.get("promql", "")))
        if metric.kind != "value" or metric.value is None:
            return Seen(error=f"{metric.kind} {metric.detail}".strip())
        age_ms = 0 if metric.at is None else max(0, self.simulation.now_ms - round(metric.at * 1_000))
        if age_ms > check.max_age_ms:
            return Seen(error=f"stale, {age_ms / 1_000:.0f} s old")
        volume = query.get("min_volume")
        if volume:
            there = self.simulation.query("", str(volume["promql"]))
            if there.kind != "value" or there.value is None:
                return Seen(error=f"volume: {there.kind} {there.detail}".strip())
            if there.value < volume["at_least"]:
                return Seen(error=f"volume {there.value:g} is below {volume['at_least']:g}")
        return Seen(metric.value, age_ms=age_ms, stamp=_stamp(metric))

    def _seen(self, contract: Contract, args: Mapping[str, Any], read: Callable[[Any], Any]) -> Seen:
        try:
            return Seen(read(validated(contract, args)))
        except Failed as failure:
            return Seen(error=failure.message)


def _ended(work: Work, act: Perform) -> End:
    """Return what became of a piece of work; asked before it is over, it is still under way."""
    outcome = work.outcome
    if isinstance(outcome, Result):
        return End(result=_json(outcome), targets=dict.fromkeys(act.targets))
    if isinstance(outcome, Failed):
        after = outcome.retry_after_s
        hosts = {host: outcome.targets.get(host) for host in act.targets} if outcome.targets else {}
        return End(
            word="failed",
            error=outcome.message,
            retry=outcome.retry,
            retry_after_ms=None if after is None else round(after * 1_000),
            targets=hosts,
        )
    return End(word="unknown", error=str(outcome) if isinstance(outcome, OutcomeUnknown) else "it is under way")


def _json(result: Result) -> Any:
    return result.model_dump(mode="json")


def _stamp(metric: MetricResult) -> str:
    return f"@{metric.at}" if metric.at is not None else ""
