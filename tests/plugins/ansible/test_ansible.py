"""``ansible.playbook`` and ``ansible.module`` for real: ansible-core, ansible-runner, and hosts that are this one."""

import asyncio
import importlib.util
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from relight.sdk import Action, Failed, OutcomeUnknown, Secrets, TargetHost
from relight.testing.calling import call_for
from relight_ansible.arguments import AnsibleConfig, AnsibleResult
from relight_ansible.provider import AnsibleProvider, Module, Playbook

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(300),  # a play of one task took 2 s on a quiet machine and twenty on a busy one
    pytest.mark.skipif(importlib.util.find_spec("ansible_runner") is None, reason="relight[ansible] is not installed"),
]


def local(name: str, **variables: Any) -> TargetHost:
    """Return a host that is this one."""
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    return TargetHost(name=name, variables={**here, **variables})


def unreachable(name: str) -> TargetHost:
    """Return a host on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return TargetHost(name=name, variables={"ansible_host": "127.0.0.1", "ansible_port": port})


def action(kind: type[Action], **config: Any) -> Action:
    """Return an action of a provider with this configuration."""
    return kind(AnsibleProvider("ansible", AnsibleConfig(**config), Secrets()))


async def run(
    kind: type[Action], args: dict[str, Any], config: dict[str, Any] | None = None, **more: Any
) -> AnsibleResult:
    """Run as a driver would."""
    done = await action(kind, **config or {}).perform(call_for(kind.contract, args, **{"deadline_s": 240.0, **more}))
    assert isinstance(done, AnsibleResult)
    return done


def playbook(folder: Path, tasks: str, head: str = "") -> str:
    """Write a playbook for all hosts and return its path."""
    indented = "\n".join(f"    {line}" for line in tasks.strip().splitlines())
    path = folder / "play.yml"
    path.write_text(f"- hosts: all\n  gather_facts: false\n{head}  tasks:\n{indented}\n")
    return str(path)


async def test_a_module_runs_on_every_target() -> None:
    """Each host has its own result, and each task is progress."""
    said: list[str] = []
    args = {"module": "ansible.builtin.ping"}
    result = await run(Module, args, targets=(local("edge-1"), local("edge-2")), progress=said.append)
    assert set(result.hosts) == {"edge-1", "edge-2"}
    assert result.hosts["edge-1"].result == {"ping": "pong", "changed": False}
    assert (result.changed, result.checked) == (0, False)
    assert sorted(line.partition(": ")[2] for line in said) == ["edge-1 ok", "edge-2 ok"]


HOSTILE = [
    "{{ lookup('pipe', 'touch PWNED') }}",
    "$(id)",
    "; reboot",
    "é\u202e\x7f\U0001f600",
    'a"b\\c\n- d: e',
    "!unsafe x",
]


async def test_texts_are_data_and_never_templates(tmp_path: Path) -> None:
    """Ansible evaluates braces wherever it may; a text of a runbook may come from anywhere, so there it may not."""
    pwned = tmp_path / "pwned"
    texts = [text.replace("PWNED", str(pwned)) for text in HOSTILE]
    args: dict[str, Any] = {"module": "ansible.builtin.command", "args": {"argv": ["printf", "%s|", *texts]}}
    result = await run(Module, args, targets=(local("a"),))
    assert (result.hosts["a"].result or {})["stdout"] == "".join(f"{text}|" for text in texts)
    copied = tmp_path / "copied"
    book = playbook(tmp_path, f"- ansible.builtin.copy: {{content: '{{{{ note }}}}', dest: '{copied}'}}")
    await run(Playbook, {"playbook": book, "extra_vars": {"note": "|".join(texts)}}, targets=(local("a"),))
    assert copied.read_text() == "|".join(texts)
    assert not pwned.exists()


async def test_hosts_that_failed_and_hosts_that_were_not_reached_are_told_apart(tmp_path: Path) -> None:
    """One is well, one fails, one is rescued, one cannot be reached; and the failure says what had changed before."""
    book = playbook(
        tmp_path,
        """
- ansible.builtin.file: {path: "TMP/{{ inventory_hostname }}", state: touch}
- block:
    - ansible.builtin.command: {argv: ["false"]}
      when: inventory_hostname == "rescued"
  rescue:
    - ansible.builtin.debug: {msg: never mind}
- ansible.builtin.fail: {msg: no space left}
  when: inventory_hostname == "full"
- ansible.builtin.command: {argv: ["false"]}
  ignore_errors: true
