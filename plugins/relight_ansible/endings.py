"""What a report means: hosts that failed, hosts that were not reached, and hosts that nobody asked.

``ansible-playbook`` says 0 when a play matches no host, and says nothing of hosts that an earlier batch kept waiting.
"""

import json
from collections.abc import Sequence
from typing import Any

from relight.sdk import Failed, OutcomeUnknown, TargetHost, fit, one_line
from relight_ansible.arguments import AnsibleResult, HostResult

DATA_MAX = 2 * 1024
DETAILS_MAX = 5 * 1024
"""Bytes of JSON that results of single hosts may take together; then they are left out."""
_NAMED_MAX = 3


def judge(report: dict[str, Any], targets: Sequence[TargetHost], *, checked: bool) -> AnsibleResult:
    """Return the result of a run that went well on every host.

    Raises:
        Failed: on some host it did not; the failure says which and why.
        OutcomeUnknown: it was ended in the middle.
    """
    status, hosts = report.get("status"), report.get("hosts") or {}
    if status == "missing":
        raise Failed("ansible-runner is not installed: pip install 'relight[ansible]'", retry=False)
    if status in {"canceled", "timeout"}:
        raise OutcomeUnknown("ansible was ended from outside; what it had started on hosts may go on")
    if status != "successful" and not hosts:
        raise Failed(f"ansible did not start: {_last_words(report)}", retry=False)
    _judge_hosts(hosts, targets)
    if status != "successful":
        raise OutcomeUnknown(f"ansible broke off: {_last_words(report)}")
    if not hosts:
        raise Failed("no host matches, so nothing was done", retry=False)
    return _result(hosts, report.get("data") or {}, checked=checked)


def _judge_hosts(hosts: dict[str, Any], targets: Sequence[TargetHost]) -> None:
    failed = {}
    for name, host in hosts.items():
        if host["state"] != "ok":
            after = f" (after {host['changed']} changes)" if host["changed"] else ""
            failed[name] = one_line(f"{host['state']}: {host['message']}{after}")
    missing = [target.name for target in targets if target.name not in hosts]
    why = "not reached: an earlier batch failed" if failed else "not reached: no play is for it"
    wrong = {**failed, **dict.fromkeys(missing, why)}
    if wrong:
        named = "; ".join(f"{name} {said}" for name, said in list(wrong.items())[:_NAMED_MAX])
        more = f"; and {len(wrong) - _NAMED_MAX} more" if len(wrong) > _NAMED_MAX else ""
        said = f"{len(wrong)} of {len({*hosts, *wrong})} hosts: {one_line(named)}{more}"
        raise Failed(said, retry=bool(failed), targets=wrong)


def _last_words(report: dict[str, Any]) -> str:
    texts = [text for text in report.get("texts") or [] if text.strip()]
    errors = [text for text in texts if "ERROR" in text] or texts
    return one_line(errors[0] if errors else f"exit code {report.get('rc')}")


def _result(hosts: dict[str, Any], data: dict[str, Any], *, checked: bool) -> AnsibleResult:
    details = {name: host.get("result") for name, host in hosts.items()}
    if len(json.dumps(details)) > DETAILS_MAX:
        details = {}
    if len(json.dumps(data)) > DATA_MAX:
        data = {"left out": fit(json.dumps(data), DATA_MAX)[0]}
    return AnsibleResult(
        hosts={
            name: HostResult(ok=host["ok"], changed=host["changed"], skipped=host["skipped"], result=details.get(name))
            for name, host in hosts.items()
        },
        changed=sum(bool(host["changed"]) for host in hosts.values()),
        checked=checked,
        data=data,
    )
