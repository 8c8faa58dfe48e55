"""What is shown of runs: once each, edited in place, closed, caught up once, and never in a run's way."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from relight.chat import desk as desks
from relight.chat import holder
from relight.chat.channel import Away, Refused
from relight.control.chats import DESKS
from relight.control.wording import now_ms
from relight.kernel.intents import Perform
from relight.kernel.plan import Solo
from relight.kernel.wanted import wanted


def _lab() -> ModuleType:
    if "relight_chat_lab" in sys.modules:
        return sys.modules["relight_chat_lab"]
    spec = importlib.util.spec_from_file_location("relight_chat_lab", Path(__file__).with_name("lab.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["relight_chat_lab"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Any]:
    """A site with a chat of paper."""
    made = _lab().Lab(tmp_path)
    yield made
    made.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the desk's pace pass at will."""

    class Clock:
        now = 1_000.0

        def monotonic(self) -> float:
            return self.now

    made = Clock()
    monkeypatch.setattr(desks, "time", made)
    return made


async def test_one_message_a_run_and_one_a_gate(lab: Any, clock: Any) -> None:
    """They are edited as the run goes on, and closed; new ones are for the gate and the end alone."""
    tale = lab.run().at_gate()
    await lab.looks()
    assert len(lab.paper.sheets) == 2
    clock.now += 5
    await lab.looks()
    gate, head = lab.address("gate " + tale.run.ticket.id), lab.address("run")
    assert [thread for _, thread in lab.paper.sheets.values()] == ["", "", head]
    ticket = tale.run.ticket.id
    tale.turns("edge_errors", "pass", 0.008).asks("ana", "approve", ticket=ticket)
    clock.now += 10
    await lab.looks()
    assert "OPENED by ana" in lab.text(f"gate {ticket}")
    assert lab.paper.sheets[gate][0].buttons == ()
    tale.later(30).done()
    for _ in range(60):
        if tale.run.outcome is not None:
            break
        tale.later(61).all_pass()
        if any(isinstance(each, Perform) for each in wanted(tale.run)):
            tale.done()
        clock.now += 30
        await lab.looks()
    clock.now += 60
    await lab.looks(3)
    top = [address for address, (_, thread) in lab.paper.sheets.items() if not thread]
    assert top == [head, gate, lab.address("end")]
    assert "succeeded" in lab.text("end")
    assert lab.paper.sheets[head][0].buttons == ()
    before = len(lab.paper.edits)
    lab.begin()
    await lab.looks(3)
    assert (len(lab.paper.edits), len([1 for _, thread in lab.paper.sheets.values() if not thread])) == (before, 3)


async def test_another_serve_goes_on_with_the_same_messages(lab: Any, clock: Any) -> None:
    """Which message belongs to what is in the journal: nothing appears twice after a restart."""
    tale = lab.run().at_gate()
    await lab.looks()
    before = list(lab.paper.sheets)
    await lab.desk.close()
    lab.begin()
    clock.now += 10
    tale.asks("bo", "deny", ticket=tale.run.ticket.id, reason="not yet")
    await lab.looks()
    assert list(lab.paper.sheets)[:2] == before
    assert "DENIED by bo" in lab.text("gate " + lab.facts("gate_asked")[0]["ticket"])
    (hold,) = [slot for slot in _slots(lab) if slot.startswith("hold")]
    assert "not yet" in lab.text(hold)


def _slots(lab: Any) -> list[str]:
    from relight.chat.memory import Memory

    (album,) = list(Memory(lab.journal, "slack").albums(now_ms()))
    return list(album.shown)


async def test_one_desk_a_channel(lab: Any, clock: Any) -> None:
    """Of two serves one shows; when it is gone the other one does, after its time or at once if it said so."""
    other = desks.Desk(lab.paper, lab.reception, lambda: lab.rooms, who="other")
    lab.run().at_gate()
    await lab.looks()
    await other.look()
    assert len(lab.paper.sheets) == 2
    await lab.desk.close()
    await other.look()
    clock.now += 10
    await other.look()
    assert len(lab.paper.sheets) == 3, "the thread is told by the other"
    await lab.looks()
    assert not lab.desk._has_desk


async def test_the_desk_of_a_dead_serve_is_taken_at_once(lab: Any, clock: Any) -> None:
    """Whoever is known to be dead is waited for by nobody, one of its heirs goes on; the living keep their desk."""
    lab.run().at_gate()
    await lab.looks()
    heirs = [desks.Desk(lab.paper, lab.reception, lambda: lab.rooms, who=who) for who in ("one", "two")]
    for heir in heirs:
        await heir.look()
    assert [heir._has_desk for heir in heirs] == [False, False]
    (kept,) = lab.journal.kept(DESKS, now_ms())
    lab.journal.keep(replace(kept, body={"who": "gone", "process": {**holder.here(), "start": "1"}}))
    for heir in heirs:
        await heir.look()
    assert [heir._has_desk for heir in heirs] == [True, False]
    await heirs[0].look()
    assert heirs[0]._has_desk


