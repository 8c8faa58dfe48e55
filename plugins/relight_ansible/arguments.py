"""What playbooks and modules take and give."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from relight.sdk import Arguments, Duration, Result, Secret

_PATTERN = re.compile(r"[A-Za-z0-9_.!&*\[][A-Za-z0-9_.,:!&*\[\]-]*")
_TAGS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_MODULE = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHELLS = frozenset({"shell", "raw", "script", "expect", "win_shell"})


def _absolute(value: str) -> str:
    if value and not value.startswith("/"):
        raise ValueError("write the whole path; a driver has no directory of its own")
    return value


def _pattern(value: str) -> str:
    if value and not _PATTERN.fullmatch(value):
        raise ValueError("a pattern of hosts is made of names, groups and , : ! & *")
    return value


def _tags(value: list[str]) -> list[str]:
    for tag in value:
        if not _TAGS.fullmatch(tag):
            raise ValueError("a tag is made of letters, digits and _ . -")
    return value


def _variables(value: dict[str, Any]) -> dict[str, Any]:
    for name in value:
        if not _VARIABLE.fullmatch(name):
            raise ValueError("a variable's name is made of letters, digits and _")
    return value


def _module(value: str) -> str:
    if not _MODULE.fullmatch(value):
        raise ValueError("a module is named like ansible.builtin.service")
    if value.rpartition(".")[2] in _SHELLS:
        # A value from outside in a shell string is a command from outside.
        raise ValueError("there is no shell here; use ansible.builtin.command with argv, or write a playbook")
    return value


Path = Annotated[str, AfterValidator(_absolute)]


class AnsibleConfig(Arguments):
    """What a site says about its Ansible."""

    project: Annotated[Path, Field(description="The directory that playbooks are named from")] = ""
    inventory: Annotated[Path, Field(description="The inventory used where a step names none")] = ""
    ansible_cfg: Annotated[
        Path, Field(description="The ansible.cfg that counts; none other is read, not even one beside a playbook")
    ] = ""
    vault_password: Annotated[Secret | None, Field(description="What encrypted variables open with")] = None
    host_key_checking: Annotated[bool, Field(description="Whether a host must be the one that is known")] = True
    connect_timeout: Annotated[Duration, Field(description="How long a host may take to be reached")] = 10.0
    forks: Annotated[int, Field(description="Hosts at a time", ge=1, le=200)] = 20


class _HostsArgs(Arguments):
    """What both take."""

    inventory: Annotated[
        Path, Field(description="Inventory; none: the provider's, or in a fan-out the step's own targets")
    ] = ""
    limit: Annotated[
        str, AfterValidator(_pattern), Field(description="Only hosts that match; not in a fan-out, which has targets")
    ] = ""
    check: Annotated[bool, Field(description="Only say what would change; command tasks are left out then")] = False
    idempotent: Annotated[bool, Field(description="Whether running it again is harmless")] = False


class PlaybookArgs(_HostsArgs):
    """What a playbook takes."""

    playbook: Annotated[str, Field(description="Its path, from the provider's project or from the root", min_length=1)]
    extra_vars: Annotated[
        dict[str, Any],
        AfterValidator(_variables),
        Field(description="Variables; their texts are data and never templates"),
    ] = {}
    secret_vars: Annotated[
        dict[str, Secret],
        AfterValidator(_variables),
        Field(description="Variables with secrets: env:NAME, file:PATH, keyring:SERVICE/NAME"),
    ] = {}
    tags: Annotated[list[str], AfterValidator(_tags), Field(description="Only tasks with one of these")] = []
    skip_tags: Annotated[list[str], AfterValidator(_tags), Field(description="No tasks with one of these")] = []


class ModuleArgs(_HostsArgs):
    """What a module takes."""

    module: Annotated[str, AfterValidator(_module), Field(description="Its name, like ansible.builtin.service")]
    args: Annotated[dict[str, Any], Field(description="Its arguments; their texts are data and never templates")] = {}
    hosts: Annotated[str, AfterValidator(_pattern), Field(description="Which hosts of the inventory", min_length=1)] = (
        "all"
    )
    become: Annotated[bool, Field(description="Whether it runs as another user, root by default")] = False


class HostResult(Result):
    """How one host came through."""

    ok: Annotated[int, Field(description="Tasks that were all right, changed or not")] = 0
    changed: Annotated[int, Field(description="Tasks that changed something")] = 0
    skipped: Annotated[int, Field(description="Tasks that did not apply")] = 0
    result: Annotated[dict[str, Any] | None, Field(description="What the module said, where it is short")] = None


class AnsibleResult(Result):
    """How all hosts came through."""

    hosts: Annotated[dict[str, HostResult], Field(description="Host to how it came through")] = {}
    changed: Annotated[int, Field(description="Hosts on which something changed, or would in check mode")] = 0
    checked: Annotated[bool, Field(description="Whether this was check mode, in which nothing is changed")] = False
    data: Annotated[dict[str, Any], Field(description="What the playbook gave with set_stats")] = {}
