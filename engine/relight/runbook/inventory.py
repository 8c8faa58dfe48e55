"""The hosts of a group and what is said of them, from an Ansible inventory in YAML or INI.

Only what a plan freezes is read: which hosts are in a group, and their variables in this very file. Files of variables
beside it, encrypted ones and inventory plugins are Ansible's.
"""

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from relight.runbook.complaints import Complaints
from relight.runbook.source import source_from_file
from relight.runbook.yaml12 import plain, read_yaml

HOSTS_MAX = 100_000
_RANGE = re.compile(r"\[([A-Za-z0-9]+):([A-Za-z0-9]+)(?::([0-9]{1,6}))?\]")
_SECTION = re.compile(r"\[([^\]:]+)(?::(\w+))?\]")


class BadInventory(ValueError):
    """An inventory that cannot be read; the text says why."""


class Inventory:
    """Groups, each with its hosts and the groups inside it."""

    def __init__(self) -> None:
        self.hosts: dict[str, dict[str, None]] = {"all": {}, "ungrouped": {}}
        self.children: dict[str, dict[str, None]] = {}
        self.of_groups: dict[str, dict[str, Any]] = {}
        self.of_hosts: dict[str, dict[str, Any]] = {}

    def variables(self, hosts: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return what is said of each of *hosts*: a host's own word over its group's, a group's over its parent's."""
        found: dict[str, dict[str, Any]] = {host: {} for host in hosts}
        for group in sorted(self.of_groups, key=lambda name: (self._depth(name), name)):
            for host in self.members(group) or ():
                if host in found:
                    found[host].update(self.of_groups[group])
        for host, said in found.items():
            said.update(self.of_hosts.get(host, {}))
        return {host: said for host, said in found.items() if said}

    def _depth(self, group: str) -> int:
        """Return how many groups one goes through from the outermost to this one; ``all`` is outside of every one."""
        depth, inner, seen = 0 if group == "all" else 1, {group}, {group}
        while inner := {name for name, children in self.children.items() if inner & set(children)} - seen:
            depth, seen = depth + 1, seen | inner
        return depth

    def groups(self) -> list[str]:
        """Return the names of all groups."""
        return sorted({*self.hosts, *self.children} - {"ungrouped"})

    def members(self, group: str) -> list[str] | None:
        """Return a group's hosts in their order, or None where there is no such group."""
        if group == "all":
            return list(dict.fromkeys(host for hosts in self.hosts.values() for host in hosts))
        if group not in self.hosts and group not in self.children:
            return None
        found: dict[str, None] = {}
        left, seen = [group], set()
        while left:
            name = left.pop(0)
            if name in seen:
                continue
            seen.add(name)
            found.update(self.hosts.get(name, {}))
            left.extend(self.children.get(name, {}))
        return list(found)

    def add(self, group: str, pattern: str) -> None:
        """Put every host of *pattern* (``web[01:10]``) into *group*."""
        hosts = self.hosts.setdefault(group, {})
        for host in _spread(pattern):
            hosts[host] = None
            if len(hosts) > HOSTS_MAX:
                raise BadInventory(f"group {group} has more than {HOSTS_MAX} hosts")


def read_inventory(path: Path) -> Inventory:
    """Read an inventory file.

    Raises:
        BadInventory: it cannot be read; dynamic inventories (programs) are not run.
    """
    source = source_from_file(path)
    if source.flaws:
        raise BadInventory(source.flaws[0].message)
    if path.suffix in {".yaml", ".yml", ".json"}:
        complaints = Complaints(source)
        tree = read_yaml(complaints)
        if tree is None:
            first = next(iter(complaints), None)
            raise BadInventory(f"line {first.line}: {first.message}" if first else "it is empty")
        return _from_tree(tree)
    if source.text.startswith("#!"):
        raise BadInventory("it is a program, and programs are not run to make a plan")
    return _from_lines(source.lines)


def _from_tree(tree: dict[str, Any]) -> Inventory:
    inventory = Inventory()
    left = list(tree.items())
    while left:
        name, group = left.pop(0)
        inventory.hosts.setdefault(name, {})
        if group is None:
            continue
        if not isinstance(group, dict):
            raise BadInventory(f"group {name} is no mapping")
        for pattern in _names(group, "hosts", name):
            inventory.add(name, pattern)
        _said_of(inventory, group, name)
        children = group.get("children") or {}
        for child in _names(group, "children", name):
            inventory.children.setdefault(name, {})[child] = None
            left.append((child, children.get(child) if isinstance(children, dict) else None))
    return inventory


def _said_of(inventory: Inventory, group: dict[str, Any], name: str) -> None:
    """Keep the variables of a group and of the hosts that it names."""
    said, hosts = group.get("vars") or {}, group.get("hosts") or {}
    if not isinstance(said, dict):
        raise BadInventory(f"vars of group {name} is no mapping")
    if said:
        inventory.of_groups.setdefault(name, {}).update(plain(said))
    for pattern, variables in hosts.items() if isinstance(hosts, dict) else ():
        if isinstance(variables, dict):
            for host in _spread(str(pattern)):
                inventory.of_hosts.setdefault(host, {}).update(plain(variables))


def _names(group: dict[str, Any], key: str, name: str) -> list[str]:
    found = group.get(key) or {}
    if isinstance(found, str):
        return [found]
    if not isinstance(found, dict | list):
        raise BadInventory(f"{key} of group {name} is no mapping")
    return [str(each) for each in found]


def _from_lines(lines: tuple[str, ...]) -> Inventory:
    inventory = Inventory()
    group, kind = "ungrouped", ""
    for number, raw in enumerate(lines, 1):
        line = raw.split(" #")[0].strip()
        if not line or line[0] in "#;":
            continue
        section = _SECTION.fullmatch(line)
        if section:
            group, kind = section[1].strip(), section[2] or ""
            if kind not in ("", "children", "vars"):
                raise BadInventory(f"line {number}: unknown section [{group}:{kind}]")
            inventory.hosts.setdefault(group, {})
        elif kind == "children":
            inventory.children.setdefault(group, {})[line.split()[0]] = None
        elif kind == "vars":
            key, _, value = line.partition("=")
            inventory.of_groups.setdefault(group, {})[key.strip()] = _value(value.strip().strip("\"'"))
        elif kind == "":
            name, said = _host_line(line, number)
            inventory.add(group, name)
            for host in _spread(name) if said else ():
                inventory.of_hosts.setdefault(host, {}).update(said)
    return inventory


def _host_line(line: str, number: int) -> tuple[str, dict[str, Any]]:
    """Return the host of a line and the variables behind it, ``key=value`` each."""
    try:
        name, *words = shlex.split(line)
    except ValueError as error:
        raise BadInventory(f"line {number}: {str(error).lower()}") from None
    pairs = [word.partition("=") for word in words if "=" in word]
    return name, {key: _value(value) for key, _, value in pairs}


def _value(text: str) -> Any:
    """Return a word as what it says: a number, true or false, or a text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for number in (int, float):
        if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
            try:
                return number(text)
            except ValueError:
                continue
    return text


def _spread(pattern: str) -> Iterator[str]:
    """Yield the hosts of ``web[01:10].example.org`` or ``db[a:c]``."""
    found = _RANGE.search(pattern)
    if found is None:
        if "[" in pattern or "]" in pattern:
            raise BadInventory(f"{pattern[:60]} is no host and no range of hosts, such as web[01:10]")
        yield pattern
        return
    low, high, step = found[1], found[2], int(found[3] or 1) or 1
    if low.isdigit() and high.isdigit() and len(high) <= 6:
        if int(high) - int(low) >= HOSTS_MAX:
            raise BadInventory(f"{pattern[:60]} is more than {HOSTS_MAX} hosts")
        texts = [str(number).zfill(len(low)) for number in range(int(low), int(high) + 1, step)]
    elif len(low) == 1 and len(high) == 1:
        texts = [chr(code) for code in range(ord(low), ord(high) + 1, step)]
    else:
        raise BadInventory(f"{pattern} is no range of hosts")
    for text in texts:
        yield from _spread(f"{pattern[: found.start()]}{text}{pattern[found.end() :]}")


def sizes(batches: list[int | str], hosts: int) -> tuple[int, ...]:
    """Return how many hosts each batch has, as Ansible's ``serial`` does: shares are of all, the last repeats."""
    if hosts == 0:
        return ()
    wanted = [_count(batch, hosts) for batch in batches] or [hosts]
    found: list[int] = []
    left = hosts
    while left:
        size = min(wanted[min(len(found), len(wanted) - 1)], left)
        found.append(size)
        left -= size
    return tuple(found)


def limit(failures: int | str, hosts: int) -> int:
    """Return the number of failed hosts that stops a fan-out; a share is rounded down, but never to none."""
    return _count(failures, hosts)


def _count(amount: int | str, hosts: int) -> int:
    if isinstance(amount, int):
        return max(1, amount)
    return max(1, int(hosts * float(amount.rstrip("%")) / 100))
