"""The files that Ansible reads: variables, inventory, and a playbook of one task.

Every text that a runbook brings is written with the tag ``!unsafe``: Ansible would otherwise evaluate ``{{ ... }}`` in
it, on this host, and what a step of a runbook says may come from anywhere.
What does not belong here: what an author put into files of their own; those are code and are run as such.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from relight.sdk import TargetHost

TARGETS = "targets"
"""The group that holds a fan-out's hosts, where no inventory gives others."""


def variables(values: Mapping[str, Any]) -> str:
    """Return *values* as YAML whose texts are no templates."""
    return f"{_flow(values, unsafe=True)}\n"


def inventory(targets: Sequence[TargetHost]) -> str:
    """Return an inventory of *targets* alone; what it says of them comes from the site, and is trusted."""
    hosts = {target.name: dict(target.variables) for target in targets}
    return f"{_flow({'all': {'children': {TARGETS: {'hosts': hosts}}}}, unsafe=False)}\n"


def one_task(module: str, args: Mapping[str, Any], hosts: str, *, become: bool) -> str:
    """Return a playbook that does nothing but call *module*."""
    return (
        f"- name: {module}\n"
        f"  hosts: {_text(hosts)}\n"
        "  gather_facts: false\n"
        f"  become: {str(become).lower()}\n"
        "  tasks:\n"
        f"    - name: {module}\n"
        f"      {module}: {_flow(args, unsafe=True)}\n"
    )


def _flow(value: Any, *, unsafe: bool) -> str:
    """Return *value* in YAML's flow style, which is JSON with tags."""
    if isinstance(value, Mapping):
        pairs = (f"{_text(str(key))}: {_flow(item, unsafe=unsafe)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item, unsafe=unsafe) for item in value) + "]"
    if isinstance(value, str):
        return f"!unsafe {_text(value)}" if unsafe else _text(value)
    return json.dumps(value)


def _text(value: str) -> str:
    """Return *value* double-quoted, with everything but plain ASCII escaped the way YAML does."""
    return '"' + "".join(_letter(letter) for letter in value) + '"'


def _letter(letter: str) -> str:
    code = ord(letter)
    if letter in '"\\':
        return f"\\{letter}"
    if 0x20 <= code < 0x7F:
        return letter
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
