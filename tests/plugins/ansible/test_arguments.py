"""What the ansible plugin refuses before anything is started, and what a report without Ansible means."""

from pathlib import Path
from typing import Any

import pydantic
import pytest

from relight.sdk import Failed, OutcomeUnknown, Secrets, TargetHost
from relight.testing.calling import call_for
from relight_ansible import plugin, runs
from relight_ansible.arguments import AnsibleConfig, ModuleArgs, PlaybookArgs
from relight_ansible.endings import judge
from relight_ansible.provider import Module, Playbook


@pytest.mark.parametrize(
    ("model", "values", "said"),
    [
        (ModuleArgs, {"module": "ansible.builtin.shell"}, "there is no shell here"),
        (ModuleArgs, {"module": "raw"}, "there is no shell here"),
        (ModuleArgs, {"module": "ping -e x=y"}, "a module is named like"),
        (ModuleArgs, {"module": "ping", "hosts": "@/etc/passwd"}, "a pattern of hosts"),
        (ModuleArgs, {"module": "ping", "hosts": "{{ x }}"}, "a pattern of hosts"),
        (PlaybookArgs, {"playbook": "a.yml", "limit": "--check"}, "a pattern of hosts"),
        (PlaybookArgs, {"playbook": "a.yml", "tags": ["a b"]}, "a tag is made of"),
        (PlaybookArgs, {"playbook": "a.yml", "extra_vars": {"a b": 1}}, "a variable's name"),
        (PlaybookArgs, {"playbook": "a.yml", "inventory": "hosts.yml"}, "write the whole path"),
        (PlaybookArgs, {"playbook": ""}, "at least 1 character"),
        (AnsibleConfig, {"project": "here"}, "write the whole path"),
    ],
)
def test_what_cannot_be_meant_is_refused(model: type[pydantic.BaseModel], values: dict[str, Any], said: str) -> None:
    """Each refusal says what to write instead."""
    with pytest.raises(pydantic.ValidationError, match=said):
        model(**values)


async def test_missing_files_are_named_before_anything_starts(tmp_path: Path) -> None:
    """A playbook or an inventory that is not there is a certain failure."""
    provider = plugin.provider("ansible", AnsibleConfig(), Secrets())
    book = tmp_path / "a.yml"
    book.write_text("[]")
    for args, said in (
        ({"playbook": "a.yml"}, "write the whole path of the playbook"),
        ({"playbook": f"{tmp_path}/b.yml"}, f"there is no playbook {tmp_path}/b.yml"),
        ({"playbook": str(book), "inventory": "/no/such"}, "there is no inventory /no/such"),
    ):
        with pytest.raises(Failed, match=said) as failed:
            await Playbook(provider).perform(call_for(Playbook.contract, args))
        assert not failed.value.retry
    call = call_for(Module.contract, {"module": "ping", "limit": "a"}, targets=(TargetHost(name="a"),))
    with pytest.raises(Failed, match="limit does not go with targets"):
        await Module(provider).perform(call)


async def test_without_ansible_runner_the_failure_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``relight`` installs it on request only."""
    (tmp_path / "ansible_runner.py").write_text("raise ImportError('no')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    provider = plugin.provider("ansible", AnsibleConfig(), Secrets())
    with pytest.raises(Failed, match=r"pip install 'relight\[ansible\]'") as failed:
        await Module(provider).perform(call_for(Module.contract, {"module": "ping"}))
    assert not failed.value.retry


async def test_ping_names_the_versions_and_misses_files() -> None:
    """``doctor`` shows what is there, and what a site names that is not."""
    pytest.importorskip("ansible_runner")
    said = await plugin.provider("ansible", AnsibleConfig(), Secrets()).ping()
    assert said.startswith("ansible-core 2.")
    with pytest.raises(Failed, match="there is no inventory /no/such"):
        await plugin.provider("ansible", AnsibleConfig(inventory="/no/such"), Secrets()).ping()


def report(status: str, *states: str, **more: Any) -> dict[str, Any]:
    """Return a worker's report of hosts in these states."""
    host = {"ok": 1, "changed": 0, "skipped": 0, "message": "m", "result": {"x": "y" * 900}}
    return {"status": status, "hosts": {f"h{n}": {**host, "state": state} for n, state in enumerate(states)}, **more}


def test_an_ending_from_outside_is_unknown() -> None:
    """Somebody else cancelled it, or it broke in the middle."""
    for status in ("canceled", "timeout", "broken", "failed"):
        with pytest.raises(OutcomeUnknown):
            judge(report(status, "ok"), (), checked=False)


def test_many_failures_name_some() -> None:
    """The message is for a person, the targets are for the engine."""
    with pytest.raises(Failed, match=r"^5 of 6 hosts: .*; and 2 more$") as failed:
        judge(report("failed", "ok", *["failed"] * 5), (), checked=False)
    assert len(failed.value.targets) == 5


def test_a_large_result_keeps_its_counts() -> None:
    """A journal takes 16 KiB: a hundred hosts keep their counts and lose what their modules said."""
    result = judge(report("successful", *["ok"] * 100, data={"a": "x" * 9000}), (), checked=False)
    assert len(result.hosts) == 100
    assert len(result.model_dump_json(exclude_defaults=True)) < 16 * 1024


def test_a_report_that_is_none_is_none(tmp_path: Path) -> None:
    """Half a report, or one that is too long, is not read as one."""
    for text in ("{", "[]", ""):
        (tmp_path / "report.json").write_text(text)
        assert runs._report(tmp_path) is None
    with (tmp_path / "report.json").open("wb") as file:
        file.truncate(runs.REPORT_BYTES_MAX + 1)
    assert runs._report(tmp_path) is None
