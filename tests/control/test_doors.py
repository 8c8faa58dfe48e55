"""The parts of a serve: opened in order, closed in the other, and none stays open when one cannot be."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from relight.control import doors as doors_module
from relight.control.doors import Doors, Options, installed_parts
from relight.errors import Locked, RelightError, UsageError

OPTIONS = Options("127.0.0.1", 0)
TOLD: list[str] = []


class Door:
    """A part that tells what is done with it."""

    url = ""
    listeners: Sequence[Any] = ()
    appended: Callable[[float], None] | None = None

    def __init__(self, name: str, *, refuses: bool = False, hangs: str = "") -> None:
        self.name = name
        self.refuses = refuses
        self.hangs = hangs

    async def start(self, reception: Any) -> str:
        """Open, in the doors' own thread."""
        assert threading.current_thread().name == "relight-doors"
        if self.refuses:
            raise Locked(f"{self.name} is taken", hint="take another")
        if self.hangs == "start":
            await asyncio.Event().wait()
        TOLD.append(f"+{self.name}")
        return f"{self.name} is open"

    async def stop(self) -> None:
        """Close."""
        if self.hangs == "stop":
            await asyncio.Event().wait()
        TOLD.append(f"-{self.name}")


@pytest.fixture(autouse=True)
def _told() -> None:
    TOLD.clear()


def opened(*parts: Door) -> tuple[Doors, list[str]]:
    said: list[str] = []
    reception: Any = None
    return Doors(parts, reception, said.append), said


def test_parts_are_opened_in_order_and_closed_the_other_way() -> None:
    """Each says what it is in a line."""
    doors, said = opened(Door("web"), Door("chat"))
    doors.open()
    doors.close()
    assert TOLD == ["+web", "+chat", "-chat", "-web"]
    assert said == ["web is open", "chat is open"]


def test_a_part_that_cannot_be_opened_closes_the_others() -> None:
    """What it says is what the serve ends with."""
    doors, _ = opened(Door("web"), Door("chat", refuses=True))
    with pytest.raises(Locked, match="chat is taken"):
        doors.open()
    assert TOLD == ["+web", "-web"]


def test_a_part_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at the start, which is refused, and not at the end, which goes on without it."""
    monkeypatch.setattr(doors_module, "START_S", 0.2)
    monkeypatch.setattr(doors_module, "STOP_S", 0.2)
    doors, _ = opened(Door("web"), Door("chat", hangs="start"))
    with pytest.raises(RelightError, match="did not open"):
        doors.open()
    doors, said = opened(Door("chat", hangs="stop"))
    doors.open()
    doors.close()
    assert said[-1] == "chat: did not close in 0.2 s and is left"


def points(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    found = [EntryPoint(name, value, doors_module.GROUP) for name, value in values.items()]
    monkeypatch.setattr(doors_module, "entry_points", lambda group: found)


def test_parts_are_found_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours and other people's alike; one that is not configured is left out, and one that is broken, which is said."""
    monkeypatch.setattr(doors_module, "made", lambda options: Door(f"at {options.host}"), raising=False)
    monkeypatch.setattr(doors_module, "unconfigured", lambda options: None, raising=False)
    module = doors_module.__name__
    points(monkeypatch, mine=f"{module}:made", chat=f"{module}:unconfigured")
    assert [part.name for part in installed_parts(OPTIONS, TOLD.append)] == ["at 127.0.0.1"]
    assert TOLD == []
    points(monkeypatch, broken=f"{module}:absent", mine=f"{module}:made")
    assert [part.name for part in installed_parts(OPTIONS, TOLD.append)] == ["at 127.0.0.1"]
    assert [line.partition(":")[0] for line in TOLD] == ["broken"]
    assert "BROKEN, and left out: AttributeError" in TOLD[0]


def test_a_part_that_refuses_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says is what the serve ends with: it was asked for, and cannot be had."""

    def refuse(options: Options) -> None:
        raise UsageError("it needs a library", hint="install it")

    monkeypatch.setattr(doors_module, "refuse", refuse, raising=False)
    points(monkeypatch, mine=f"{doors_module.__name__}:refuse")
    with pytest.raises(UsageError, match="it needs a library"):
        installed_parts(OPTIONS, TOLD.append)


def test_the_web_door_is_one_of_them() -> None:
    """Announced by this very distribution."""
    assert "web" in [part.name for part in installed_parts(OPTIONS, TOLD.append)]


def test_without_the_extra_the_mend_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """`relight serve` on a machine without the web's libraries says what to install."""
    monkeypatch.delitem(sys.modules, "relight.web.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    from relight.web import part

    with pytest.raises(UsageError, match="needs uvicorn") as refused:
        part(OPTIONS)
    assert refused.value.hint == "pip install 'relight[web]'"
