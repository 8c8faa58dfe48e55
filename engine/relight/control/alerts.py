"""What Alertmanager tells: its alerts, cut to what is kept of them, and the rule of a site that one fits.

A label is data: it is matched, or becomes an input whose type is checked, and is never evaluated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from relight.errors import UsageError

if TYPE_CHECKING:
    from relight.control.sites import ServedSite
    from relight.runbook.site_doors import Alert

ALERTS_MAX = 200
"""Alerts of one message; Alertmanager groups fewer."""
LABELS_MAX = 60
LABEL_CHARS_MAX = 500
KEY_CHARS = 12


class Told(NamedTuple):
    """One alert as it was told, cut to what is kept of it."""

    fingerprint: str
    starts_at: str
    firing: bool
    labels: dict[str, str]
    summary: str

    def key_at(self, site: str) -> str:
        """Return what it is known by at *site*: the same each time that it is told of this firing."""
        words = f"{site}\0{self.fingerprint}\0{self.starts_at}"
        return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:KEY_CHARS]


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


def rule_for(site: ServedSite, alert: Told) -> Alert | None:
    """Return the first rule of the site whose labels the alert has."""
    for rule in site.document.alerts:
        if all(alert.labels.get(name) == value for name, value in rule.match.items()):
            return rule
    return None


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
