"""A site's ``simulation`` key: held against what is installed, and made into a world."""

from __future__ import annotations

import json

import pytest

from relight.runbook.reading import read_any, read_site
from relight.runbook.simulated import simulate
from relight.runbook.source import Source, source_from_bytes
from relight_practice import practice_people, site_document


def source(simulation: str) -> Source:
    """Return a site with that key."""
    text = f"site: lab\nschema: relight/v1\nenvironment: practice\npace: 5\n{simulation}"
    return source_from_bytes("lab.site.yaml", text.encode())


@pytest.mark.parametrize(
    ("simulation", "said"),
    [
        ("simulation: {use: sign-on}\n", ["5:19 RL617 the simulation 'sign-on' is not installed"]),
        ("simulation: {use: sign-in, with: {nods: 4}}\n", ["5:35 RL617 the simulation sign-in has no argument 'nods'"]),
        (
            "simulation:\n  use: sign-in\n  with:\n    nodes: many\n    patience: 5 minutes\n",
            ["8:12 RL617 ", "9:15 RL617 "],
        ),
        ("simulation: {use: sign-in, with: {polite_share: 50}}\n", ["5:49 RL617 "]),
    ],
)
def test_what_is_wrong_is_said_in_its_place(simulation: str, said: list[str]) -> None:
    """Lint sees it, and so does whoever wants to rehearse; there is no world then."""
    complaints = list(read_any(source(simulation)).complaints)
    found = [f"{each.line}:{each.col} {each.code} {each.message}" for each in complaints]
    assert [text[: len(start)] for text, start in zip(found, said, strict=True)] == said
    assert all(each.hint for each in complaints)
    read = read_site(source(simulation))
    assert read.is_valid, "a run needs no simulation, so a wrong one is not in its way"
    assert read.document is not None
    assert simulate(read.document, read.complaints, seed=7) is None
    assert not read.is_valid


def test_a_site_without_one_has_no_world() -> None:
    """And nothing is wrong with that."""
    read = read_site(source(""))
    assert read.document is not None
    assert simulate(read.document, read.complaints, seed=7) is None
    assert read.is_valid


def test_a_world_has_the_sites_parameters_pace_and_seed() -> None:
    """As the document writes them."""
    read = read_site(source("simulation: {use: sign-in, with: {nodes: 4, broken_for: 1m}}\n"))
    assert read.document is not None
    world = simulate(read.document, read.complaints, seed=3)
    assert world is not None
    assert (world.setting.seed, world.setting.pace) == (3, 5.0)
    assert (world.config.nodes, world.config.broken_for) == (4, 60.0)


def test_the_practice_sites_document_can_be_rehearsed() -> None:
    """Whether it was written for a drill or is on paper only."""
    document = site_document("http://127.0.0.1:8400", practice_people("ana"), fault="region")
    read = read_any(source_from_bytes("practice", json.dumps(document).encode()))
    assert read.is_valid
    assert list(read.complaints) == []
