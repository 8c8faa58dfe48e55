"""The process in which ansible-runner runs: it reads an order from stdin and leaves a report in the order's directory.

It is run as a file, not as a module, and imports nothing of relight: it starts fast, and nothing of a driver is in it.
A line on stdout is progress. SIGTERM cancels the run; what Ansible has started on the hosts goes on there.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

MISSING = "missing"
"""The report's status where ansible-runner is not installed."""
MESSAGE_MAX = 400
RESULT_MAX = 1024
TEXTS_MAX = 20
_INTERNAL = ("_ansible", "invocation", "ansible_facts")


class Report:
    """What happened on which host, put together from Ansible's events."""

    def __init__(self) -> None:
        self.hosts: dict[str, dict[str, Any]] = {}
        self.data: dict[str, Any] = {}
        self.texts: list[str] = []
        self.unmatched = False

    def host(self, name: str) -> dict[str, Any]:
        """Return what is known of a host."""
        blank = {"ok": 0, "changed": 0, "skipped": 0, "state": "ok", "message": "", "result": None}
        return self.hosts.setdefault(name, blank)

    def take(self, event: dict[str, Any]) -> bool:
        """Take one event, and say that ansible-runner need not write it to a file."""
        kind, data = str(event.get("event", "")), event.get("event_data") or {}
        if kind == "playbook_on_no_hosts_matched":
            self.unmatched = True
        elif kind == "playbook_on_stats":
            self.data = dict(data.get("artifact_data") or {})
            self._settle({*(data.get("failures") or {}), *(data.get("dark") or {})})
        elif kind in {"runner_on_ok", "runner_on_failed", "runner_on_unreachable", "runner_on_skipped"}:
            self._result(kind.removeprefix("runner_on_"), data, event.get("counter", 0))
        elif kind in {"verbose", "error"} and event.get("stdout"):
            self.texts = [*self.texts, str(event["stdout"])[:MESSAGE_MAX]][-TEXTS_MAX:]
        return False

    def _result(self, ending: str, data: dict[str, Any], counter: int) -> None:
        result = data.get("res")
        result = result if isinstance(result, dict) else {}
        host, task = str(data.get("host", "?")), str(data.get("task", ""))
        known = self.host(host)
        said = ending
        if ending == "skipped":
            known["skipped"] += 1
        elif ending == "ok" or data.get("ignore_errors"):
            known["ok"] += 1
            known["changed"] += bool(result.get("changed"))
            known["result"] = _short(result)
            said = "changed" if result.get("changed") else "ok"
        else:
            known["state"] = ending
            known["message"] = f"{task}: {_message(result)}"[:MESSAGE_MAX]
        tell(f"[{counter}] {task}: {host} {said}")

    def _settle(self, wrong: set[str]) -> None:
        """Believe Ansible's own count: a failure that a play rescued is none."""
        for name, known in self.hosts.items():
            if name not in wrong:
                known["state"], known["message"] = "ok", ""


def tell(text: str) -> None:
    """Show a line of progress; nobody need be listening."""
    with contextlib.suppress(OSError):
        os.write(1, (" ".join(text.split()) + "\n").encode(errors="replace"))


def _message(result: dict[str, Any]) -> str:
    said = [str(result.get(key) or "").strip() for key in ("msg", "stderr", "reason")]
    code = f"exit code {result['rc']}" if result.get("rc") else ""
    return "; ".join(dict.fromkeys(text for text in (*said[:1], code, *said[1:]) if text)) or "no reason given"


def _short(result: dict[str, Any]) -> dict[str, Any] | None:
    kept = {key: value for key, value in result.items() if not key.startswith(_INTERNAL) and not key.endswith("_lines")}
    return kept if len(json.dumps(kept, default=str)) <= RESULT_MAX else None


def main() -> None:
    """Read the order, run it, write the report."""
    order = json.load(sys.stdin)
    private, driver = Path(order["private"]), os.getppid()
    cancelled: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: cancelled.append(number))
    report = Report()
    try:
        import ansible_runner
    except ImportError as error:
        _write(private, {"status": MISSING, "error": str(error)})
        return
    try:
        done = ansible_runner.run(
            **order["run"],
            private_data_dir=str(private),
            event_handler=report.take,
            cancel_callback=lambda: bool(cancelled),
            suppress_env_files=True,
            quiet=True,
        )
        status, code = done.status, done.rc
    except Exception:  # noqa: BLE001  whatever it is, the driver has to hear of it
        status, code = "broken", None
        report.texts.append(traceback.format_exc(limit=-3))
    _write(private, {"status": status, "rc": code, **vars(report)})
    if os.getppid() != driver:  # it is gone, and there are secrets in here
        shutil.rmtree(private, ignore_errors=True)


def _write(private: Path, report: dict[str, Any]) -> None:
    # Put in place whole or not at all: half a report would be read as one.
    unfinished = private / "report.unfinished"
    unfinished.write_text(json.dumps(report, default=str))
    unfinished.replace(private / "report.json")


if __name__ == "__main__":
    main()
