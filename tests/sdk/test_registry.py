"""Plugins are found by entry point, other people's like ours; a broken one is named and the others go on."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import relight.sdk
from relight.errors import PluginError
from relight.sdk import Arguments, Plugin, Provider, Secrets
from relight.sdk.registry import Registry
from relight.testing.fakes import fake_plugin

THIRD_PARTY = Path(__file__).with_name("third_party")


def install(name: str, target: Path) -> Path:
    """Build and install a stranger's distribution, as its users would, without a network."""
    quiet = [
        "--quiet",
        "--disable-pip-version-check",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
        "--no-cache-dir",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *quiet, "--target", str(target), str(THIRD_PARTY / name)],
        capture_output=True,
        text=True,
        env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"},
    )
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a stranger's plugin is installed."""
    return install("good", tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where plugins are installed that are wrong in every way."""
    return install("broken", tmp_path_factory.mktemp("broken"))


BEGIN = """
import asyncio, json
from relight.errors import PluginError
from relight.sdk import *
from relight.sdk.registry import Registry
"""


def ask(code: str, *installed: Path) -> Any:
    """Return what *code* prints as JSON, in a process that has the strangers' distributions."""
    engine = Path(relight.sdk.__file__).parents[2]
    path = os.pathsep.join([*map(str, installed), str(engine), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BEGIN + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        cwd=installed[0],
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_strangers_plugin_works_like_ours(good: Path) -> None:
    """It is found by its entry point, says where it comes from, is configured, and does what it says."""
    said = ask(
        """
        registry = Registry()
        lamp = registry.provider("hall", {"use": "lamp", "room": "hall"}, Secrets())
        switch, look = (kind(lamp) for kind in (*lamp.actions, *lamp.probes))
        call = Call(args=switch.contract.args(on=True))
        async def use():
            before = await switch.in_force(call)
            done = await switch.perform(call)
            return [before, done.burns, await switch.in_force(call), (await look.read(Call(args=None))).burns]
        print(json.dumps([asyncio.run(use()), registry.origin("lamp"), registry.get("lamp").summary]))
        """,
        good,
    )
    assert said == [[None, True, {"on": True}, True], "relight-lamp 1.2.3", "Switches a lamp"]


BROKEN = {
    "raises": "cannot be loaded: RuntimeError: no licence for this host",
    "leaves": "cannot be loaded: SystemExit: this machine is not supported",
    "missing": "cannot be loaded: ModuleNotFoundError",
    "nameless": "cannot be loaded: AttributeError",
    "text": "its entry point gives a str, not a relight.sdk.Plugin",
    "writes": "sly: a probe only reads, but it declares effect write",
    "renamed": "it calls itself 'another', but its entry point 'renamed'",
    "lamp": "two distributions bring it: relight-",
}


def test_a_broken_plugin_is_named_and_the_others_go_on(good: Path, broken: Path) -> None:
    """Each refusal names the plugin and what is wrong; a list of all is made in spite of them."""
    said = ask(
        """
        registry = Registry()
        found = {}
        for name in registry.names():
            try:
                found[name] = registry.get(name).summary
            except PluginError as error:
                found[name] = [error.plugin, error.message, error.hint]
        print(json.dumps(found))
        """,
        good,
        broken,
    )
    for name, problem in BROKEN.items():
        plugin, message, hint = said[name]
        assert plugin == name
        assert message.startswith(f"plugin {name}: ")
        assert problem in message
        assert hint
    assert "(relight-broken 0.0.1)" in said["raises"][1]
    assert {name for name, what in said.items() if isinstance(what, list)} == set(BROKEN)


def test_a_plugin_that_is_not_there_is_none() -> None:
    """The caller knows better what to say about it."""
    registry = Registry({"fake": fake_plugin()})
    assert registry.get("nobody") is None
    assert registry.names() == ["fake"]
    assert registry.origin("fake") == ""
    with pytest.raises(PluginError, match="plugin nobody: is not installed") as refused:
        registry.provider("edge", {"use": "nobody"}, Secrets())
    assert refused.value.hint == "installed are: fake"


class Strict(Arguments):
    """A configuration that can be wrong."""

    url: str
    port: int = 80


class Touchy(Provider):
    """A provider that does not like port 81."""

    Config = Strict

    def __init__(self, name: str, config: Strict, secrets: Secrets) -> None:
        super().__init__(name, config, secrets)
        if config.port == 81:
            raise RuntimeError("not that one")
        if config.port == 82:
            raise PluginError("touchy", "nor that one")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "url: is missing"),
        ({"url": "u", "prt": 1}, "prt: there is no such key; it takes url, port"),
        ({"url": "u", "port": "hunter2"}, "port: Input should be a valid integer"),
        ({"prt": 1}, "url: is missing; prt: there is no such key"),
        ({"url": "u", "port": 81}, "cannot be made: RuntimeError: not that one"),
        ({"url": "u", "port": 82}, "plugin touchy: nor that one"),
    ],
)
def test_a_wrong_configuration_is_told_whole_and_without_values(config: dict[str, Any], said: str) -> None:
    """Each key and what is wrong with it; a value may be a secret in the wrong place."""
    registry = Registry({"touchy": Plugin(name="touchy", summary="Touchy", provider=Touchy)})
    with pytest.raises(PluginError) as refused:
        registry.provider("edge", {"use": "touchy", **config}, Secrets())
    assert said in refused.value.message
    assert "hunter2" not in refused.value.message


def test_a_provider_is_made_from_a_plans_configuration() -> None:
    """Without ``use``, the provider's name is the plugin's."""
    registry = Registry({"touchy": Plugin(name="touchy", summary="Touchy", provider=Touchy)})
    made = registry.provider("touchy", {"url": "u"}, Secrets())
    assert (made.name, made.config) == ("touchy", Strict(url="u"))