def test_only_what_is_known_is_dead() -> None:
    """Neither this process nor one of another machine, and nobody of whom nothing is known; a zombie is."""
    me = holder.here()
    assert not holder.is_dead(me)
    assert not holder.is_dead({})
    assert not holder.is_dead({**me, "place": "elsewhere", "start": "1"})
    assert not holder.is_dead({**me, "pid": "x"})
    assert holder.is_dead({**me, "start": f"{me['start']}0"}), "its number was given to another"
    child = subprocess.Popen(["sleep", "60"])
    process = {**me, "pid": child.pid, "start": holder._start(child.pid)}
    assert not holder.is_dead(process)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert holder.is_dead(process)
    child.wait()
    assert holder.is_dead(process)


async def test_chat_down_in_the_middle_of_a_gate(lab: Any, clock: Any) -> None:
    """The run is decided elsewhere, its document says that chat is down, and when it is back it catches up once."""
    tale = lab.run().at_gate()
    await lab.looks()
    sent = len(lab.paper.sheets)
    lab.paper.down = True
    tale.asks("bo", "deny", ticket=tale.run.ticket.id, reason="first no")
    for _ in range(4):
        clock.now += 61
        await lab.looks()
        tale.asks("bo", "ask")
        tale.later(1)
        tale.asks("bo", "deny", ticket=tale.run.ticket.id, reason="and no again")
    (trouble,) = [text for text in lab.reception.status_of(tale.id)["trouble"] if text.startswith("chat")]
    assert "chat slack the-room is down since" in trouble
    assert "decide here" in trouble
    lab.paper.down = False
    clock.now += 61
    await lab.looks()
    clock.now += 61
    await lab.looks()
    new = list(lab.paper.sheets.values())[sent:]
    top = [message.head for message, thread in new if not thread]
    assert len(top) == 1, "of all that came and went, only the hold that still holds"
    assert "HELD" in top[0]
    assert len([1 for _, thread in new if thread]) == 1
    assert "DENIED by bo" in lab.text("gate " + lab.facts("gate_asked")[0]["ticket"])
    clock.now += 61
    await lab.looks()
    lab.forget()
    assert lab.reception.status_of(tale.id)["trouble"] == []


async def test_edits_have_a_pace(lab: Any, clock: Any) -> None:
    """Figures alone are edited every twenty seconds, whatever matters at once, and never more than ten a minute."""
    tale = lab.run().at_gate()
    await lab.looks()
    gate = lab.address("gate " + tale.run.ticket.id)
    for second in range(60):
        clock.now += 1
        tale.turns("login_errors", "fail", 0.3 + second / 1_000)
        lab.forget()
        await lab.looks()
    assert 3 <= lab.paper.edits.count(gate) <= 5
    before = lab.paper.edits.count(gate)
    clock.now += 60
    for second in range(60):
        clock.now += 1
        tale.turns("edge_errors", "fail" if second % 2 else "pass", 0.5 if second % 2 else 0.001)
        lab.forget()
        await lab.looks()
    assert desks.EDITS_A_MINUTE - 1 <= lab.paper.edits.count(gate) - before <= desks.EDITS_A_MINUTE + 1


async def test_patience_is_heeded_and_nothing_is_lost(lab: Any, clock: Any) -> None:
    """After Retry-After nothing is sent for so long; then what is true by then is."""
    lab.run().at_gate()
    lab.paper.away = [Away("slowly", after_s=7)]
    await lab.looks()
    assert lab.paper.sheets == {}
    clock.now += 6.5
    await lab.looks()
    assert lab.paper.sheets == {}
    clock.now += 1
    await lab.looks()
    assert len(lab.paper.sheets) == 2


async def test_an_answer_that_is_lost(lab: Any, clock: Any) -> None:
    """Whichever answer never came, of the head, of the gate or of a line in the thread: each stands once, and true."""
    tale = lab.run().at_gate()
    for _ in range(6):
        lab.paper.lost = 1
        await lab.looks()
        clock.now += 61
    top = [address for address, (_, thread) in lab.paper.sheets.items() if not thread]
    assert top == [lab.address("run"), lab.address("gate " + tale.run.ticket.id)]
    assert len(_thread(lab)) == 1
    lab.paper.lost = 1
    tale.asks("bo", "deny", ticket=tale.run.ticket.id, reason="not yet")
    await lab.looks()
    tale.asks("bo", "ask")
    clock.now += 61
    lab.paper.lost = 0
    for _ in range(3):
        await lab.looks()
        clock.now += 61
    lines = [line for text in _thread(lab) for line in text.splitlines() if line.strip()]
    assert len(lines) == len(set(lines)), "no line is told twice"
    assert [text for text in lines if "denied" in text], "and none is left out"


