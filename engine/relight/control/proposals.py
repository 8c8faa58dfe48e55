"""What alerts propose: a run with its plan, for a person to begin or to dismiss.

Alertmanager sends the same alert again and again; each time that it fires is one proposal, however often it is told.
A label is data: it is matched, or becomes an input whose type is checked, and is never evaluated.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from relight.control.permissions import permit
from relight.control.planning import in_one_sentence
from relight.control.proposed import SHELF
from relight.control.reception import INPUT_CHARS_MAX, NotThere, Reception, Wanted
from relight.control.sites import runbook_path
from relight.control.wording import instant, now_ms
from relight.errors import NotNow, RelightError, UsageError
from relight.journal.port import Kept

if TYPE_CHECKING:
    from relight.control.identities import Caller
    from relight.control.sites import ServedSite
    from relight.journal.port import Journal
    from relight.runbook.site_doors import Alert

TAKEN = "proposals-taken"
KEPT_MS = 7 * 86_400_000
"""Nobody begins what was proposed a week ago."""
ALERTS_MAX = 200
"""Alerts of one message; Alertmanager groups fewer."""
LABELS_MAX = 60
LABEL_CHARS_MAX = 500
ID_CHARS = 12


class Told(NamedTuple):
    """One alert as it was told, cut to what is kept of it."""

    fingerprint: str
    starts_at: str
    firing: bool
    labels: dict[str, str]
    summary: str


def read_alerts(message: Mapping[str, Any]) -> list[Told]:
    """Return the alerts of an Alertmanager message (version 4).

    Raises:
        UsageError: it is none.
    """
    alerts = message.get("alerts")
    if not isinstance(alerts, Sequence) or isinstance(alerts, str) or len(alerts) > ALERTS_MAX:
        raise UsageError(
            "this is no message of Alertmanager: it has no list of alerts", hint="send version 4 of its webhook"
        )
    return [_told(alert) for alert in alerts]


def propose(reception: Reception, caller: Caller, message: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what the alerts of *message* propose and return ``relight.proposals/v1`` of it.

    Raises:
        UsageError: it is no message of Alertmanager.
        NotPermitted: the caller may not propose at any site that knows them.
        JournalError: it cannot be kept.
    """
    told = read_alerts(message)
    sites = [site for site in reception.sites if site.name in caller.at]
    for site in sites:
        permit(caller.of(site.name), "propose")
    kept: list[dict[str, Any]] = []
    unmatched = 0
    for alert in told:
        matches = [(site, rule) for site in sites if (rule := _rule(site, alert)) is not None]
        unmatched += not matches
        kept += [entry for site, rule in matches if (entry := _keep(reception, site, rule, alert)) is not None]
    return {"schema": "relight.proposals/v1", "proposals": kept, "unmatched": unmatched}


def proposals(reception: Reception, caller: Caller) -> dict[str, Any]:
    """Return ``relight.proposals/v1``: what is proposed at the sites that know the caller, the newest first."""
    entries = [kept.body for kept in reception.journal.kept(SHELF, now_ms()) if kept.body["site"] in caller.at]
    for entry in entries:
        permit(caller.of(entry["site"]), "proposals")
    return {"schema": "relight.proposals/v1", "proposals": entries[::-1]}


def proposed_at(journal: Journal, sites: Collection[str]) -> list[dict[str, Any]]:
    """Return what is proposed at these sites, the oldest first, for whoever shows it to all who are there."""
    return [kept.body for kept in journal.kept(SHELF, now_ms()) if kept.body["site"] in sites]


def proposal(reception: Reception, caller: Caller, name: str) -> dict[str, Any]:
    """Return one proposal with its plan, or with what keeps it from being planned.

    Raises:
        NotThere: there is none of that id.
    """
    entry = _entry(reception, caller, name, "proposals")
    try:
        return {**entry, "plan": reception.plan(caller, _wanted(entry)), "problem": ""}
    except RelightError as error:
        return {**entry, "plan": None, "problem": in_one_sentence(error)}


def begin(reception: Reception, caller: Caller, name: str, *, confirm: str = "", plan_digest: str = "") -> str:
    """Begin what is proposed and return the run's id; of two who begin it at once, one does.

    Raises:
        NotThere: there is none of that id.
        NotNow: it is begun or dismissed already.
        RelightError: as for starting what is published.
    """
    entry = _entry(reception, caller, name, "begin")
    if entry["state"] != "proposed":
        raise NotNow(f"proposal {name} is {entry['state']} already{_by(entry)}", hint="look at the list of runs")
    now = now_ms()
    person = caller.of(entry["site"]).person
    taken = Kept(shelf=TAKEN, name=name, at=now, until=now + KEPT_MS, body={"by": person})
    if not reception.journal.keep(taken, only_new=True):
        raise NotNow(f"somebody begins proposal {name} at this moment", hint="look at the list of runs")
    wanted = _wanted(entry)._replace(confirm=confirm, plan_digest=plan_digest)
    try:
        run = reception.start(caller, wanted)
    except BaseException:
        reception.journal.let_go(TAKEN, name)
        raise
    _put(reception, {**entry, "state": "begun", "run": run, "by": person})
    return run


