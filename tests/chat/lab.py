"""A run told by hand, its reception, and a chat of paper: everything that chat does, in one process and at once."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

from relight import bootstrap
from relight.chat.desk import Desk
from relight.chat.hearing import Hearing
from relight.control.reception import Reception
from relight.control.sites import Sites
from relight.control.tracks import Tracks
from relight.journal.memory import MemoryJournal, MemoryStore
from relight.journal.port import Request


def load(name: str, path: Path) -> ModuleType:
    """Return a module beside the tests; they are no package."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


tale = load("relight_tales", Path(__file__).parents[1] / "control" / "tale.py")
paper = load("relight_paper", Path(__file__).with_name("paper.py"))

PEOPLE: list[dict[str, Any]] = [
    {"id": "ana", "roles": ["incident-commander"], "slack": "T1/U1"},
    {"id": "bo", "roles": ["incident-commander", "session-owner"], "slack": "U2"},
    {"id": "cy", "roles": ["clerk"], "slack": "T1/U3"},
    {"id": "ci", "kind": "bot", "slack": "T1/U4"},
    {"id": "di", "roles": ["incident-commander"], "slack": "T1/U5"},
]
ROOM = paper.ROOM


class Prompt(MemoryJournal):
    """The doors' handle: whatever is asked is answered before asking returns, by the driver of that run."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.tales: dict[str, Any] = {}
        self._one = threading.Lock()

    def ask(self, request: Request, *, urgent: bool = False) -> None:
        """Ask, and have it answered."""
        with self._one:
            super().ask(request, urgent=urgent)
            if request.run in self.tales:
                self.tales[request.run].answer_inbox()


class Lab:
    """One site, its runs, and one line to a chat of paper."""

    def __init__(self, folder: Path, *, environment: str = "production") -> None:
        self.path = folder / "prod-eu.site.yaml"
        self.environment = environment
        self.write_site()
        self.store = MemoryStore()
        self.journal = Prompt(self.store)
        self.broke: list[BaseException] = []
        self.reception = Reception(
            self.journal, Sites([self.path]), bootstrap.registry(), decide_alone=lambda _run: None
        )
        self.reception.report = lambda _what, error: self.broke.append(error)
        self.rooms = {"prod-eu": ROOM}
        self.paper = paper.Paper()
        self.people = paper.People(self.paper)
        self.begin()

    def begin(self) -> None:
        """Begin anew, as another serve would: nothing is remembered but what is in the journal."""
        self.desk = Desk(self.paper, self.reception, lambda: self.rooms, who="serve")
        self.hearing = Hearing(
            self.paper, self.reception, lambda: self.rooms, knows=self.desk.nonce_of, decided=lambda: None
        )
        self.paper.ear = self.hearing

    def write_site(self, *, without: str = "") -> None:
        """Write the site's document."""
        (self.path.parent / "quick.runbook.yaml").write_text(
            "runbook: quick\nschema: relight/v1\ntitle: Quick\n"
            "inputs: {many: {type: integer, default: 1, maximum: 5}}\n"
            "stages: [{id: only, steps: [{id: nap, action: wait, with: {duration: 1s}}]}]\n"
        )
        site = {
            "site": "prod-eu",
            "schema": "relight/v1",
            "environment": self.environment,
            "people": [person for person in PEOPLE if person["id"] != without],
            "published": {"quick": {"runbook": "quick.runbook.yaml"}},
            "alerts": [{"match": {"alertname": "LoginErrors"}, "propose": "quick", "labels": {"many": "nodes"}}],
        }
        self.path.write_text(json.dumps(site))

    def run(self, plan: Any = None, *, name: str = "7f3k9x2m") -> Any:
        """Begin a run told by hand."""
        told = tale.Tale(plan, journal=MemoryJournal(self.store), run=name)
        self.journal.tales[name] = told
        return told

    def text(self, slot: str, run: str = "7f3k9x2m") -> str:
        """Return what the message of that slot says."""
        from relight.chat.channel import text_of

        return text_of(self.paper.sheets[self.address(slot, run)][0], lambda ms: f"{ms // 1000 % 100_000}s")

    def address(self, slot: str, run: str = "7f3k9x2m") -> str:
        """Return where the message of that slot is."""
        from relight.chat.memory import Memory
        from relight.control.wording import now_ms

        (album,) = [album for album in Memory(self.journal, "slack").albums(now_ms()) if album.run == run]
        return album.shown[slot].address

    def facts(self, kind: str, run: str = "7f3k9x2m") -> list[dict[str, Any]]:
        """Return the facts of that kind."""
        return [json.loads(record.body) for record in self.journal.records(run, kinds=(kind,))]

    def forget(self) -> None:
        """Have figures read anew, as after half a second."""
        self.reception.tracks = Tracks(self.journal)

    async def looks(self, times: int = 1) -> None:
        """Have the desk look."""
        for _ in range(times):
            await self.desk.look()

    def close(self) -> None:
        """Let go of the threads."""
        self.hearing.close()
        assert self.broke == []