def _thread(lab: Any) -> list[str]:
    from relight.chat.channel import text_of

    return [text_of(message) for message, thread in lab.paper.sheets.values() if thread]


async def test_whoever_waited_for_the_answer_died(lab: Any, clock: Any) -> None:
    """A serve was killed between a message and its answer: the next one goes on with the message that stands."""
    tale = lab.run().at_gate()
    lab.paper.lost = 1
    await lab.looks()
    (head,) = lab.paper.sheets
    await lab.desk.close()
    lab.begin()
    clock.now += 61
    tale.asks("ana", "pause")
    lab.forget()
    await lab.looks(2)
    assert lab.address("run") == head
    assert "PAUSED by ana" in lab.text("run")
    assert len([1 for _, thread in lab.paper.sheets.values() if not thread]) == 2


async def test_a_removed_message_comes_again_while_it_matters(lab: Any, clock: Any) -> None:
    """A gate's is shown anew, with buttons that work; one that was decided is not."""
    tale = lab.run().at_gate()
    await lab.looks()
    slot = "gate " + tale.run.ticket.id
    old = lab.address(slot)
    await lab.people.remove(old)
    clock.now += 30
    tale.turns("login_errors", "fail", 0.3)
    lab.forget()
    await lab.looks(2)
    new = lab.address(slot)
    assert new != old
    await lab.people.remove(new)
    clock.now += 30
    tale.asks("bo", "deny", ticket=tale.run.ticket.id)
    await lab.looks(2)
    assert slot not in _slots(lab)


async def test_what_a_chat_never_takes_stops_nothing_else(
    lab: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message that is refused is said to be, and the others are shown."""
    post = lab.paper.post

    async def picky(room: str, message: Any, *, key: str, thread: str = "") -> str:
        if "roll back" in message.head:
            raise Refused("it says invalid_blocks")
        return await post(room, message, key=key, thread=thread)

    monkeypatch.setattr(lab.paper, "post", picky)
    lab.run().at_gate()
    lab.run(name="8aa3k1x2m").at_gate()
    await lab.looks()
    assert len(lab.paper.sheets) == 2


async def test_a_room_that_is_away_keeps_no_other_waiting(
    lab: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each room has its own trouble; only a wish for patience is everybody's."""
    post = lab.paper.post

    async def not_there(room: str, message: Any, *, key: str, thread: str = "") -> str:
        if room == "nowhere":
            raise Away("it says not_in_channel")
        return await post(room, message, key=key, thread=thread)

    monkeypatch.setattr(lab.paper, "post", not_there)
    lab.run().at_gate()
    lab.rooms["prod-eu"] = "nowhere"
    await lab.looks()
    assert lab.paper.sheets == {}
    lab.rooms["prod-eu"] = lab.people.room
    await lab.looks()
    assert len(lab.paper.sheets) == 2


async def test_a_run_that_came_and_went_unseen(lab: Any, clock: Any) -> None:
    """It ended while nobody showed it: one message and its story, and no more."""
    lab.run().ended()
    await lab.looks()
    clock.now += 10
    await lab.looks(3)
    assert len([1 for _, thread in lab.paper.sheets.values() if not thread]) == 1
    assert "SUCCEEDED" in lab.text("run")


async def test_a_gate_that_was_opened_alone_is_told_to_all(lab: Any, clock: Any) -> None:
    """SOLO is a message of its own, with who and why, and can still be denied."""
    tales = _lab().tale
    gate = replace(tales.ROLL_BACK.gate, approval=replace(tales.ROLL_BACK.gate.approval, allow_self_approval=False))
    plan = tales.plan(tales.CONTAIN, replace(tales.ROLL_BACK, gate=gate), tales.CLOSE)
    tale = lab.run(replace(plan, solo=Solo(after_ms=300_000, roles=("incident-commander",)))).at_gate()
    tale.later(301).turns("edge_errors", "pass", 0.008)
    ticket = tale.run.ticket.id
    tale.asks("ana", "approve", ticket=ticket, reason="nobody answers", confirmed="prod-eu")
    await lab.looks()
    assert "SOLO: ana opened roll-back alone" in lab.text(f"solo {ticket}")
    assert "nobody answers" in lab.text(f"solo {ticket}")
    tale.asks("bo", "deny", ticket=ticket, reason="I am here now")
    clock.now += 10
    await lab.looks()
    assert "Denied" in lab.text(f"solo {ticket}")
