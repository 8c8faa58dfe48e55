"""Checks and probes of a plan: queries resolved to their sources, inline ones given an id."""

from typing import Any, Literal

from relight.kernel.plan import Check, ExpressionFailed, Precondition, Probe, Verify
from relight.runbook import document
from relight.runbook.binding import Binder, site_tree
from relight.runbook.complaints import did_you_mean
from relight.runbook.expressions import operand
from relight.runbook.planning import Planning
from relight.sdk.capabilities import METRIC_QUERY
from relight.sdk.values import format_duration

_TRIED = (0.0, 0.5, 1.0, 100.0)


class Measures:
    """Gathers the checks and probes of a plan."""

    def __init__(self, planning: Planning, binder: Binder) -> None:
        self._planning = planning
        self._binder = binder
        self.checks: dict[str, Check] = {}
        self.probes: dict[str, Probe] = {}
        for name, probe in planning.runbook.probes.items():
            use = binder.use(probe, "probe", probe=True)
            if use is not None:
                self.probes[name] = Probe(id=name, use=use)
        for name, check in planning.runbook.checks.items():
            made = self._check(name, check)
            if made is not None:
                self.checks[name] = made

    def _check(self, name: str, check: document.Check) -> Check | None:
        planning = self._planning
        passes = planning.criterion(check, "pass_when")
        fails = planning.criterion(check, "fail_when")
        assert passes is not None
        interval_ms = planning.interval(check.interval)
        on_inconclusive: Literal["hold", "wait"] = check.on_inconclusive
        if check.query is None:
            use = self._binder.use(check, "probe", probe=True)
            return (
                None
                if use is None
                else Check(
                    id=name,
                    probe=use,
                    pass_when=passes,
                    fail_when=fails,
                    reads=operand(passes.text),
                    interval_ms=interval_ms,
                    error_limit=check.error_limit,
                    on_inconclusive=on_inconclusive,
                )
            )
        query = planning.site.queries.get(check.query)
        if query is None:
            known = planning.site.queries
            otherwise = f"define it under queries in {planning.there.source.name}"
            hint = did_you_mean(check.query, known, otherwise=otherwise)
            message = f"the site {planning.site.site!r} has no query {check.query!r}"
            planning.here.add("RL606", check.place("query"), message, hint)
            return None
        self._try(check, passes, "pass_when")
        if fails is not None:
            self._try(check, fails, "fail_when")
        return Check(
            id=name,
            query=self.query(check.query),
            pass_when=passes,
            fail_when=fails,
            interval_ms=interval_ms,
            max_age_ms=query.max_age,
            settle_ms=query.window,
            error_limit=check.error_limit,
            on_inconclusive=on_inconclusive,
        )

    def _try(self, check: document.Check, criterion: Any, key: str) -> None:
        """Complain where a criterion fails on every number, now that inputs and site are written into it."""
        why = ""
        for number in _TRIED:
            try:
                if isinstance(criterion.value({"value": number}), bool):
                    return
            except ExpressionFailed as failed:
                why = str(failed)
            else:
                why = "it gives no true or false"
        self._planning.here.add("RL613", check.place(key), f"this fails here: {why}", "look at the inputs' types")

    def query(self, name: str) -> dict[str, Any]:
        """Return a query as drivers ask it; its sources become part of the plan."""
        planning = self._planning
        query = planning.site.queries[name]
        for index, source in enumerate(query.sources):
            plugin = self._binder.plugin(source)
            if plugin is not None and METRIC_QUERY.name not in plugin.provider.contracts():
                message = f"provider {source!r} ({plugin.name}) does not answer {METRIC_QUERY.name}"
                planning.there.add("RL604", query.place("sources", index), message, "name a metrics source")
            self._binder.note(source)
        made: dict[str, Any] = {
            "name": name,
            "promql": site_tree(planning, query, "promql"),
            "sources": list(query.sources),
            "window_ms": query.window,
            "max_age_ms": query.max_age,
        }
        if query.min_volume is not None:
            volume = site_tree(planning, query.min_volume, "promql")
            made["min_volume"] = {"promql": volume, "at_least": query.min_volume.at_least}
        return made

    def precondition(self, item: document.Precondition) -> Precondition | None:
        """Return a precondition; an inline probe becomes a check of its own."""
        name = item.check or self._inline(item)
        return None if name is None else Precondition(check=name)

    def verify(self, item: document.Verify) -> Verify | None:
        """Return a verify item; an inline probe becomes a check of its own."""
        name = item.check or self._inline(item)
        if name is None:
            return None
        for_ms = self._planning.paced(item.for_)
        check = self.checks.get(name)
        if check is not None and item.within < check.settle_ms + for_ms:
            message = (
                f"within {format_duration(item.within)} is over before {name!r} can pass: its query looks back "
                f"{format_duration(check.settle_ms)}, and it must hold for {format_duration(for_ms)}"
            )
            self._planning.here.add("RL616", item.place("within"), message, "lengthen within")
        return Verify(check=name, for_ms=for_ms, within_ms=item.within, ratio=item.ratio)

    def _inline(self, item: document.Precondition) -> str | None:
        use = self._binder.use(item, "probe", probe=True)
        passes = self._planning.criterion(item, "pass_when")
        if use is None or passes is None:
            return None
        base = use.capability.replace(".", "_").replace("-", "_")
        taken = {*self.checks, *self._planning.runbook.checks}
        number = 1
        while (name := base if number == 1 else f"{base}_{number}") in taken:
            same = self.checks.get(name)
            if same is not None and same.probe == use and same.pass_when == passes:
                return name
            number += 1
        self.checks[name] = Check(
            id=name,
            probe=use,
            pass_when=passes,
            reads=operand(passes.text),
            interval_ms=self._planning.interval(5_000),
        )
        return name
