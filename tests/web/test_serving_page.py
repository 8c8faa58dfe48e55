"""The page about setting up the doors says what is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from relight.chat.slack.channel import COMMAND
from relight.runbook.site_doors import SlackRoom
from relight.web.api import routes
from relight.web.oidc import Providers

PAGE = (Path(__file__).parents[2] / "SERVING.md").read_text(encoding="utf-8")
BLOCKS = [block.partition("\n")[2] for block in PAGE.split("```")[1::2]]


def block(begins: str) -> Any:
    """Return the YAML block that has this key first."""
    (found,) = [each for each in BLOCKS if re.search(rf"^{begins}:", each, re.MULTILINE)]
    return yaml.safe_load(found)


def test_the_manifest_asks_for_what_is_used_and_no_more() -> None:
    """The command, the buttons and forms, the socket, and the scopes of the methods that are called."""
    manifest = block("display_information")
    (command,) = manifest["features"]["slash_commands"]
    assert command["command"] == COMMAND
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["interactivity"]["is_enabled"] is True
    called = (Path(__file__).parents[2] / "engine/relight/chat/slack/channel.py").read_text()
    needs = {
        "chat_": {"chat:write"},
        "conversations_history": {"channels:history", "groups:history"},
        "conversations_replies": {"channels:history", "groups:history"},
        "views_": {"commands"},
        "auth_test": set(),
    }
    methods = set(re.findall(r"_client\.([a-z]+_[A-Za-z]+)", called))
    used = {
        scope for method in methods for name, scopes in needs.items() if method.startswith(name) for scope in scopes
    }
    assert all(any(method.startswith(name) for name in needs) for method in methods), methods
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == used


def test_what_the_site_says_is_what_its_document_takes() -> None:
    """The other way to listen, and the paths that are named."""
    assert "signing" in SlackRoom.model_fields
    assert "/hooks/slack" in PAGE
    assert any(route.path == "/api/v1/alerts" for route in routes())
    (person,) = block("people")["people"]
    assert set(person["oidc"]) == {"issuer", "subject"}


def test_where_people_are_sent_back_to() -> None:
    """The path that is registered at a provider is the one that we send along."""
    made = Providers(None, "https://relight.example.org")  # type: ignore[arg-type]
    assert made._back in PAGE