def dismiss(reception: Reception, caller: Caller, name: str, *, reason: str = "") -> dict[str, Any]:
    """Dismiss a proposal: it stays in the list, with who did and why, and cannot be begun.

    Raises:
        NotThere: there is none of that id.
        NotNow: it is begun or dismissed already.
    """
    entry = _entry(reception, caller, name, "dismiss")
    if entry["state"] != "proposed":
        raise NotNow(f"proposal {name} is {entry['state']} already{_by(entry)}", hint="look at the list of runs")
    person = caller.of(entry["site"]).person
    return _put(reception, {**entry, "state": "dismissed", "by": person, "reason": reason[:INPUT_CHARS_MAX]})


def _entry(reception: Reception, caller: Caller, name: str, verb: str) -> dict[str, Any]:
    for kept in reception.journal.kept(SHELF, now_ms()):
        if kept.name == name and kept.body["site"] in caller.at:
            permit(caller.of(kept.body["site"]), verb)
            return kept.body
    raise NotThere(f"there is no proposal {name[:60]!r}", hint="list the proposals")


def _wanted(entry: Mapping[str, Any]) -> Wanted:
    return Wanted(entry["site"], entry["published"], entry["inputs"])


def _by(entry: Mapping[str, Any]) -> str:
    run = f" as run {entry['run']}" if entry.get("run") else ""
    return f", by {entry['by']}{run}" if entry.get("by") else run


def _told(alert: Any) -> Told:
    if not isinstance(alert, Mapping) or not isinstance(alert.get("labels"), Mapping):
        raise UsageError("an alert of this message has no labels", hint="send version 4 of Alertmanager's webhook")
    labels = {
        name: value
        for name, value in list(alert["labels"].items())[:LABELS_MAX]
        if isinstance(name, str) and isinstance(value, str) and len(name) + len(value) <= LABEL_CHARS_MAX
    }
    words = "\0".join(f"{name}={labels[name]}" for name in sorted(labels))
    fingerprint = alert.get("fingerprint") or hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()
    annotations = alert.get("annotations")
    summary = annotations.get("summary", "") if isinstance(annotations, Mapping) else ""
    return Told(
        fingerprint=str(fingerprint)[:100],
        starts_at=str(alert.get("startsAt", ""))[:100],
        firing=alert.get("status", "firing") == "firing",
        labels=labels,
        summary=summary[:LABEL_CHARS_MAX] if isinstance(summary, str) else "",
    )


def _rule(site: ServedSite, alert: Told) -> Alert | None:
    """Return the first rule of the site whose labels the alert has."""
    for rule in site.document.alerts:
        if all(alert.labels.get(name) == value for name, value in rule.match.items()):
            return rule
    return None


def _keep(reception: Reception, site: ServedSite, rule: Alert, alert: Told) -> dict[str, Any] | None:
    words = f"{site.name}\0{alert.fingerprint}\0{alert.starts_at}"
    name = hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:ID_CHARS]
    known = {kept.name: kept.body for kept in reception.journal.kept(SHELF, now_ms())}
    if name in known or not alert.firing:
        # Told again; or it is over, which is worth knowing of one that is still proposed.
        before = known.get(name)
        if before is None or before["state"] != "proposed" or alert.firing:
            return before
        return _put(reception, {**before, "state": "resolved"})
    missing = sorted(label for label in rule.labels.values() if label not in alert.labels)
    taken = {name: alert.labels[label] for name, label in rule.labels.items() if label in alert.labels}
    entry = {
        "id": name,
        "state": "proposed",
        "site": site.name,
        "published": rule.propose,
        "inputs": {**rule.inputs, **taken},
        "missing_labels": missing,
        "summary": alert.summary,
        "labels": alert.labels,
        "fingerprint": alert.fingerprint,
        "starts_at": alert.starts_at,
        "proposed_at": instant(now_ms()),
        "command": _command(site, rule.propose, {**rule.inputs, **taken}),
    }
    return _put(reception, entry)


def _command(site: ServedSite, name: str, inputs: Mapping[str, Any]) -> str:
    """Return what starts the same from a terminal, with every word quoted: a label is data there too."""
    entry = site.document.published[name]
    words = ["relight", "run", str(runbook_path(site, entry)), "--site", str(site.path)]
    for name, value in {**entry.inputs, **inputs}.items():
        words += ["-i", f"{name}={value}"]
    return shlex.join(words)


def _put(reception: Reception, entry: dict[str, Any]) -> dict[str, Any]:
    now = now_ms()
    reception.journal.keep(Kept(shelf=SHELF, name=entry["id"], at=now, until=now + KEPT_MS, body=entry))
    return entry
