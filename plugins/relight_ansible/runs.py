"""How one run is started, ended and reported.

What does not belong here: what the report means (``endings``).
"""

import asyncio
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relight.sdk import Call, Failed, OutcomeUnknown, child_environment, one_line, run_process
from relight_ansible import documents
from relight_ansible.arguments import AnsibleConfig

REPORT_BYTES_MAX = 4 * 1024 * 1024
_WORKER = Path(__file__).with_name("worker.py")
_RUNNER_LOOKS_S = 0.5
"""How often ansible-runner looks whether it is cancelled; its own five seconds are most of a grace period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be run.

    Attributes:
        playbook: The path of a playbook, or
        task: the text of one.
        inventory: The path of an inventory; empty: the call's targets alone.
        options: Further options of ansible-playbook; never secret.
        variables: Extra variables, revealed.
    """

    playbook: str = ""
    task: str = ""
    inventory: str = ""
    options: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)


async def run(config: AnsibleConfig, call: Call, order: Order) -> dict[str, Any]:
    """Run *order* and return the worker's report, redacted.

    Raises:
        Failed: nothing was started.
        OutcomeUnknown: it was ended before it could report.
    """
    vault = call.reveal(config.vault_password) if config.vault_password else ""
    try:
        private = Path(tempfile.mkdtemp(prefix="relight-ansible-"))
    except OSError as error:
        raise Failed(f"there is no place for Ansible's files: {error.strerror}; set TMPDIR to one") from None
    try:
        asked = _prepared(private, config, call, order, vault)
        try:
            async with asyncio.timeout(call.deadline_s):
                finished = await run_process(
                    [sys.executable, "-P", str(_WORKER)],
                    env=_environment(private, config, call, vault=bool(vault)),
                    cwd=str(private),
                    stdin=json.dumps(asked).encode(),
                    grace_s=call.grace_s,
                    on_line=lambda line: call.progress(one_line(line.decode(errors="replace"))),
                    secrets=call.secrets,
                )
        except TimeoutError:
            raise OutcomeUnknown(
                f"ansible still ran after {call.deadline_s:g} s and was ended; what it had started on hosts may go on"
            ) from None
        except OSError as error:
            raise Failed(f"ansible could not be started: {error.strerror}") from None
        report = _report(private)
        if report is None:
            last = (finished.stderr.decode(errors="replace").strip().splitlines() or ["no word"])[-1]
            raise OutcomeUnknown(f"ansible ended without a report (exit code {finished.exit_code}): {one_line(last)}")
        redacted: dict[str, Any] = call.secrets.redact_json(report)
        return redacted
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _prepared(private: Path, config: AnsibleConfig, call: Call, order: Order, vault: str) -> dict[str, Any]:
    try:
        return _prepare(private, config, call, order, vault)
    except OSError as error:
        raise Failed(f"Ansible's files could not be written to {private}: {error.strerror}") from None


def _prepare(private: Path, config: AnsibleConfig, call: Call, order: Order, vault: str) -> dict[str, Any]:
    """Write what Ansible reads into its private directory, and return the worker's order."""
    options = list(order.options)
    _write(private / "ansible.cfg", "")
    _write(private / "env/settings", json.dumps({"pexpect_timeout": _RUNNER_LOOKS_S}))
    _write(private / "project/task.yml", order.task)
    if order.variables:
        options += ["-e", f"@{_write(private / 'vars.yml', documents.variables(order.variables))}"]
    if vault:
        _write(private / "vault", vault)
    inventory = order.inventory
    if not inventory:
        inventory = str(_write(private / "inventory/hosts.yml", documents.inventory(call.targets)))
    elif call.targets:
        names = "\n".join(target.name for target in call.targets)
        options += ["--limit", f"@{_write(private / 'limit', names)}"]
    run = {
        "playbook": order.playbook or "task.yml",
        "project_dir": config.project or str(private / "project"),
        "inventory": inventory,
        "forks": max(min(config.forks, len(call.targets) or config.forks), 1),
        "cmdline": shlex.join(options),
    }
    if order.task:
        run["project_dir"] = str(private / "project")
    return {"private": str(private), "run": run}


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
    return path


def _environment(private: Path, config: AnsibleConfig, call: Call, *, vault: bool) -> dict[str, str]:
    """Return an environment in which no setting of Ansible comes from anywhere but the site."""
    own = {
        "ANSIBLE_CONFIG": config.ansible_cfg or str(private / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(private / "tmp"),
        # ansible-runner would turn it off where nobody says anything.
        "ANSIBLE_HOST_KEY_CHECKING": str(config.host_key_checking),
        "ANSIBLE_TIMEOUT": str(max(round(config.connect_timeout), 1)),
        "ANSIBLE_NOCOLOR": "1",
        "LC_ALL": "C.UTF-8",  # Ansible refuses to start without UTF-8
        # The ansible-playbook beside this interpreter is the one that was installed with it.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    }
    if vault:
        own["ANSIBLE_VAULT_PASSWORD_FILE"] = str(private / "vault")
    kept = {name: os.environ[name] for name in ("PYTHONPATH", "SSH_AUTH_SOCK") if name in os.environ}
    return child_environment(kept, own, call.marker)


def _report(private: Path) -> dict[str, Any] | None:
    path = private / "report.json"
    try:
        if path.stat().st_size > REPORT_BYTES_MAX:
            return None
        report = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return report if isinstance(report, dict) else None