""".replace("TMP", str(tmp_path)),
    )
    targets = (local("well"), local("full"), local("rescued"), unreachable("gone"))
    with pytest.raises(Failed) as failed:
        await run(Playbook, {"playbook": book}, {"connect_timeout": "2s"}, targets=targets)
    assert set(failed.value.targets) == {"full", "gone"}
    assert failed.value.targets["full"].startswith("failed: ansible.builtin.fail: no space left (after 1 changes)")
    assert failed.value.targets["gone"].startswith("unreachable: ")
    assert failed.value.message.startswith("2 of 4 hosts: ")
    assert failed.value.retry


async def test_a_batch_that_fails_keeps_the_next_from_starting(tmp_path: Path) -> None:
    """Hosts of later batches are not silently well: nothing was done on them."""
    book = playbook(tmp_path, "- ansible.builtin.fail: {msg: broken}", head="  serial: 1\n  max_fail_percentage: 0\n")
    with pytest.raises(Failed) as failed:
        await run(Playbook, {"playbook": book}, targets=(local("a"), local("b")))
    assert failed.value.targets["b"] == "not reached: an earlier batch failed"


async def test_a_target_that_no_play_is_for_is_a_failure(tmp_path: Path) -> None:
    """ansible-playbook says that all is well when it did nothing at all."""
    book = tmp_path / "play.yml"
    book.write_text("- hosts: nobody\n  tasks: []\n")
    with pytest.raises(Failed, match="no play is for it") as failed:
        await run(Playbook, {"playbook": str(book)}, targets=(local("a"),))
    assert not failed.value.retry
    with pytest.raises(Failed, match="no host matches, so nothing was done"):
        await run(Playbook, {"playbook": str(book)})


async def test_a_playbook_that_is_wrong_does_not_start(tmp_path: Path) -> None:
    """A module that does not exist, a file that is no playbook: the message says why, and trying again is no use."""
    with pytest.raises(Failed, match=r"did not start: .*no\.such\.module") as failed:
        await run(Module, {"module": "no.such.module"}, targets=(local("a"),))
    assert not failed.value.retry
    (tmp_path / "play.yml").write_text("a: [")
    with pytest.raises(Failed, match="did not start"):
        await run(Playbook, {"playbook": str(tmp_path / "play.yml")}, targets=(local("a"),))


async def test_a_real_run_after_a_check_is_real(tmp_path: Path) -> None:
    """The trap: ansible-runner keeps --check in its private directory, and the real run after it changes nothing."""
    made = tmp_path / "made"
    book = playbook(tmp_path, f"- ansible.builtin.file: {{path: '{made}', state: touch}}")
    played = action(Playbook)
    call = call_for(Playbook.contract, {"playbook": book}, targets=(local("a"),), deadline_s=240.0)
    checked = await played.check(call)
    assert isinstance(checked, AnsibleResult)
    assert (checked.checked, checked.changed, made.exists()) == (True, 1, False)
    done = await played.perform(call)
    assert isinstance(done, AnsibleResult)
    assert (done.checked, done.changed, made.exists()) == (False, 1, True)


async def test_an_inventory_gives_groups_and_targets_limit_it(tmp_path: Path) -> None:
    """With an inventory its groups and variables count, and only the targets are touched; set_stats comes back."""
    inventory = tmp_path / "hosts.yml"
    here = f"{{ansible_connection: local, ansible_python_interpreter: '{sys.executable}'}}"
    inventory.write_text(f"edge:\n  hosts: {{a: {here}, b: {here}}}\n  vars: {{color: blue}}\n")
    (tmp_path / "play.yml").write_text(
        "- hosts: edge\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.set_stats: {data: {colors: ['{{ color }}']}, per_host: false}\n"
        "      tags: [count]\n"
        "    - ansible.builtin.fail: {msg: not asked for}\n"
    )
    config = {"project": str(tmp_path), "inventory": str(inventory)}
    args: dict[str, Any] = {"playbook": "play.yml", "tags": ["count"]}
    result = await run(Playbook, args, config, targets=(TargetHost(name="b"),))
    assert (set(result.hosts), result.data) == ({"b"}, {"colors": ["blue"]})
    limited = await run(Playbook, {**args, "limit": "a"}, config)
    assert set(limited.hosts) == {"a"}


async def test_no_setting_comes_from_anywhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the directory, nor the driver's environment, nor a file beside the playbook changes what is run."""
    (tmp_path / "ansible.cfg").write_text("[defaults]\ninventory = /no/such/place\nroles_path = /evil\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANSIBLE_ROLES_PATH", "/evil")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-driver")
    book = playbook(
        tmp_path,
        f"""
- ansible.builtin.copy:
    dest: {tmp_path}/seen
    content: >-
      {{{{ lookup('config', 'DEFAULT_ROLES_PATH') }}}} {{{{ lookup('config', 'HOST_KEY_CHECKING') }}}}
      {{{{ lookup('env', 'AWS_SECRET_ACCESS_KEY') }}}}. {{{{ lookup('env', 'RELIGHT_RUN') }}}}
""",
    )
    marker = {"RELIGHT_RUN": "7f3"}
    await run(Playbook, {"playbook": book}, {"project": str(tmp_path)}, targets=(local("a"),), marker=marker)
    seen = (tmp_path / "seen").read_text()
    assert "/evil" not in seen
    assert seen.endswith(" True . 7f3")


