"""Fan-out: groups of an Ansible inventory become hosts and batches, frozen in the plan."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from relight.runbook.inventory import BadInventory, limit, read_inventory, sizes
from relight.runbook.plan import make_plan, prepare_plan
from relight.sdk.registry import Registry

from .conftest import SITE

INI = """\
; the fleet
bastion ansible_host=10.0.0.1

[web]
web[01:03].example.org http_port=80
special  # by hand

[db]
db-[a:b]

[web:vars]
color=red

[all_of_it:children]
web
db
"""
YAML = """\
all:
  children:
    web:
      hosts:
        web[01:03].example.org:
        special: {http_port: 80}
    db: {hosts: {"db-[a:b]": }}
    all_of_it: {children: {web: , db: }}
  hosts: {bastion: }
"""
WEB = ["web01.example.org", "web02.example.org", "web03.example.org", "special"]


@pytest.mark.parametrize(("name", "text"), [("hosts", INI), ("hosts.ini", INI), ("hosts.yaml", YAML)])
def test_groups_have_their_hosts(tmp_path: Path, name: str, text: str) -> None:
    """Both forms of an inventory give the same groups, ranges spread and children included."""
    (tmp_path / name).write_text(text)
    inventory = read_inventory(tmp_path / name)
    assert inventory.members("web") == WEB
    assert inventory.members("all_of_it") == [*WEB, "db-a", "db-b"]
    assert sorted(inventory.members("all") or []) == sorted([*WEB, "db-a", "db-b", "bastion"])
    assert inventory.members("nothing") is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hosts.yaml", "all: [a]"),
        ("hosts.yaml", "all: {hosts: 3}"),
        ("hosts.yaml", "a: 'never"),
        ("hosts.yaml", "web: !vault x"),
        ("hosts", "#!/bin/sh\necho"),
        ("hosts", "[web:nonsense]\n"),
        ("hosts", "[web]\nweb[1:abc]\n"),
        ("hosts", "[web]\nweb[1:999999]\n"),
    ],
)
def test_inventories_that_are_none_are_refused(tmp_path: Path, name: str, text: str) -> None:
    """What cannot be read is refused in one sentence, and no program is run."""
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInventory):
        read_inventory(tmp_path / name)


def test_groups_that_contain_each_other_end(tmp_path: Path) -> None:
    """A circle of groups is walked once."""
    (tmp_path / "hosts").write_text("[a:children]\nb\n[b:children]\na\n[b]\nx\n")
    assert read_inventory(tmp_path / "hosts").members("a") == ["x"]


@pytest.mark.parametrize(
    ("batches", "hosts", "expected"),
    [
        ([1, "10%", "50%", "100%"], 100, (1, 10, 50, 39)),
        ([1, "10%", "50%", "100%"], 3, (1, 1, 1)),
        ([2], 5, (2, 2, 1)),
        ([], 7, (7,)),
        (["1%"], 3, (1, 1, 1)),
        ([1], 0, ()),
    ],
)
def test_batches_are_counts(batches: list[int | str], hosts: int, expected: tuple[int, ...]) -> None:
    """Shares are of all hosts, none is empty, the last size repeats, and together they are everybody."""
    assert sizes(batches, hosts) == expected
    assert sum(expected) == hosts


def test_a_limit_on_failures_is_a_count() -> None:
    """A share of failures is rounded down, but one failure always stops."""
    assert [limit(2, 10), limit("10%", 30), limit("1%", 10)] == [2, 3, 1]


RUNBOOK = """\
checks: {c: {query: errors, pass_when: value < 1}}
stages:
  - id: a
    steps:
      - id: s
        action: shell.run
        with: {argv: ["true"]}
        targets: web
        batches: [1, 50%]
        max_concurrency: 2
        max_failures: 50%
        between: [c]
"""


def test_targets_are_frozen_in_the_plan(
    tmp_path: Path, write: Callable[..., tuple[Path, Path]], registry: Registry
) -> None:
    """The plan holds the hosts themselves; the inventory's path is relative to the site."""
    (tmp_path / "hosts").write_text(INI)
    plan = make_plan(*write(RUNBOOK, SITE + "targets: {inventory: hosts}\n"), registry=registry)
    targets = plan.stages[0].steps[0].targets
    assert targets is not None
    assert (targets.hosts, targets.batches) == (tuple(WEB), (1, 2, 1))
    assert (targets.max_concurrency, targets.max_failures, targets.between) == (2, 2, ("c",))


