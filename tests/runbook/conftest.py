"""Documents to try things on, and the plugins that they may name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from relight.runbook.complaints import Complaint
from relight.runbook.offers import Offers
from relight.runbook.reading import read_any
from relight.runbook.source import source_from_bytes
from relight.sdk.registry import Registry
from relight.testing.fakes import fake_plugin
from relight_shell import plugin as shell

SITE = """\
site: here
schema: relight/v1
environment: practice
values: {rate: 20, limit: 0.5, word: closed}
providers:
  edge: {use: fake}
  prom: {use: fake}
bind:
  admission.throttle: {provider: edge, with: {surface: consumer}}
  deploy.*: edge
  "*": {provider: edge}
queries:
  errors: {promql: "sum(errors)", sources: [prom], window: 15s, max_age: 10s}
  depth: {promql: "sum(depth)", sources: prom, min_volume: {promql: "sum(asked)", at_least: 1}}
people:
  - {id: ana, roles: [sre], os: ana, slack: U1}
  - {id: bo, roles: [sre, boss]}
  - {id: cy, roles: [owner]}
"""

HEAD = "runbook: a-runbook\nschema: relight/v1\n"


@pytest.fixture
def registry() -> Registry:
    """Plugins without an entry point: one that fakes everything, and the shell."""
    return Registry({"fake": fake_plugin(), "shell": shell})


@pytest.fixture
def lint(registry: Registry) -> Callable[[str | bytes], list[Complaint]]:
    """Return a function from a document to the complaints about it."""

    def judge(document: str | bytes) -> list[Complaint]:
        data = document.encode() if isinstance(document, str) else document
        return list(read_any(source_from_bytes("doc.yaml", data), Offers(registry)).complaints)

    return judge


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Return a function that writes a runbook and a site and gives their paths."""

    def documents(runbook: str, site: str = SITE, *, head: str = HEAD) -> tuple[Path, Path]:
        (tmp_path / "a.runbook.yaml").write_text(head + runbook)
        (tmp_path / "site.yaml").write_text(site)
        return tmp_path / "a.runbook.yaml", tmp_path / "site.yaml"

    return documents
