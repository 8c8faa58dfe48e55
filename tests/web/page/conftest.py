"""The page alone, and runs that stand at a chosen moment: a rehearsal's facts, written into a journal as they came.

The world is the shipped simulation, so that what a page shows is what a night looks like.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from relight import bootstrap
from relight.cli.practice import on_paper
from relight.cli.rehearse_playing import Order, Shown, play_order
from relight.control.doors import Doors, Options
from relight.control.identities import digest_of, new_secret
from relight.control.people import os_name
from relight.control.reception import Reception
from relight.control.sites import Sites
from relight.journal.codec import encode
from relight.journal.port import Batch, DriverHold, Journal, Row, Sample
from relight.kernel.evolve import evolve
from relight.kernel.facts import AnyFact
from relight.kernel.state import Run
from relight.shipped import runbook, runbooks
from relight.testing.browser import Browser
from relight.web.server import Web

SITE, DRIVER = "prod-eu", "serve-2"
LEASE_MS = 600_000
HISTORY_MS = 120_000
SECRETS = {name: new_secret(sign_in=True) for name in ("ana", "bo", "cy")}
ROBOT, BOT = new_secret(sign_in=False), new_secret(sign_in=False)


class Scene(NamedTuple):
    """A run as it stands in the journal; *hold* keeps it driven while the test goes on."""

    run: str
    state: Run
    hold: DriverHold | None


def write_site(folder: Path, *, without: str = "", issuer: str = "https://sso.example.org", **more: Any) -> Path:
    """Write the site's document, *without* somebody, and return its path."""
    document = json.loads(on_paper("brownout-recovery").text)
    everybody: list[dict[str, Any]] = [
        {
            "id": "ana",
            "roles": ["incident-commander"],
            "os": os_name(),
            "sign_in": [digest_of(SECRETS["ana"])],
            "tokens": [{"digest": digest_of(ROBOT), "may": ["read", "start", "stop"]}],
            "oidc": {"issuer": issuer, "subject": "a-1"},
        },
        {
            "id": "bo",
            "roles": ["incident-commander", "session-owner", "duty-manager"],
            "sign_in": [digest_of(SECRETS["bo"])],
        },
        {"id": "cy", "roles": ["clerk"], "sign_in": [digest_of(SECRETS["cy"])]},
        {"id": "pager", "kind": "bot", "tokens": [{"digest": digest_of(BOT), "may": ["read", "propose"]}]},
    ]
    document |= {
        "site": SITE,
        "environment": "production",
        "pace": 1,
        "people": [person for person in everybody if person["id"] != without],
        "published": {
            "brownout": {"runbook": "brownout-recovery", "title": "Bring the sign-in tier back"},
            "failover": {"runbook": "failover-and-return", "roles": ["incident-commander"]},
        },
        "alerts": [{"match": {"alertname": "LoginErrors"}, "propose": "brownout", "labels": {"extra_nodes": "nodes"}}],
        **more,
    }
    path = folder / f"{SITE}.site.yaml"
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps(document, indent=1))  # JSON is YAML
    scratch.replace(path)
    return path


def play(site: Path, script: str = "") -> Shown:
    """Return a rehearsal of the shipped brownout runbook there, by one of its scripts or in the simulation."""
    path = runbook("brownout-recovery")
    file = runbooks() / "brownout-recovery" / "rehearsals" / f"{script}.yaml" if script else None
    return play_order(Order(runbook=path, site=str(site), inputs={}, script=file, seed=None))


def put(journal: Journal, shown: Shown, until: Callable[[Run], bool], *, driven: bool = True) -> Scene:
    """Write the facts of *shown* into the journal up to the first moment at which *until* is true, which is now."""
    told = [each.fact for each in shown.played.rehearsed.told]
    facts = _until(told, until)
    name = secrets.token_hex(4)
    now = time.time_ns() // 1_000_000
    moved = [_moved(fact, name, now - (facts[-1].t - fact.t)) for fact in facts]
    state: Run | None = None
    for fact in moved:
        state = evolve(state, fact)
    assert state is not None
    first = encode(moved[0], run=name, seq=1, epoch=0)
    row = Row(
        run=name,
        runbook=state.plan.runbook,
        site=state.plan.site,
        state="running",
        started_at=moved[0].at,
        ended_at=None,
        starter=state.starter,
        seq=1,
    )
    journal.create(row, [first])
    hold = journal.drive(name, DRIVER, now + LEASE_MS, now)
    epoch = hold.lease.epoch
    rest = [encode(fact, run=name, seq=seq, epoch=epoch) for seq, fact in enumerate(moved[1:], 2)]
    ended = moved[-1].at if state.outcome is not None else None
    batch = Batch(
        run=name,
        epoch=epoch,
        first_seq=2,
        kinds_and_bodies=rest,
        samples=_samples(shown, state, facts[-1].t, now),
        state=state.state,
        ended_at=ended,
        live=_live(shown, state, facts[-1].t, now),
    )
    assert journal.append([batch]) == [None]
    if not driven or state.outcome is not None:
        hold.release()
        return Scene(name, state, None)
    return Scene(name, state, hold)


