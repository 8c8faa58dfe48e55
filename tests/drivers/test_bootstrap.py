"""The wiring: what a driver for real is put together from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from relight import bootstrap
from relight.kernel.plan import Plan

SITE = """\
site: here
schema: relight/v1
environment: practice
people:
  - {id: ana, roles: [incident-commander], os: ana}
  - {id: bo, roles: [session-owner]}
"""


def plan_at(path: Path, **more: Any) -> Plan:
    return Plan(**{"runbook": "r", "title": "R", "site": "here", "stages": (), "sources": {"site": str(path)}, **more})


def test_people_are_read_from_the_sites_document_when_it_has_changed(tmp_path: Path) -> None:
    """They are read once for all runs of a process, and again after each change."""
    path = tmp_path / "here.site.yaml"
    path.write_text(SITE)
    read = bootstrap.site_people()
    people, solo = read(plan_at(path)) or ((), None)
    assert [("ana", ("incident-commander",)), ("bo", ("session-owner",))] == [(p.id, p.roles) for p in people]
    assert solo is None
    assert read(plan_at(path, title="another run's")) is read(plan_at(path))
    path.write_text(
        SITE.replace("  - {id: bo, roles: [session-owner]}\n", "solo: {after: 5m, roles: [session-owner]}\n")
    )
    os.utime(path, (1, 1))
    people, solo = read(plan_at(path)) or ((), None)
    assert ["ana"] == [person.id for person in people]
    assert solo is not None
    assert 300_000 == solo.after_ms


def test_a_document_that_cannot_be_read_changes_nobody(tmp_path: Path) -> None:
    """A site that is gone, broken or another one leaves the people as they were."""
    read = bootstrap.site_people()
    assert read(plan_at(tmp_path / "gone.yaml")) is None
    broken = tmp_path / "broken.yaml"
    broken.write_text("site: here\npeople: [}")
    assert read(plan_at(broken)) is None
    other = tmp_path / "other.yaml"
    other.write_text(SITE.replace("site: here", "site: there"))
    assert read(plan_at(other)) is None
    assert read(Plan(runbook="r", title="R", site="here", stages=())) is None


def test_a_driver_gets_everything(tmp_path: Path) -> None:
    """Plugins, expressions, people, a clock and a watchdog."""
    parts = bootstrap.parts()
    assert "shell" in bootstrap.registry().names()
    assert 3 == parts.compile_expression("1 + 2", frozenset(), False).value({})
    assert parts.watchdog is not None
    assert parts.read_people is not None


def test_nothing_heavy_is_loaded_by_importing_it() -> None:
    """Whoever only looks at a journal pays for no models and no event loop."""
    import subprocess
    import sys

    code = (
        "import sys, relight.bootstrap as b; b.journal; print(sorted({'asyncio', 'pydantic', 'apsw'} & {*sys.modules}))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "[]" == said.strip()


def test_a_stand_in_loads_no_models_and_no_event_loop() -> None:
    """``relight approve`` without a driver stays quick."""
    import subprocess
    import sys

    code = "import sys, relight.drivers.live.stand_in; print(bool({'pydantic', 'asyncio'} & {*sys.modules}))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "False" == said.strip()
