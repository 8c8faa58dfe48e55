"""What every remote door works with: who is there, the runs they may see, and what they may do, all through one table.

A door turns its own words into calls of this and its answers into its own form. Every method is synchronous, may be
called from any thread, and checks first; sites that do not know the caller do not exist for them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from relight.control import handing, identities
from relight.control.beginning import begin_run
from relight.control.finding import find_run
from relight.control.listing import newest_rows, run_entry
from relight.control.permissions import permit, permit_asking
from relight.control.planning import plan_document, planned_or_raise
from relight.control.requests import Asking, Told, about, answer_document, ask, raise_refusal
from relight.control.sites import ServedSite, Sites, published, runbook_path
from relight.control.tracks import Tracks
from relight.control.wording import now_ms
from relight.errors import NotNow, NotPermitted, UsageError
from relight.journal.port import Answer, Kept

if TYPE_CHECKING:
    from relight.control.identities import Caller, Identity
    from relight.journal.port import Journal, Row
    from relight.kernel.plan import Plan
    from relight.runbook.plan import Planned
    from relight.sdk.registry import Registry

ROWS_MAX = 500
"""Runs that a list looks at; older ones are asked for by their id."""
INPUTS_MAX = 100
INPUT_CHARS_MAX = 1_000
KEY_CHARS_MAX = 200
REQUEST_ID_CHARS = 32
STARTS, STARTS_MS = "starts", 86_400_000
"""Where starts are remembered by their key, for a day: longer than anybody repeats one."""


class NotThere(UsageError):
    """There is no such thing for this caller."""


class HookAnswer(NamedTuple):
    """What a part answers to whatever was sent to its hook."""

    status: int
    body: bytes
    kind: str = "text/plain; charset=utf-8"


Hook: TypeAlias = Callable[[bytes, Mapping[str, str]], Awaitable[HookAnswer]]
"""Takes a body and its headers, on the doors' own loop; it has to judge by itself who sent them."""


class Wanted(NamedTuple):
    """What somebody at a door wants to start.

    Attributes:
        confirm: The site's name, typed, where its environment is ``production``.
        plan_digest: The plan that they looked at; another one is not started.
    """

    site: str
    published: str
    inputs: Mapping[str, Any]
    confirm: str = ""
    plan_digest: str = ""


