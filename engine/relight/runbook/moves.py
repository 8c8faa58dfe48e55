"""Steps of a plan: what is called, with what, how it is undone, and over which hosts."""

import json
from pathlib import Path
from typing import Any

from relight.kernel.plan import Ramp, Retry, Settle, Step, Targets, Tree, Undo, Use
from relight.runbook import document
from relight.runbook.binding import Binder
from relight.runbook.complaints import did_you_mean
from relight.runbook.inventory import BadInventory, Inventory, limit, read_inventory, sizes
from relight.runbook.offers import MANUAL, WAIT
from relight.runbook.planning import Planning, is_late
from relight.runbook.secrecy import MEND, SAID, is_secret_name, secret_code
from relight.sdk.values import parse_duration

TIMEOUT_MS = 300_000
"""Where neither the step nor its action says how long it may take."""


VARIABLES_MAX = 512 * 1024
"""Bytes of what an inventory says of a step's hosts; a plan is one fact, and a fact has two megabytes."""


class Moves:
    """Makes the steps of a plan."""

    def __init__(self, planning: Planning, binder: Binder) -> None:
        self._planning = planning
        self._binder = binder
        self._inventory = planning.hosts
        self._groups = 0

    def steps(self, written: list[document.Step]) -> tuple[Step, ...]:
        """Return a stage's steps in order; those of a parallel group share a number."""
        found: list[Step | None] = []
        for step in written:
            if step.parallel is None:
                found.append(self._step(step, None))
                continue
            self._groups += 1
            found += [self._step(inner, self._groups) for inner in step.parallel]
        return tuple(step for step in found if step is not None)

    def _step(self, step: document.Step, group: int | None) -> Step | None:
        if step.action == WAIT:
            return self._wait(step, group)
        if step.action == MANUAL:
            return self._manual(step, group)
        if step.probe is not None:
            return self._probe(step, group)
        if step.action is None:
            return self._undoing(step, group)
        return self._action(step, group)

    def _frame(self, step: document.Step, group: int | None) -> dict[str, Any]:
        """Return what every kind of step has."""
        assert step.id is not None
        return {
            "id": step.id,
            "title": step.title or "",
            "when": self._planning.condition(step, "when"),
            "on_failure": step.on_failure,
            "group": group,
        }

    def _wait(self, step: document.Step, group: int | None) -> Step:
        duration = (self._planning.tree(step, "with") or {}).get("duration")
        duration_ms = 0
        at = step.place("with", "duration")
        if is_late(duration):
            hint = "inputs and site are known; what steps and probes say is not"
            self._planning.here.add("RL308", at, "how long it waits must be known in the plan", hint)
        else:
            try:
                duration_ms = parse_duration(str(duration))
            except ValueError as error:
                self._planning.here.add("RL206", at, str(error), "")
        frame = self._frame(step, group)
        return Step(
            **{**frame, "title": frame["title"] or "Wait"}, kind="wait", duration_ms=self._planning.paced(duration_ms)
        )

    def _manual(self, step: document.Step, group: int | None) -> Step:
        instruction = (self._planning.tree(step, "with") or {}).get("instruction", "")
        frame = self._frame(step, group)
        return Step(**{**frame, "title": frame["title"] or "A person's task"}, kind="manual", instruction=instruction)

    def _undoing(self, step: document.Step, group: int | None) -> Step | None:
        undoes = step.undo.step if step.undo else None
        frame = self._frame(step, group)
        return Step(**{**frame, "title": frame["title"] or f"Undo {undoes}"}, kind="undo", undoes=undoes)

    def _probe(self, step: document.Step, group: int | None) -> Step | None:
        use = self._binder.use(step, "probe", probe=True)
        if use is None:
            return None
        frame = self._frame(step, group)
        return Step(
            **{**frame, "title": frame["title"] or use.title},
            kind="probe",
            use=use,
            timeout_ms=self._timeout(step, use),
            retry=_retry(step),
            pass_when=self._planning.condition(step, "pass_when"),
        )

    def _action(self, step: document.Step, group: int | None) -> Step | None:
        moved = {step.ramp.key: step.ramp.through[0]} if step.ramp else {}
        extra = {key: value for key, value in moved.items() if not isinstance(value, str)}
        use = self._binder.use(step, "action", probe=False, effect=step.effect, extra=extra or None)
        if use is None:
            return None
        frame = self._frame(step, group)
        return Step(
            **{**frame, "title": frame["title"] or use.title},
            kind="action",
            use=use,
            timeout_ms=self._timeout(step, use),
            retry=_retry(step),
            settle=self._settle(step.settle) if step.settle else None,
            undo=self._undo(step, use),
            protective=step.protective,
            ramp=self._ramp(step.ramp) if step.ramp else None,
            targets=self._targets(step),
        )

    def _timeout(self, step: document.Step, use: Use) -> int:
        return step.timeout or use.timeout_ms or TIMEOUT_MS

    def _settle(self, settle: document.Settle) -> Settle | None:
        use = self._binder.use(settle, "probe", probe=True)
        done = self._planning.condition(settle, "done_when")
        if use is None or done is None:
            return None
        return Settle(use=use, done_when=done, within_ms=settle.within, interval_ms=settle.interval)

    def _undo(self, step: document.Step, use: Use) -> Undo | None:
        undo = step.undo
        if undo is None:
            return None
        if undo.action is not None:
            other = self._binder.use(undo, "action", probe=False)
            return None if other is None else Undo(kind="use", use=other, ask=undo.ask)
        if not use.reads_value and step.ramp is None:
            message = f"provider {use.provider!r} cannot read what was in force before {use.capability}"
            self._planning.here.add("RL614", step.place("undo"), message, "name what reverses it: undo: {action: …}")
        return Undo(kind="previous", ask=undo.ask)

    def _ramp(self, ramp: document.Ramp) -> Ramp:
        planning = self._planning
        floor = planning.tree(ramp, "floor")
        through: list[Tree] = planning.tree(ramp, "through")
        numbers = [value for value in through if isinstance(value, int | float)]
        for value, path in [(floor, ("floor",)), *((item, ("through", i)) for i, item in enumerate(through))]:
            if not is_late(value) and (isinstance(value, bool) or not isinstance(value, int | float)):
                planning.here.add("RL613", ramp.place(*path), f"this is {value!r} here, not a number", "")
        known = isinstance(floor, int | float) and len(numbers) == len(through)
        if known and max(numbers) <= floor:
            message = f"here no value of this ramp is above its floor, {floor}"
            planning.here.add("RL501", ramp.place("floor"), message, "lower the floor")
        return Ramp(
            key=ramp.key,
            floor=floor,
            through=tuple(through),
            dwell_ms=planning.paced(ramp.dwell),
            checks=tuple(ramp.checks),
            on_failure=ramp.on_failure,
            cool_down_ms=planning.paced(ramp.cool_down),
            max_step_backs=ramp.max_step_backs,
        )

    # ---- fan-out

    def _targets(self, step: document.Step) -> Targets | None:
        group = step.targets
        if group is None:
            return None
        inventory = self._read_inventory(step)
        hosts = inventory.members(group) if inventory is not None else []
        if hosts is None:
            assert inventory is not None
            hint = did_you_mean(group, inventory.groups())
            self._planning.here.add("RL609", step.place("targets"), f"the inventory has no group {group!r}", hint)
            return None
        if inventory is not None and not hosts:
            message = f"the group {group!r} has no hosts"
            self._planning.here.add("RL609", step.place("targets"), message, "add hosts to it in the inventory")
        return Targets(
            group=group,
            hosts=tuple(hosts),
            variables=self._variables(inventory, hosts),
            batches=sizes(step.batches, len(hosts)),
            max_concurrency=step.max_concurrency,
            max_failures=limit(step.max_failures, len(hosts)),
            between=tuple(step.between),
        )

    def _variables(self, inventory: Inventory | None, hosts: list[str]) -> dict[str, dict[str, Any]]:
        """Return what the inventory says of these hosts, without the secrets that are written out there."""
        said = inventory.variables(hosts) if inventory is not None else {}
        targets = self._planning.site.targets
        for host, variables in said.items():
            for name in list(variables):
                named = is_secret_name(name) or name.endswith("_pass")
                code = secret_code(variables[name], named=named)
                if code and targets is not None:
                    text = variables.pop(name)
                    self._planning.there.mask(text)
                    message = f"{name} of host {host} in the inventory is left out of the plan: {SAID[code]}"
                    self._planning.there.add(code, targets.place("inventory"), message, MEND)
        if len(json.dumps(said, default=str)) > VARIABLES_MAX and targets is not None:
            message = f"the inventory says more of {len(said)} hosts than a plan keeps ({VARIABLES_MAX} bytes)"
            self._planning.there.add("RL609", targets.place("inventory"), message, "give hosts only what steps need")
        return said

    def _read_inventory(self, step: document.Step) -> Inventory | None:
        if self._inventory is not None:
            return self._inventory
        targets = self._planning.site.targets
        if targets is None:
            hint = f"add targets: {{inventory: FILE}} to {self._planning.there.source.name}"
            self._planning.here.add("RL609", step.place("targets"), "this site has no targets", hint)
            return None
        path = self._planning.there.source.path
        file = (path.parent if path else Path()) / Path(targets.inventory).expanduser()
        try:
            self._inventory = read_inventory(file)
        except BadInventory as error:
            hint = "its path is relative to the site's document"
            self._planning.there.add("RL609", targets.place("inventory"), f"the inventory {file}: {error}", hint)
            return None
        return self._inventory


def _retry(step: document.Step) -> Retry:
    retry = step.retry
    if retry is None:
        return Retry()
    return Retry(max_attempts=retry.max_attempts, backoff_ms=retry.backoff, max_backoff_ms=retry.max_backoff)