def asks(stage: str) -> Callable[[Run], bool]:
    """Return whether that stage's gate asks."""
    return lambda run: (
        run.ticket is not None and run.ticket.status == "waiting" and run.ticket.id.startswith(f"{stage}/")
    )


def over(run: Run) -> bool:
    """Return whether it is over."""
    return run.outcome is not None


def _until(told: Sequence[AnyFact], until: Callable[[Run], bool]) -> list[AnyFact]:
    run: Run | None = None
    facts: list[AnyFact] = []
    for fact in told:
        run = evolve(run, fact)
        facts.append(fact)
        if until(run):
            break
    return facts


def _moved(fact: AnyFact, run: str, at: int) -> AnyFact:
    header: dict[str, Any] = {"run": run} if hasattr(fact, "run") else {}
    header |= {"epoch": 1} if hasattr(fact, "epoch") else {}
    return replace(fact, at=at, **header)


def _samples(shown: Shown, run: Run, t: int, now: int) -> list[Sample]:
    """Return what the simulation's curves say of each check, for the last minutes."""
    if shown.played.simulation is None:
        return []
    curves = {curve.name: curve.points for curve in shown.played.simulation.curves()}
    found = []
    for check in run.plan.checks.values():
        points = curves.get(str((check.query or {}).get("name", "")), ())
        for at, value in points:
            if max(0, t - HISTORY_MS) <= at <= t and at % 1_000 == 0 and value is not None:
                kind = "pass" if check.pass_when.value({"value": value}) else "neutral"
                found.append(Sample(check=check.id, use=check.id, at=now - (t - at), t=at, kind=kind, value=value))
    return found


def _live(shown: Shown, run: Run, t: int, now: int) -> dict[str, Any]:
    samples: dict[str, Sample] = {}
    for sample in _samples(shown, run, t, now):
        samples[sample.check] = sample
    return {
        "driver": DRIVER,
        "beat_at": now,
        "checks": {name: {"value": sample.value, "at": sample.at} for name, sample in samples.items()},
        "observed": {entry.key: {"value": dict(entry.value), "at": now - 2_000} for entry in run.ledger.values()},
        "budgets": {
            "consumer": {"spent_ms": 2_460_000, "budget_ms": 2_592_000, "at": now},
            "api": {"spent_ms": 4_000, "budget_ms": 2_592_000, "at": now},
        },
    }


class Door:
    """A site, a journal and the page."""

    def __init__(self, folder: Path, **site: Any) -> None:
        self.folder = folder
        self.site = write_site(folder, **site)
        self.journal: Journal = bootstrap.journal()
        self.defects: list[BaseException] = []
        own = bootstrap.journal()
        self.reception = Reception(
            own, Sites([self.site]), bootstrap.registry(), decide_alone=lambda run: bootstrap.decide_alone(own, run)
        )
        self.reception.report = lambda _what, error: self.defects.append(error)
        self.web = Web(Options("127.0.0.1", 0))
        self.said: list[str] = []
        self._doors: Doors | None = Doors([self.web], self.reception, self.said.append)
        self._doors.open()
        self._own = own

    def close_door(self) -> None:
        """Close the door alone; what was recorded can still be read."""
        if self._doors is not None:
            self._doors.close()
        self._doors = None

    def close(self) -> None:
        """Close it; nothing may have gone wrong that was not foreseen."""
        self.close_door()
        self._own.close()
        self.journal.close()
        assert self.defects == []

    def browser(self, name: str = "", to: str = "/") -> Browser:
        """Return a browser, signed in as somebody if that is asked for."""
        made = Browser(self.web.url)
        if name:
            page = made.sign_in(SECRETS[name], to)
            assert page.status == 200, page.text
        return made

    def put(self, shown: Any, until: Any, *, driven: bool = False) -> str:
        """Put a run where it stands at that moment and return its id."""
        return put(self.journal, shown, until, driven=driven).run

    def run(self, name: str) -> Run:
        """Return the run as it is."""
        return self.reception.tracks.run(name)

    def again(self, **site: Any) -> None:
        """Write the site's document anew."""
        write_site(self.folder, **site)


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shown]:
    """Rehearsals of the shipped brownout runbook, played once."""
    site = write_site(tmp_path_factory.mktemp("nights"))
    return {name: play(site, name) for name in ("", "reopen-relapses-once", "capacity-warm-fails")}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose journal no other test has."""
    made = tmp_path_factory.mktemp("page-home")
    made.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RELIGHT_HOME", str(made))
        patch.delenv("RELIGHT_JOURNAL", raising=False)
        yield made


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Iterator[Door]:
    """The web door over a journal."""
    made = Door(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture
def robot() -> str:
    """A token of one of ana's programs."""
    return ROBOT


@pytest.fixture(scope="session")
def bot() -> str:
    """A token of a bot."""
    return BOT


@pytest.fixture
def secret() -> str:
    """What ana signs in with."""
    return SECRETS["ana"]


@pytest.fixture(name="secrets")
def all_secrets() -> dict[str, str]:
    """What each person signs in with."""
    return SECRETS