async def test_secrets_travel_in_a_file_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret is in no process's arguments, in no result and no progress, and its file is gone afterwards."""
    secret = "sorrel-horse-9/{{ x }}"
    monkeypatch.setenv("DB_PASSWORD", secret)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "private"))
    (tmp_path / "private").mkdir()
    book = playbook(
        tmp_path,
        f"""
- ansible.builtin.copy: {{content: "{{{{ password }}}}", dest: {tmp_path}/got, mode: "0600"}}
- ansible.builtin.shell: "cat /proc/[0-9]*/cmdline | tr '\\\\0' ' ' > {tmp_path}/arguments"
- ansible.builtin.command: {{argv: [echo, "{{{{ password }}}}"]}}
""",
    )
    said: list[str] = []
    args = {"playbook": book, "secret_vars": {"password": "env:DB_PASSWORD"}}
    result = await run(Playbook, args, targets=(local("a"),), progress=said.append)
    assert (tmp_path / "got").read_text() == secret
    assert "sorrel" not in (tmp_path / "arguments").read_text().replace("echo sorrel", "")
    assert "sorrel" not in f"{result} {said}"
    assert (result.hosts["a"].result or {})["stdout"] == "[secret]"
    assert list((tmp_path / "private").iterdir()) == []
    with pytest.raises(Failed, match="RELIGHT_NO_SUCH"):
        await run(Playbook, {**args, "secret_vars": {"password": "env:RELIGHT_NO_SUCH"}}, targets=(local("a"),))


async def test_cancelling_stops_ansible_and_leaves_nothing_here(tmp_path: Path) -> None:
    """What it has started on a host goes on there, which is why the outcome is unknown; but here nothing is left."""
    book = playbook(tmp_path, "- ansible.builtin.debug: {msg: begun}\n- ansible.builtin.wait_for: {timeout: 100}")
    begun = asyncio.Event()
    task = asyncio.ensure_future(
        run(Playbook, {"playbook": book}, targets=(local("a"),), progress=lambda _line: begun.set(), grace_s=5.0)
    )
    await asyncio.wait_for(begun.wait(), 120)
    task.cancel()
    started = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 60, "it waited for the play's own end"
    assert _with_argument(book) == []


async def test_a_deadline_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    """It is ended like a cancelled one."""
    book = playbook(tmp_path, "- ansible.builtin.wait_for: {timeout: 100}")
    with pytest.raises(OutcomeUnknown, match="what it had started on hosts may go on"):
        await run(Playbook, {"playbook": book}, targets=(local("a"),), deadline_s=3.0, grace_s=5.0)
    assert _with_argument(book) == []


def _with_argument(text: str) -> list[str]:
    """Return the processes that were started with *text*."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line:
            found.append(line)
    return found


async def test_a_worker_that_is_killed_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    """Without a report nobody can say how far it came."""
    # The play kills the process that runs ansible-playbook, which is the worker.
    book = playbook(
        tmp_path,
        """
- ansible.builtin.shell: |
    pid=$$
    while ! tr '\\0' ' ' < /proc/$pid/cmdline | grep -q relight_ansible/worke[r].py; do
      pid=$(awk '/^PPid:/ {print $2}' /proc/$pid/status)
    done
    kill -9 $pid
""",
    )
    with pytest.raises(OutcomeUnknown, match="ended without a report"):
        await run(Playbook, {"playbook": book}, targets=(local("a"),), grace_s=1.0)
    assert _with_argument(book) == []
