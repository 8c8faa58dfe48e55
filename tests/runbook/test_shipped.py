"""The runbooks that come with relight are without fault, and can be planned."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from relight.runbook.describe import describe
from relight.runbook.describe_text import plan_text
from relight.runbook.offers import Offers
from relight.runbook.plan import prepare_plan
from relight.runbook.reading import read_runbook
from relight.runbook.render import as_text
from relight.runbook.source import source_from_bytes
from relight.sdk.registry import Registry
from relight.testing.fakes import fake_plugin
from relight_practice.document import practice_people, site_document

SHIPPED = sorted((Path(__file__).parents[2] / "runbooks").glob("*/*.runbook.yaml"))
NAMES = [path.parent.name for path in SHIPPED]


@pytest.fixture
def plugins() -> Registry:
    """Fakes by the names that the practice site's document uses."""
    return Registry({name: fake_plugin(name=name) for name in ("practice", "prometheus")})


def test_both_are_there() -> None:
    """The recovery from a brownout, and failing over and back."""
    assert NAMES == ["brownout-recovery", "failover-and-return"]


@pytest.mark.parametrize("path", SHIPPED, ids=NAMES)
def test_it_has_no_fault(path: Path) -> None:
    """Lint has nothing to say about it, not even a warning."""
    read = read_runbook(path, Offers(Registry({})))
    assert as_text(list(read.complaints)) == ""
    assert read.document is not None
    assert read.document.runbook == path.parent.name


@pytest.mark.parametrize("path", SHIPPED, ids=NAMES)
def test_it_can_be_planned_for_the_practice_site(path: Path, plugins: Registry) -> None:
    """The practice site binds everything it needs and has people for each gate, whoever of them starts it."""
    document = site_document("http://127.0.0.1:8400", practice_people("somebody"))
    document["providers"] = {name: {"use": each["use"]} for name, each in document["providers"].items()}
    site = source_from_bytes("practice.site.yaml", yaml.safe_dump(document, sort_keys=False).encode())
    for starter in (None, "you", "deputy"):
        planned = prepare_plan(path, site, starter=starter, registry=plugins)
        assert as_text(planned.complaints) == ""
        assert planned.plan is not None
        assert plan_text(describe(planned.plan, starter=starter))
