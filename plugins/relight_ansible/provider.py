"""The two actions: a playbook, and one module."""

import importlib.metadata
from abc import abstractmethod
from pathlib import Path
from typing import Any

from relight.sdk import Action, Call, Contract, Failed, Provider
from relight_ansible import documents
from relight_ansible.arguments import AnsibleConfig, AnsibleResult, ModuleArgs, PlaybookArgs
from relight_ansible.endings import judge
from relight_ansible.runs import Order, run

_TIMEOUT_S = 600.0


class _OnHosts(Action):
    """Runs something on the targets, or on what an inventory says."""

    async def perform(self, call: Call) -> AnsibleResult:
        """Run it."""
        return await self._run(call, check=call.args.check)

    async def check(self, call: Call) -> AnsibleResult:
        """Run it in Ansible's check mode."""
        return await self._run(call, check=True)

    async def _run(self, call: Call, *, check: bool) -> AnsibleResult:
        report = await run(self.provider.config, call, self._order(call, check=check))
        return judge(report, call.targets, checked=check)

    @abstractmethod
    def _order(self, call: Call, *, check: bool) -> Order:
        """Return what is to be run."""


class Playbook(_OnHosts):
    """Runs a playbook."""

    contract = Contract(
        name="playbook",
        title="Run a playbook",
        args=PlaybookArgs,
        result=AnsibleResult,
        idempotent="idempotent",
        timeout_s=_TIMEOUT_S,
        batch=True,
    )

    async def preview(self, call: Call) -> str:
        """Say what would be run on how many hosts."""
        return f"runs {Path(call.args.playbook).name} on {_hosts(call)}"

    def _order(self, call: Call, *, check: bool) -> Order:
        args: PlaybookArgs = call.args
        config: AnsibleConfig = self.provider.config
        path = Path(config.project, args.playbook)
        if not path.is_absolute():
            raise Failed("write the whole path of the playbook, or give the provider a project", retry=False)
        _must_exist(path, "playbook")
        revealed = {name: call.reveal(secret) for name, secret in args.secret_vars.items()}
        options = ["--tags", ",".join(args.tags)] if args.tags else []
        options += ["--skip-tags", ",".join(args.skip_tags)] if args.skip_tags else []
        return Order(
            playbook=str(path),
            inventory=_inventory(config, call),
            options=(*options, *_options(call, check=check)),
            variables={**args.extra_vars, **revealed},
        )


class Module(_OnHosts):
    """Calls one module."""

    contract = Contract(
        name="module",
        title="Call one Ansible module",
        args=ModuleArgs,
        result=AnsibleResult,
        idempotent="idempotent",
        timeout_s=_TIMEOUT_S,
        batch=True,
    )

    async def preview(self, call: Call) -> str:
        """Say what would be called on how many hosts."""
        return f"calls {call.args.module} on {_hosts(call)}"

    def _order(self, call: Call, *, check: bool) -> Order:
        args: ModuleArgs = call.args
        return Order(
            task=documents.one_task(args.module, args.args, args.hosts, become=args.become),
            inventory=_inventory(self.provider.config, call),
            options=_options(call, check=check),
        )


class AnsibleProvider(Provider):
    """One Ansible, with its project and its inventory."""

    Config = AnsibleConfig
    actions = (Playbook, Module)

    async def ping(self) -> str:
        """Say which Ansible is there, and look for the files that the configuration names."""
        try:
            runner, core = (importlib.metadata.version(name) for name in ("ansible-runner", "ansible-core"))
        except importlib.metadata.PackageNotFoundError as missing:
            raise Failed(f"{missing.name} is not installed: pip install 'relight[ansible]'", retry=False) from None
        config: AnsibleConfig = self.config
        for what in ("project", "inventory", "ansible_cfg"):
            if named := getattr(config, what):
                _must_exist(Path(named), what)
        return f"ansible-core {core} through ansible-runner {runner}"


def _inventory(config: AnsibleConfig, call: Call) -> str:
    args: Any = call.args
    inventory = str(args.inventory or config.inventory)
    if inventory:
        _must_exist(Path(inventory), "inventory")
    return inventory


def _must_exist(path: Path, what: str) -> None:
    if not path.exists():
        raise Failed(f"there is no {what} {path}", retry=False)


def _options(call: Call, *, check: bool) -> tuple[str, ...]:
    if call.args.limit and call.targets:
        raise Failed("limit does not go with targets, which say already which hosts are meant", retry=False)
    limit = ("--limit", call.args.limit) if call.args.limit else ()
    return (*(("--check",) if check else ()), *limit)


def _hosts(call: Call) -> str:
    return f"{len(call.targets)} hosts" if call.targets else call.args.limit or "the hosts of its inventory"
