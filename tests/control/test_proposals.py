"""What alerts propose: as many proposals as there are runs to begin, however many alerts there are."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from relight import bootstrap
from relight.control import proposals
from relight.control.identities import Caller, digest_of, new_secret
from relight.control.proposals import KEPT_MAX, OPEN_MAX
from relight.control.reception import Reception
from relight.control.sites import Sites
from relight.errors import NotNow
from relight.journal.memory import MemoryJournal

BOT, ANA = new_secret(sign_in=False), new_secret(sign_in=True)


@pytest.fixture
def reception(tmp_path: Path) -> Reception:
    """A reception of one site, at which an alert proposes a quick run."""
    (tmp_path / "quick.runbook.yaml").write_text(
        "runbook: quick\nschema: relight/v1\ntitle: Quick\ninputs: {many: {type: integer, default: 1}}\n"
        "stages: [{id: only, steps: [{id: nap, action: wait, with: {duration: 1s}}]}]\n"
    )
    site = {
        "site": "lab",
        "environment": "staging",
        "schema": "relight/v1",
        "people": [
            {"id": "ana", "roles": ["boss"], "sign_in": [digest_of(ANA)]},
            {"id": "am", "kind": "bot", "tokens": [{"digest": digest_of(BOT), "may": ["propose"]}]},
        ],
        "published": {"quick": {"runbook": "quick.runbook.yaml"}},
        "alerts": [{"match": {"alertname": "Disk"}, "propose": "quick", "labels": {"many": "nodes"}}],
    }
    path = tmp_path / "lab.site.yaml"
    path.write_text(json.dumps(site))
    return Reception(MemoryJournal(), Sites([path]), bootstrap.registry(), decide_alone=lambda _run: None)


def told(reception: Reception, *machines: str, nodes: str = "1", firing: bool = True) -> dict[str, Any]:
    """Tell that it is so on these machines, and return the answer."""
    alerts = [
        {
            "status": "firing" if firing else "resolved",
            "labels": {"alertname": "Disk", "machine": machine, "nodes": nodes},
            "startsAt": "2026-01-01T00:00:00Z",
            "fingerprint": machine,
        }
        for machine in machines
    ]
    return proposals.propose(reception, reception.caller_with(BOT, door="api"), {"alerts": alerts})


def ana(reception: Reception) -> Caller:
    """Return the person."""
    return reception.caller_with(ANA, door="api")


def listed(reception: Reception) -> list[dict[str, Any]]:
    """Return what is proposed, the newest first."""
    found: list[dict[str, Any]] = proposals.proposals(reception, ana(reception))["proposals"]
    return found


def test_many_alerts_that_would_start_the_same_are_one_proposal(reception: Reception) -> None:
    """Two hundred machines ask for one run; whoever looks learns how many there are."""
    machines = [f"m{number}" for number in range(200)]
    answer = told(reception, *machines)
    (entry,) = answer["proposals"]
    assert (entry["alerts"], entry["firing"], entry["labels"]["machine"]) == (200, 200, "m0")
    assert told(reception, *machines[:50])["proposals"] == [entry], "told again, nothing changes"
    assert told(reception, "another")["proposals"][0]["alerts"] == 201
    assert len(told(reception, "bigger", nodes="2")["proposals"]) == 1
    assert {each["inputs"]["many"] for each in listed(reception)} == {"1", "2"}


def test_it_is_over_when_the_last_of_them_is(reception: Reception) -> None:
    """One that ends withdraws nothing while others fire."""
    told(reception, "a", "b", "c")
    assert [(each["state"], each["firing"]) for each in told(reception, "a", "b", firing=False)["proposals"]] == [
        ("proposed", 1)
    ]
    assert told(reception, "a", firing=False)["proposals"][0]["firing"] == 1, "told twice, it ends once"
    assert [(each["state"], each["firing"]) for each in told(reception, "c", firing=False)["proposals"]] == [
        ("resolved", 0)
    ]


def test_what_somebody_decided_stays_and_the_next_alert_asks_anew(reception: Reception) -> None:
    """An alert that is counted already changes nothing of it; another one proposes the run again."""
    (entry,) = told(reception, "a", "b")["proposals"]
    proposals.dismiss(reception, ana(reception), entry["id"], reason="known")
    assert told(reception, "a", "b")["proposals"][0]["state"] == "dismissed"
    assert told(reception, "a", firing=False)["proposals"][0]["state"] == "dismissed"
    (anew,) = told(reception, "c")["proposals"]
    assert (anew["state"], anew["id"] != entry["id"]) == ("proposed", True)
    with pytest.raises(NotNow, match="dismissed already, by ana"):
        proposals.begin(reception, ana(reception), entry["id"])


def test_nobody_is_asked_more_than_they_can_read(reception: Reception) -> None:
    """What is left out is counted, and asked when there is room: an alert that still fires is told again."""
    made = [told(reception, f"m{number}", nodes=str(number)) for number in range(OPEN_MAX + 3)]
    assert sum(each["left_out"] for each in made) == 3
    assert len(listed(reception)) == OPEN_MAX
    proposals.dismiss(reception, ana(reception), made[0]["proposals"][0]["id"])
    assert told(reception, f"m{OPEN_MAX + 1}", nodes=str(OPEN_MAX + 1))["left_out"] == 0


def test_what_is_over_is_not_kept_for_ever(reception: Reception) -> None:
    """The oldest that wait for nobody make room, and one that waits never does."""
    (waits,) = told(reception, "waits", nodes="0")["proposals"]
    for number in range(1, KEPT_MAX + 5):
        for firing in (True, False):
            told(reception, f"m{number}", nodes=str(number), firing=firing)
    kept = listed(reception)
    assert len(kept) <= KEPT_MAX + 1
    assert waits["id"] in {each["id"] for each in kept}


def test_a_decision_is_not_written_over_by_an_alert_of_the_same_moment(reception: Reception) -> None:
    """However they fall together, who dismissed it is in the list."""
    (entry,) = told(reception, "a")["proposals"]
    threads = [threading.Thread(target=told, args=(reception, f"m{number}")) for number in range(20)]
    for thread in threads:
        thread.start()
    proposals.dismiss(reception, ana(reception), entry["id"], reason="known")
    for thread in threads:
        thread.join()
    (now,) = [each for each in listed(reception) if each["id"] == entry["id"]]
    assert (now["state"], now["by"], now["reason"]) == ("dismissed", "ana", "known")