@pytest.mark.parametrize(
    ("site", "group", "file", "message"),
    [
        ("", "web", "a.runbook.yaml", "this site has no targets"),
        ("targets: {inventory: nothing}\n", "web", "site.yaml", "does not exist"),
        ("targets: {inventory: hosts}\n", "wbe", "a.runbook.yaml", "has no group 'wbe'"),
    ],
)
def test_targets_that_are_not_there_are_complaints(
    site: str,
    group: str,
    file: str,
    message: str,
    tmp_path: Path,
    write: Callable[..., tuple[Path, Path]],
    registry: Registry,
) -> None:
    """A missing inventory or group is said in the document that names it."""
    (tmp_path / "hosts").write_text(INI)
    runbook = RUNBOOK.replace("targets: web", f"targets: {group}")
    planned = prepare_plan(*write(runbook, SITE + site), registry=registry)
    assert [(Path(each.file).name, each.code) for each in planned.complaints] == [(file, "RL609")]
    assert message in planned.complaints[0].message


NESTED = """\
all:
  vars: {port: 22, zone: far}
  children:
    edge:
      vars: {zone: near}
      hosts:
        "web[1:2]": {rack: a}
        web3: {zone: here, ansible_password: "vault:hosts#web3"}
"""
LINES = """\
[all:vars]
port=22
zone = "far"
[edge]
web[1:2] rack=a
web3 zone='here' ansible_password=vault:hosts#web3
[edge:vars]
zone=near
"""


@pytest.mark.parametrize(("name", "text"), [("hosts.yaml", NESTED), ("hosts", LINES)])
def test_what_is_said_of_hosts_is_read(name: str, text: str, tmp_path: Path) -> None:
    """A host's own word counts before its group's, and a group's before that of the groups around it."""
    (tmp_path / name).write_text(text)
    found = read_inventory(tmp_path / name).variables(["web1", "web3"])
    assert found == {
        "web1": {"port": 22, "zone": "near", "rack": "a"},
        "web3": {"port": 22, "zone": "here", "ansible_password": "vault:hosts#web3"},
    }


def test_a_plan_carries_what_is_said_of_its_hosts_but_no_secret(
    write: Callable[..., tuple[Path, Path]], registry: Registry
) -> None:
    """References are kept; what is written out is refused, and named without being shown."""
    runbook = "stages:\n  - id: a\n    steps: [{id: x, action: shell.run, with: {argv: [id]}, targets: edge}]\n"
    site = SITE + "targets: {inventory: hosts.yaml}\n"
    paths = write(runbook, site)
    file = paths[1].parent / "hosts.yaml"
    file.write_text("edge: {hosts: {web1: {port: 22, db_token: 'env:DB_TOKEN'}}}\n")
    plan = prepare_plan(*paths, registry=registry).plan
    assert plan is not None
    targets = plan.stages[0].steps[0].targets
    assert targets is not None
    assert targets.variables == {"web1": {"port": 22, "db_token": "env:DB_TOKEN"}}
    file.write_text("edge: {hosts: {web1: {ansible_ssh_pass: hunter2hunter2}}}\n")
    (complaint,) = prepare_plan(*paths, registry=registry).complaints
    assert "ansible_ssh_pass of host web1" in complaint.message
    assert "hunter2" not in str(complaint)


@pytest.mark.parametrize(
    "pattern", ["h[\u00b2:3]", "h[1:2", "h[0:999999]", "h[0:99999][0:99999]", "h[1:2][", "h[a:zz]", "[::1]x"]
)
def test_a_range_that_is_none_or_too_long_is_refused_at_once(pattern: str, tmp_path: Path) -> None:
    """A slip in a range is no host of that name, and a range of a million is not written out first."""
    (tmp_path / "hosts").write_text(f"[edge]\n{pattern}\n")
    began = time.process_time()
    with pytest.raises(BadInventory):
        read_inventory(tmp_path / "hosts")
    assert time.process_time() - began < 1.0
