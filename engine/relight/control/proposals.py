"""What alerts propose: a run with its plan, for a person to begin or to dismiss.

Alertmanager sends the same alert again and again, and of two hundred machines two hundred: what would start the same
run with the same inputs is one proposal, however many alerts say so and however often.
"""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from relight.control.alerts import Told, read_alerts, rule_for
from relight.control.permissions import permit
from relight.control.planning import in_one_sentence
from relight.control.proposed import SHELF
from relight.control.reception import INPUT_CHARS_MAX, NotThere, Reception, Wanted
from relight.control.sites import runbook_path
from relight.control.wording import instant, now_ms
from relight.errors import NotNow, RelightError
from relight.journal.port import Kept

if TYPE_CHECKING:
    from relight.control.identities import Caller
    from relight.control.sites import ServedSite
    from relight.journal.port import Journal
    from relight.runbook.site_doors import Alert

TAKEN = "proposals-taken"
KEPT_MS = 7 * 86_400_000
"""Nobody begins what was proposed a week ago."""
OPEN_MAX = 50
"""Proposals of a site that wait for somebody: nobody reads more, and what still fires later is told again."""
KEPT_MAX = 500
"""Proposals that are kept; the oldest of those that wait for nobody go first."""
ALERTS_OF_ONE_MAX = 1_000
"""Alerts that one proposal stands for by name; the next one makes no difference to anybody."""
_TURN = threading.Lock()
"""Who changes a proposal reads it first: a decision is not written over by an alert of the same moment."""


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
    unmatched = 0
    with _TURN:
        board = _Board(reception.journal)
        for alert in told:
            matches = [(site, rule) for site in sites if (rule := rule_for(site, alert)) is not None]
            unmatched += not matches
            for site, rule in matches:
                board.take(site, rule, alert)
        board.write()
    found = [_shown(board.entries[name]) for name in board.told]
    return {
        "schema": "relight.proposals/v1",
        "proposals": found,
        "unmatched": unmatched,
        "left_out": board.left_out,
    }


def proposals(reception: Reception, caller: Caller) -> dict[str, Any]:
    """Return ``relight.proposals/v1``: what is proposed at the sites that know the caller, the newest first."""
    entries = [_shown(entry) for entry in proposed_at(reception.journal, caller.at)]
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
    entry = _shown(_entry(reception, caller, name, "proposals"))
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
    _change(reception.journal, entry, state="begun", run=run, by=person)
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
    changed = _change(reception.journal, entry, state="dismissed", by=person, reason=reason[:INPUT_CHARS_MAX])
    return _shown(changed)


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


class _Board:
    """All that is proposed, while the alerts of one message are taken in."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.entries = {kept.name: kept.body for kept in journal.kept(SHELF, now_ms())}
        self._of_alert = {key: name for name, entry in self.entries.items() for key in _keys(entry)}
        self._open = {_would_start(entry): name for name, entry in self.entries.items() if entry["state"] == "proposed"}
        self._changed: dict[str, None] = {}
        self.told: dict[str, None] = {}
        self.left_out = 0

    def take(self, site: ServedSite, rule: Alert, alert: Told) -> None:
        """Take one alert in: it is known, it counts towards what is proposed already, or it proposes something."""
        key = alert.key_at(site.name)
        name = self._of_alert.get(key)
        if name is not None:
            self._tell(key, name, firing=alert.firing)
        elif alert.firing:
            entry = _proposed(site, rule, alert, key)
            self._add(key, entry, self._open.get(_would_start(entry)))

    def _tell(self, key: str, name: str, *, firing: bool) -> None:
        entry, keys = self.entries[name], _keys(self.entries[name])
        self.told[name] = None
        if firing or entry["state"] != "proposed" or not keys[key]:
            return
        # One that is over is worth knowing of; when all are, nothing asks for the run any more.
        keys = {**keys, key: False}
        self._write_down({**_counted(entry, keys), "state": "proposed" if any(keys.values()) else "resolved"})

    def _add(self, key: str, entry: dict[str, Any], like: str | None) -> None:
        if like is not None:
            before = self.entries[like]
            keys = _keys(before)
            self.told[like] = None
            if len(keys) < ALERTS_OF_ONE_MAX:
                self._of_alert[key] = like
                self._write_down(_counted(before, {**keys, key: True}))
            return
        if sum(self.entries[name]["site"] == entry["site"] for name in self._open.values()) >= OPEN_MAX:
            self.left_out += 1
            return
        self._of_alert[key] = self._open[_would_start(entry)] = key
        self.told[key] = None
        self._write_down(entry)

    def _write_down(self, entry: dict[str, Any]) -> None:
        self.entries[entry["id"]] = entry
        self._changed[entry["id"]] = None
        if entry["state"] != "proposed":
            self._open.pop(_would_start(entry), None)

    def write(self) -> None:
        """Put what has changed on the shelf, each once, and take the oldest from it where there are too many."""
        for name in self._changed:
            _put(self._journal, self.entries[name])
        over = [name for name, entry in self.entries.items() if entry["state"] != "proposed" and name not in self.told]
        for name in over[: max(0, len(self.entries) - KEPT_MAX)]:
            self._journal.let_go(SHELF, name)


def _proposed(site: ServedSite, rule: Alert, alert: Told, key: str) -> dict[str, Any]:
    taken = {name: alert.labels[label] for name, label in rule.labels.items() if label in alert.labels}
    entry = {
        "id": key,
        "state": "proposed",
        "site": site.name,
        "published": rule.propose,
        "inputs": {**rule.inputs, **taken},
        "missing_labels": sorted(label for label in rule.labels.values() if label not in alert.labels),
        "summary": alert.summary,
        "labels": alert.labels,
        "fingerprint": alert.fingerprint,
        "starts_at": alert.starts_at,
        "proposed_at": instant(now_ms()),
        "command": _command(site, rule.propose, {**rule.inputs, **taken}),
    }
    return _counted(entry, {key: True})


def _would_start(entry: Mapping[str, Any]) -> str:
    return json.dumps([entry["site"], entry["published"], entry["inputs"]], sort_keys=True)


def _keys(entry: Mapping[str, Any]) -> dict[str, bool]:
    """Return the alerts that a proposal stands for, each with whether it still fires."""
    return dict(entry.get("keys") or {entry["id"]: entry["state"] == "proposed"})


def _counted(entry: Mapping[str, Any], keys: Mapping[str, bool]) -> dict[str, Any]:
    return {**entry, "alerts": len(keys), "firing": sum(keys.values()), "keys": dict(keys)}


def _shown(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"alerts": 1, "firing": 1, **{name: value for name, value in entry.items() if name != "keys"}}


def _command(site: ServedSite, name: str, inputs: Mapping[str, Any]) -> str:
    """Return what starts the same from a terminal, with every word quoted: a label is data there too."""
    entry = site.document.published[name]
    words = ["relight", "run", str(runbook_path(site, entry)), "--site", str(site.path)]
    for name, value in {**entry.inputs, **inputs}.items():
        words += ["-i", f"{name}={value}"]
    return shlex.join(words)


def _change(journal: Journal, entry: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    with _TURN:
        now = {kept.name: kept.body for kept in journal.kept(SHELF, now_ms())}.get(entry["id"], entry)
        return _put(journal, {**now, **fields})


def _put(journal: Journal, entry: dict[str, Any]) -> dict[str, Any]:
    now = now_ms()
    journal.keep(Kept(shelf=SHELF, name=entry["id"], at=now, until=now + KEPT_MS, body=entry))
    return entry