class Reception:
    """The way from a door to the journal.

    Args:
        journal: The doors' own handle; they never wait for a driver's.
        decide_alone: Decides the inbox of a run that nobody drives.

    Attributes:
        health: Tells how the driving half of this process is; whoever puts a serve together sets it.
        report: Is told of a defect that a door met, for the log.
        hooks: What parts take over HTTP, by name; the web door passes it on, where there is one.
    """

    def __init__(
        self, journal: Journal, sites: Sites, registry: Registry, *, decide_alone: Callable[[str], object]
    ) -> None:
        self.journal = journal
        self.sites = sites
        self.tracks = Tracks(journal)
        self.health: Callable[[], dict[str, Any]] = dict
        self.report: Callable[[str, BaseException], None] = lambda _what, _error: None
        self.hooks: dict[str, Hook] = {}
        self._registry = registry
        self._decide_alone = decide_alone

    # ---- who is there

    def caller_with(self, secret: str, *, door: str) -> Caller:
        """Return whose secret it is; see :func:`relight.control.identities.caller_with`."""
        return identities.caller_with(secret, self.sites, door=door)

    def caller_at(self, door: str, *ids: str, proof: str) -> Caller:
        """Return who has one of these ids at that door."""
        return identities.caller_at(door, ids, self.sites, proof=proof)

    def me(self, caller: Caller) -> dict[str, Any]:
        """Return ``relight.me/v1``: who the caller is at which site, and what they may do there."""
        sites = [
            {
                "site": site,
                "person": who.person,
                "kind": who.kind,
                "roles": list(who.roles),
                "may": sorted(who.may) if who.may is not None else None,
                "proof": who.proof,
            }
            for site, who in sorted(caller.at.items())
        ]
        return {"schema": "relight.me/v1", "door": caller.door, "sites": sites}

    # ---- reading

    def runs(self, caller: Caller, *, unfinished: bool = False, limit: int = 50) -> dict[str, Any]:
        """Return the runs of the sites that know the caller."""
        rows = [
            row
            for row in newest_rows(self.journal, limit=ROWS_MAX)
            if self._may(caller, row.site, "runs") and not (unfinished and row.ended_at is not None)
        ]
        return {"schema": "relight.runs/v1", "runs": [run_entry(row) for row in rows[:limit]]}

    def row(self, caller: Caller, name: str, verb: str) -> Row:
        """Return the run called *name*, which the caller may *verb*.

        Raises:
            NotThere: there is none, or it is of a site that does not know them.
            NotPermitted: they may not.
        """
        try:
            row = find_run(self.journal, name)
        except UsageError as error:
            raise NotThere(f"there is no run {name!r}, or more than one", hint="list the runs") from error
        if row.site not in caller.at:
            raise NotThere(f"there is no run {name!r}, or more than one", hint="list the runs")
        permit(caller.of(row.site), verb)
        return row

    def status(self, caller: Caller, name: str) -> dict[str, Any]:
        """Return ``relight.run/v1``."""
        return self.tracks.status(self.row(caller, name, "status").run)

    def status_of(self, run: str) -> dict[str, Any]:
        """Return ``relight.run/v1`` of a run that the caller has just made."""
        return self.tracks.status(run)

    def why(self, caller: Caller, name: str) -> dict[str, Any]:
        """Return ``relight.why/v1``."""
        from relight.control.why import why_document

        return why_document(self.tracks.status(self.row(caller, name, "why").run))

    def log(self, caller: Caller, name: str, *, after: int = 0, limit: int = 500) -> dict[str, Any]:
        """Return ``relight.log/v1``: the records above number *after*, at most *limit*."""
        row = self.row(caller, name, "log")
        entries = self.tracks.log(row.run, after=after, limit=limit)
        return {"schema": "relight.log/v1", "run": row.run, "records": entries}

    def effects(self, caller: Caller, name: str = "") -> dict[str, Any]:
        """Return ``relight.effects/v1``: of one run, or of every one that the caller may see."""
        from relight.control.effects import effects_document
        from relight.control.showing import effects_of

        if name:
            rows = [self.row(caller, name, "effects")]
        else:
            rows = [row for row in newest_rows(self.journal, limit=ROWS_MAX) if self._may(caller, row.site, "effects")]
        entries = [entry for row in rows for entry in effects_of(self.journal, row, self.tracks.run(row.run))]
        return effects_document(entries, run=rows[0].run if name else None)

    # ---- deciding

    def ask(self, caller: Caller, name: str, asking: Asking, *, key: str = "") -> dict[str, Any]:
        """Ask something of a run and return ``relight.answer/v1``.

        Args:
            key: The door's own name for this very request; the same again gets the first one's answer.

        Raises:
            NotThere: there is no such run for the caller.
            NotPermitted: it is not theirs to ask.
            NotNow, UsageError: it does not fit the moment, or means nothing.
            Locked: nobody answers; the request stays in the inbox.
        """
        row = self.row(caller, name, asking.verb)
        who = caller.of(row.site)
        permit_asking(who, asking)
        if asking.verb == "resume" and (driver := self._taken_over(row, who)):
            told = Told(Answer(request="", ok=True, text=f"{driver} drives it now"), who.person, False)
            return answer_document(row, about(self.journal, row.run).environment, asking, told)
        told = ask(
            self.journal,
            row,
            asking,
            person=who.person,
            door=who.door,
            proof=who.proof,
            decide_alone=lambda: self._decide_alone(row.run),
            request_id=_request_id(who, row.run, asking, key),
        )
        self._raise_refusal(row.run, told)
        return answer_document(row, about(self.journal, row.run).environment, asking, told)

    def _taken_over(self, row: Row, who: Identity) -> str:
        """Hand a run whose driver is gone to a serve, and return its driver; empty where there is one, or a pause.

        Raises:
            NotNow: no serve takes it.
        """
        lease = self.journal.lease(row.run)
        if (lease is not None and lease.alive) or row.ended_at is not None or self.tracks.run(row.run).paused:
            return ""
        driver = handing.taken_by(self.journal, row.run, row.site, by=f"{who.door} of {who.person}")
        if not driver:
            raise NotNow(f"no serve takes run {row.run}", hint=f"on the host: relight resume {row.run}")
        return driver

    def _raise_refusal(self, run: str, told: Told) -> None:
        """Raise what the driver refused, as what it was: not theirs, not now, or nothing that can be asked."""
        if told.answer.ok:
            return
        message, _, hint = told.answer.text.partition("\n")
        if told.answer.code == UsageError.exit_code:
            raise UsageError(message, hint=hint)
        if told.answer.code != NotNow.exit_code:
            raise_refusal(told)
        for record in self.journal.records(run, kinds=("request_refused",)):
            fact = json.loads(record.body)
            if fact.get("request") == told.answer.request and not fact.get("permitted", True):
                raise NotPermitted(message, hint=hint)
        raise NotNow(message, hint=hint)

    # ---- starting

    def published(self, caller: Caller) -> dict[str, Any]:
        """Return ``relight.published/v1``: what the caller could start, and where."""
        entries = [
            {
                "site": site.name,
                "environment": site.document.environment,
                "published": name,
                "runbook": entry.runbook,
                "title": entry.title,
                "roles": list(entry.roles),
                "may_start": self._may(caller, site.name, "run") and _has_role(caller.of(site.name), entry.roles),
                "inputs": self._inputs(site, name),
            }
            for site in self.sites
            if self._may(caller, site.name, "published")
            for name, entry in sorted(site.document.published.items())
        ]
        return {"schema": "relight.published/v1", "published": entries}

    def plan(self, caller: Caller, wanted: Wanted) -> dict[str, Any]:
        """Return ``relight.plan/v1`` of what would be started; nothing is changed.

        Raises:
            UsageError, NotPermitted, RunbookError: it cannot be planned, or not by them.
        """
        site = self._site(caller, wanted.site, "plan")
        who = caller.of(site.name)
        planned = self._planned(site, wanted, who)
        planned_or_raise(planned)
        return plan_document(planned, who.person, None, self.journal)

    def start(self, caller: Caller, wanted: Wanted, *, verb: str = "run", key: str = "") -> str:
        """Start a published runbook, hand it to whatever serves, and return the run's id.

        Args:
            key: The door's own name for this very start; the same again gets the first one's run.

        Raises:
            UsageError: there is no such site, runbook or input, or the site's name was not given.
            NotPermitted: it is not theirs to start.
            RunbookError: it cannot be planned.
            NotNow: it is not the plan that they looked at.
            Locked: another run claims the same.
        """
        site = self._site(caller, wanted.site, verb)
        who = caller.of(site.name)
        entry = published(site, wanted.published)
        if not _has_role(who, entry.roles):
            raise NotPermitted(
                f"{who.shown} may not start {wanted.published}: it takes {' or '.join(entry.roles)}",
                hint="ask somebody who holds that role",
            )
        plan: Plan = planned_or_raise(self._planned(site, wanted, who))
        if plan.environment == "production" and wanted.confirm != site.name:
            raise UsageError(
                f"{site.name} is production: its name has to be typed", hint=f"give confirm: {site.name!r}"
            )
        if wanted.plan_digest and not plan.digest.startswith(wanted.plan_digest):
            raise NotNow("the plan is not the one that you looked at; nothing was started", hint="look at it again")
        return self._once(who, key, lambda: self._begin(plan, who))

    def _begin(self, plan: Plan, who: Identity) -> str:
        begun = begin_run(self.journal, plan, starter=who.person, door=who.door)
        handing.offer(self.journal, begun.id, by=f"{who.door} of {who.person}")
        return begun.id

    def _once(self, who: Identity, key: str, begin: Callable[[], str]) -> str:
        """Begin a run, unless the same person has begun one by the same key before: then return that one."""
        if not key:
            return begin()
        now = now_ms()
        name = _digest(who.door, who.person, key[:KEY_CHARS_MAX])
        mark = Kept(shelf=STARTS, name=name, at=now, until=now + STARTS_MS, body={"run": ""})
        if not self.journal.keep(mark, only_new=True):
            run = next((kept.body["run"] for kept in self.journal.kept(STARTS, now) if kept.name == name), "")
            if not run:
                raise NotNow("the same start is under way at this moment", hint="look at the list of runs")
            return str(run)
        try:
            run = begin()
        except BaseException:
            self.journal.let_go(STARTS, name)
            raise
        self.journal.keep(replace(mark, body={"run": run}))
        return run

    def _planned(self, site: ServedSite, wanted: Wanted, who: Identity) -> Planned:
        from relight.runbook.plan import prepare_plan

        entry = published(site, wanted.published)
        inputs = checked_inputs(wanted.inputs)
        if fixed := sorted(set(inputs) & set(entry.inputs)):
            raise UsageError(
                f"{wanted.published} fixes the input {fixed[0]}", hint="leave it out; the site's document sets it"
            )
        return prepare_plan(
            runbook_path(site, entry),
            site.path,
            {**entry.inputs, **inputs},
            starter=who.person,
            registry=self._registry,
        )

    def _inputs(self, site: ServedSite, name: str) -> list[dict[str, Any]] | None:
        from relight.control.forms import inputs_of

        return inputs_of(site, published(site, name))

    def _site(self, caller: Caller, name: str, verb: str) -> ServedSite:
        if name not in caller.at:
            known = ", ".join(sorted(caller.at))
            raise UsageError(f"there is no site {name!r} here for you", hint=f"sites that know you are: {known}")
        permit(caller.of(name), verb)
        return self.sites.get(name)

    def _may(self, caller: Caller, site: str, verb: str) -> bool:
        try:
            permit(caller.of(site), verb)
        except NotPermitted:
            return False
        return True

    def serves(self) -> list[dict[str, Any]]:
        """Return the serves that live on this journal."""
        return [serve._asdict() for serve in handing.alive(self.journal, now_ms())]


def checked_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs that are few and small enough to be planned with.

    Raises:
        UsageError: they are not.
    """
    if len(inputs) > INPUTS_MAX:
        raise UsageError(f"{len(inputs)} inputs are more than a runbook takes", hint="give only those it names")
    for name, value in inputs.items():
        if not isinstance(value, str | int | float | bool):
            raise UsageError(f"input {name[:60]} is neither text nor a number", hint="give one plain value")
        if isinstance(value, str) and len(value) > INPUT_CHARS_MAX:
            raise UsageError(f"input {name[:60]} is longer than {INPUT_CHARS_MAX} characters", hint="shorten it")
    return dict(inputs)


def _has_role(who: Identity, roles: list[str]) -> bool:
    return not roles or bool(set(roles) & set(who.roles))


def _request_id(who: Identity, run: str, asking: Asking, key: str) -> str:
    if not key:
        return ""
    return _digest(who.door, who.person, run, *asking, key[:KEY_CHARS_MAX])


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:REQUEST_ID_CHARS]
