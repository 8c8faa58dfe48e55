"""What people say in a chat: each thing once, by whoever may, in whatever order and however often it is told."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from relight.chat import desk, grammar
from relight.chat.channel import Form, Heard, Refused, Who, said
from relight.chat.hearing import ACTIONS, FORMS, WITH_REASON
from relight.chat.slack.rendering import view as slack_view
from relight.web.hooks import VERB as HOOK


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


def two_man_gate(*, destructive: bool = False) -> Any:
    """Return a plan whose gate takes two people."""
    tales = _lab().tale
    gate = replace(tales.ROLL_BACK.gate, approval=replace(tales.ROLL_BACK.gate.approval, min_approvals=2))
    step = tales.ROLL_BACK.steps[0]
    use = step.use if destructive else replace(step.use, effect="write")
    stage = replace(tales.ROLL_BACK, gate=gate, steps=(replace(step, use=use),))
    return tales.plan(tales.CONTAIN, stage, tales.CLOSE)


async def at_gate(lab: Any, plan: Any = None, **more: Any) -> Any:
    """Return a run that waits at its gate, and is shown."""
    told = lab.run(plan or two_man_gate(), **more).at_gate().turns("edge_errors", "pass", 0.008)
    await lab.looks()
    return told


async def says(lab: Any, member: str, words: str, **more: Any) -> list[str]:
    """Return what *member* is told after typing that."""
    before = len(lab.paper.told)
    await lab.people.say(member, words, **more)
    await lab.people.settle()
    return [text for who, text in lab.paper.told[before:] if who == member]


# ---- orders, duplicates, restarts


def deliveries(lab: Any, ticket: str, address: str) -> dict[str, Heard]:
    """Return one delivery of each decision: two approvals by click, a denial that says why."""
    button = next(each for each in lab.paper.sheets[address][0].buttons if each.action == "approve")
    about = dict(zip(("run", "ticket", "digest", "nonce"), button.value.split(" "), strict=True))
    click = {"action": "approve", "value": button.value, "message": address}
    return {
        "ana": lab.people.heard("click", "U1", **click),
        "bo": lab.people.heard("click", "U2", **click),
        "di": lab.people.heard(
            "form", "U5", action="why", fields={"reason": "not now"}, state={"verb": "deny", **about}
        ),
    }


ORDERS = sorted(set(itertools.permutations(("ana", "ana", "bo", "bo", "di", "di"))))
"""Every order of two approvals and a denial, each told twice: ninety of them."""


@pytest.mark.parametrize("restart", [False, True], ids=["one serve", "a new serve after each"])
async def test_every_order_of_decisions_told_twice(lab: Any, monkeypatch: pytest.MonkeyPatch, restart: bool) -> None:
    """The first two approvals open, an earlier denial closes; whatever is told again or late changes nothing."""
    monkeypatch.setattr(desk, "SENDS_A_MINUTE", 100_000)
    for number, order in enumerate(ORDERS):
        plan = replace(two_man_gate(), people=(*two_man_gate().people, _di()))
        tale = await at_gate(lab, plan, name=f"{number:03}aaaaa")
        ticket = tale.run.ticket.id
        told = deliveries(lab, ticket, lab.address(f"gate {ticket}", tale.id))
        for who in order:
            await lab.people.deliver(told[who])
            await lab.people.settle()
            if restart:
                lab.begin()
        first = list(dict.fromkeys(order))
        votes = [fact["person"] for fact in lab.facts("vote_cast", tale.id)]
        if first.index("di") == 2:
            assert (votes, len(lab.facts("gate_opened", tale.id))) == (first[:2], 1), order
            assert lab.facts("gate_denied", tale.id) == []
        else:
            assert votes == first[: first.index("di")], order
            assert [fact["person"] for fact in lab.facts("gate_denied", tale.id)] == ["di"]
            assert lab.facts("gate_opened", tale.id) == []
        tale.asks("ana", "abort")


def _di() -> Any:
    return _lab().tale.Person(id="di", roles=("incident-commander",), identities={"slack": "T1/U5"})


async def test_two_clicks_at_once_are_one_vote(lab: Any) -> None:
    """The same person, two different clicks in the same moment: one counts, the other is told so."""
    tale = await at_gate(lab)
    address = lab.address("gate " + tale.run.ticket.id)
    await asyncio.gather(*(lab.people.click("U1", address, "Approve") for _ in range(4)))
    await lab.people.settle()
    assert [fact["person"] for fact in lab.facts("vote_cast")] == ["ana"]
    assert len([text for _, text in lab.paper.told if "one person is one vote" in text]) == 3


async def test_a_late_click_changes_nothing(lab: Any) -> None:
    """On a ticket that was closed, asked anew, or whose stage would do something else by now."""
    tale = await at_gate(lab)
    ticket = tale.run.ticket.id
    address = lab.address(f"gate {ticket}")
    old = lab.people.heard("click", "U1", action="approve", value=lab.paper.sheets[address][0].buttons[0].value)
    tale.asks("bo", "deny", ticket=ticket, reason="no").asks("bo", "ask")
    await lab.people.deliver(old)
    await lab.people.settle()
    assert "changes nothing any more" in lab.paper.told[-1][1]
    new = tale.run.ticket.id
    run, _, digest, nonce = old.value.split(" ")
    wrong = f"{run} {new} {'0' * len(digest)} {nonce}"
    await lab.people.deliver(lab.people.heard("click", "U1", action="approve", value=wrong))
    await lab.people.settle()
    assert "has changed since you looked" in lab.paper.told[-1][1]
    await lab.people.deliver(lab.people.heard("click", "U1", action="approve", value=f"{run} {new} {digest} forged"))
    await lab.people.settle()
    assert "of a message that counts no more" in lab.paper.told[-1][1]
    assert lab.facts("vote_cast") == []


async def test_a_start_is_started_once(lab: Any) -> None:
    """The last form sent twice, before and after a restart, is one run."""
    lab.environment = "test"
    lab.write_site()
    form = await _to_the_plan(lab, "U1")
    told = lab.people.heard("form", "U1", action="plan", fields={}, state=dict(form.state))
    await lab.people.deliver(told)
    await lab.people.deliver(told)
    await lab.people.settle()
    lab.begin()
    await lab.people.deliver(told)
    await lab.people.settle()
    rows = lab.journal.rows()
    assert [(row.runbook, row.starter) for row in rows] == [("quick", "ana")]
    assert len({text for _, text in lab.paper.told if "You started" in text}) == 1


async def _to_the_plan(lab: Any, member: str, **fields: str) -> Any:
    await says(lab, member, "run quick")
    assert lab.paper.forms[member].name == "inputs"
    assert await lab.people.fill(member, **fields) == {}
    await lab.people.settle()
    assert lab.paper.forms[member].name == "plan", lab.paper.forms[member]
    return lab.paper.forms[member]


# ---- starting


async def test_the_plan_in_a_chat_says_what_is_in_force(lab: Any) -> None:
    """What an ended run left on the site is told before anything is started."""
    tale = await at_gate(lab)
    tale.asks("ana", "abort").hold.release()
    form = await _to_the_plan(lab, "U1")
    text = " ".join(said(form.texts).split())
    assert "STILL IN FORCE throttle 10%, 20/s, in force since run 7f3k9x2m (aborted " in text


async def test_production_is_typed(lab: Any) -> None:
    """The plan is shown, the site's name has to be typed, and then what was shown is what runs."""
    form = await _to_the_plan(lab, "U1", many="3")
    assert any("PLAN quick at prod-eu (production)" in said((text,)) for text in form.texts)
    assert await lab.people.fill("U1", confirm="prod") == {"confirm": "Type prod-eu, exactly so."}
    assert lab.journal.rows() == []
    forged = lab.people.heard("form", "U1", action="plan", fields={}, state={**form.state, "production": ""})
    await lab.people.deliver(forged)
    await lab.people.settle()
    assert lab.journal.rows() == []
    lab.paper.forms["U1"] = form
    assert await lab.people.fill("U1", confirm="prod-eu") == {}
    await lab.people.settle()
    assert [row.starter for row in lab.journal.rows()] == ["ana"]


async def test_inputs_that_do_not_do_come_back(lab: Any) -> None:
    """What is wrong is said in the form, with what was filled in; nothing is planned, nothing evaluated."""
    for wrong in ("7", "x", "${{ 1 + 1 }}", "1e3", "true"):
        await says(lab, "U1", "run quick")
        assert await lab.people.fill("U1", many=wrong) == {}
        await lab.people.settle()
        form = lab.paper.forms["U1"]
        assert form.name == "inputs"
        assert any("That did not do" in said((text,)) for text in form.texts)
        assert form.fields[0].default == wrong


def _with_inputs(lab: Any, inputs: str) -> None:
    path = lab.path.parent / "quick.runbook.yaml"
    path.write_text(path.read_text().replace("inputs: {", f"inputs: {{{inputs}, "))


async def test_everything_that_is_wrong_is_told_at_once(lab: Any) -> None:
    """A number that is too large, a word that is none, a text that is too long: three lines, and nothing is lost."""
    _with_inputs(lab, "word: {type: string}, share: {type: percent, default: 10, maximum: 24}, sure: {type: boolean}")
    await says(lab, "U1", "run quick")
    await lab.people.fill("U1", many="7", share="99", sure="perhaps", word="x" * 1_200)
    await lab.people.settle()
    form = lab.paper.forms["U1"]
    (wrong,) = [said((text,)) for text in form.texts if "That did not do" in said((text,))]
    for name in ("many", "share", "sure", "word is longer than 1000 characters"):
        assert name in wrong, wrong
    assert {field.id: field.default for field in form.fields}["word"] == "x" * 1_200


async def test_inputs_that_a_form_cannot_carry_come_back(lab: Any) -> None:
    """Whatever is planned can be carried to the last button; what cannot is said, and where to start it instead."""
    _with_inputs(lab, "a: {type: string, default: ''}, b: {type: string, default: ''}, c: {type: string, default: ''}")
    for sign, count, fits in (("é", 700, True), ('"', 800, False), ("é", 1_000, False), ("\\", 200, True)):
        await says(lab, "U1", "run quick")
        await lab.people.fill("U1", a=sign * count, b=sign * count, c=sign * count)
        await lab.people.settle()
        form = lab.paper.forms["U1"]
        assert form.name == ("plan" if fits else "inputs"), (sign, count)
        assert any("too long for a chat; start it on the page" in said((text,)) for text in form.texts) is not fits
        assert slack_view(form, "C012ABCDE")["callback_id"]


async def test_a_plan_that_a_chat_does_not_take(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was typed comes back, with where to start it instead."""
    show = lab.paper.show

    async def picky(heard: Heard, form: Form) -> None:
        if form.name == "plan":
            raise Refused("a form carries too much")
        await show(heard, form)

    monkeypatch.setattr(lab.paper, "show", picky)
    await says(lab, "U1", "run quick")
    await lab.people.fill("U1", many="3")
    await lab.people.settle()
    form = lab.paper.forms["U1"]
    assert form.fields[0].default == "3"
    assert any("carries too much; start it on the page" in said((text,)) for text in form.texts)


async def test_whoever_closed_the_form_hears_that_it_is_started(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise they would start it again."""
    await _to_the_plan(lab, "U1")

    async def closed(_heard: Heard, _form: Form) -> None:
        raise Refused("it says not_found")

    monkeypatch.setattr(lab.paper, "show", closed)
    assert await lab.people.fill("U1", confirm="prod-eu") == {}
    await lab.people.settle()
    (row,) = lab.journal.rows()
    assert [text for who, text in lab.paper.told if who == "U1"] == [f"You started quick on prod-eu: run {row.run}"]


async def test_a_plan_that_changed_meanwhile_is_not_started(lab: Any) -> None:
    """The runbook is another one when the last button is pressed: nothing is started, and that is said."""
    await _to_the_plan(lab, "U1")
    path = lab.path.parent / "quick.runbook.yaml"
    path.write_text(path.read_text().replace("duration: 1s", "duration: 2s"))
    assert await lab.people.fill("U1", confirm="prod-eu") == {}
    await lab.people.settle()
    assert lab.journal.rows() == []
    assert "not the one that you looked at" in lab.paper.forms["U1"].texts[0]


def alert(*, firing: bool = True, at: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    """Return a message of Alertmanager."""
    labels = {"alertname": "LoginErrors", "nodes": "3", "note": "<!channel> ${{ 7*7 }}"}
    told = {"labels": labels, "status": "firing" if firing else "resolved", "startsAt": at}
    return {"alerts": [{**told, "annotations": {"summary": "logins fail & <b>hurt</b> @here"}}]}


def propose(lab: Any, message: dict[str, Any]) -> str:
    """Have an alert propose a run, and return the proposal's id."""
    from relight.control import proposals

    caller = lab.reception.caller_at("slack", "T1/U1", proof="slack")
    (entry,) = proposals.propose(lab.reception, caller, message)["proposals"]
    return str(entry["id"])


async def test_what_an_alert_proposes_a_person_begins(lab: Any) -> None:
    """It has a message with what would be started; the plan is looked at, the site's name typed, and one begins it."""
    name = propose(lab, alert())
    await lab.looks()
    address = lab.address("run", f"proposal-{name}")
    assert "an alert proposes quick" in lab.text("run", f"proposal-{name}")
    assert "many=3" in lab.text("run", f"proposal-{name}")
    for member in ("U1", "U2"):
        await lab.people.click(member, address, "Look at the plan")
        await lab.people.settle()
        assert any("PLAN quick at prod-eu" in said((text,)) for text in lab.paper.forms[member].texts)
    await lab.people.click("U4", address, "Dismiss, say why")
    await lab.people.settle()
    assert "only people decide" in lab.paper.told[-1][1]
    assert await lab.people.fill("U1", confirm="no") == {"confirm": "Type prod-eu, exactly so."}
    assert await lab.people.fill("U1", confirm="prod-eu") == {}
    await lab.people.settle()
    await lab.people.fill("U2", confirm="prod-eu")
    await lab.people.settle()
    assert "is begun already, by ana" in lab.paper.forms["U2"].texts[0]
    assert [(row.runbook, row.starter) for row in lab.journal.rows()] == [("quick", "ana")]
    await lab.looks()
    assert "BEGUN by ana as run" in lab.text("run", f"proposal-{name}")
    assert lab.paper.sheets[address][0].buttons == ()


async def test_what_an_alert_proposes_is_dismissed(lab: Any) -> None:
    """With a reason; and one that is over before anybody saw it is not shown at all."""
    name = propose(lab, alert())
    await lab.looks()
    address = lab.address("run", f"proposal-{name}")
    await lab.people.click("U2", address, "Dismiss, say why")
    await lab.people.settle()
    assert await lab.people.fill("U2", reason="a drill") == {}
    await lab.people.settle()
    await lab.looks()
    assert "DISMISSED by bo: a drill" in lab.text("run", f"proposal-{name}")
    propose(lab, alert(at="2026-01-02T00:00:00Z"))
    propose(lab, alert(firing=False, at="2026-01-02T00:00:00Z"))
    await lab.looks()
    assert list(lab.paper.sheets) == [address]
    assert lab.journal.rows() == []


# ---- who, where


@pytest.mark.parametrize(
    ("heard", "words"),
    [
        ({"who": Who(("T1/U7", "U7"))}, "nobody whom this relight knows"),
        ({"who": Who(("T9/U1",))}, "T9/U1 is nobody whom this relight knows"),
        ({"who": Who(("T9/U2",))}, "nobody whom this relight knows"),
        ({"who": Who(())}, "nobody whom this relight knows"),
        ({"who": Who(("T1/U1",), program=True)}, "only people are heard here"),
        ({"room": "elsewhere"}, "nothing that you may do is done in this channel"),
    ],
)
async def test_strangers_and_strange_rooms(lab: Any, heard: dict[str, Any], words: str) -> None:
    """A stranger, somebody of another workspace with the same id, a program, and the wrong channel: a sentence."""
    tale = await at_gate(lab)
    ticket = tale.run.ticket.id
    value = lab.paper.sheets[lab.address(f"gate {ticket}")][0].buttons[0].value
    about = {"run": tale.id, "ticket": ticket, "digest": "", "nonce": ""}
    for kind, what in (
        ("command", {"words": f"abort {tale.id} because"}),
        ("command", {"words": "status"}),
        ("command", {"words": "run quick"}),
        ("click", {"action": "approve", "value": value}),
        ("click", {"action": "details", "value": value}),
        ("form", {"action": "why", "fields": {"reason": "so there"}, "state": {"verb": "deny", **about}}),
    ):
        await lab.people.deliver(lab.people.heard(kind, "U1", **{**what, **heard}))
        await lab.people.settle()
        said = lab.paper.forms.pop("U1").texts[0] if "U1" in lab.paper.forms else lab.paper.told[-1][1]
        assert words in said
    assert lab.facts("vote_cast") == lab.facts("gate_denied") == lab.facts("abort_begun") == []


async def test_authority_is_the_persons(lab: Any) -> None:
    """A bot reads and stops and decides nothing; a clerk has no gate's role; a person who was removed is nobody."""
    tale = await at_gate(lab)
    address = lab.address("gate " + tale.run.ticket.id)
    for member, words in (("U4", "only people decide"), ("U3", "incident-commander")):
        await lab.people.click(member, address, "Approve")
        await lab.people.settle()
        assert words in lab.paper.told[-1][1]
    lab.write_site(without="ana")
    await lab.people.click("U1", address, "Approve")
    await lab.people.settle()
    assert "nobody whom this relight knows" in lab.paper.told[-1][1]
    assert lab.facts("vote_cast") == []
    assert "waits at the gate" in (await says(lab, "U4", "status"))[0]
    assert await says(lab, "U4", f"pause {tale.id}") != []
    assert len(lab.facts("paused")) == 1


# ---- deciding


async def test_what_cannot_be_taken_back_asks_why(lab: Any) -> None:
    """A destructive stage is approved with a reason; denying always says why; a reason is a word at least."""
    tale = await at_gate(lab, two_man_gate(destructive=True))
    address = lab.address("gate " + tale.run.ticket.id)
    await lab.people.click("U1", address, "Approve, say why")
    await lab.people.settle()
    (what, *_) = lab.paper.forms["U1"].texts
    assert what.startswith("PROD-EU: Roll back auth 41 to 40?"), "on a phone the form hides the message"
    assert "Will DESTRUCTIVE: " in what
    await lab.people.settle()
    assert lab.facts("vote_cast") == []
    assert await lab.people.fill("U1", reason=" ") == {"reason": "Say why, in a few words at least."}
    assert await lab.people.fill("U1", reason="it is 41") == {}
    await lab.people.settle()
    (vote,) = lab.facts("vote_cast")
    assert (vote["person"], vote["reason"], vote["door"]) == ("ana", "it is 41", "slack")
    await lab.people.click("U2", address, "Deny, say why")
    await lab.people.settle()
    assert await lab.people.fill("U2", reason="it is not") == {}
    await lab.people.settle()
    assert [fact["reason"] for fact in lab.facts("gate_denied")] == ["it is not"]


async def test_a_typed_approval_asks_why_too(lab: Any) -> None:
    """`approve RUN TICKET` of a destructive stage opens the form, unless it says why itself."""
    tale = await at_gate(lab, two_man_gate(destructive=True))
    assert await says(lab, "U1", f"approve {tale.id} {tale.run.ticket.id}") == []
    assert lab.paper.forms["U1"].name == "why"
    await says(lab, "U2", f"approve {tale.id} {tale.run.ticket.id} because 41 is bad")
    assert [(fact["person"], fact["reason"]) for fact in lab.facts("vote_cast")] == [("bo", "because 41 is bad")]


async def test_opening_alone_takes_the_sites_name(lab: Any) -> None:
    """By the site's solo rule, after its time: the starter says why and types the name; before it, nobody is asked."""
    from relight.kernel.plan import Solo

    tales = _lab().tale
    gate = replace(tales.ROLL_BACK.gate, approval=replace(tales.ROLL_BACK.gate.approval, allow_self_approval=False))
    plan = replace(
        tales.plan(tales.CONTAIN, replace(tales.ROLL_BACK, gate=gate), tales.CLOSE),
        solo=Solo(after_ms=5_000, roles=("incident-commander",)),
    )
    tale = await at_gate(lab, plan)
    address = lab.address("gate " + tale.run.ticket.id)
    tale.later(10)
    lab.forget()
    await lab.people.click("U1", address, "Approve, say why")
    await lab.people.settle()
    assert [field.id for field in lab.paper.forms["U1"].fields] == ["reason", "confirmed"]
    assert await lab.people.fill("U1", reason="nobody answers", confirmed="prod-us") == {}
    await lab.people.settle()
    assert lab.facts("vote_cast") == []
    await lab.people.click("U1", address, "Approve, say why")
    await lab.people.settle()
    await lab.people.fill("U1", reason="nobody answers", confirmed="prod-eu")
    await lab.people.settle()
    assert [(fact["person"], fact["solo"]) for fact in lab.facts("vote_cast")] == [("ana", True)]


async def test_pause_resume_and_abort(lab: Any) -> None:
    """By word and by button; an abort says why first, and everybody of the site may."""
    tale = await at_gate(lab)
    head = lab.address("run")
    await lab.people.click("U3", head, "Pause")
    await lab.people.settle()
    lab.forget()
    await says(lab, "U1", f"resume {tale.id[:4]}")
    assert [len(lab.facts("paused")), len(lab.facts("resumed"))] == [1, 1]
    await lab.people.click("U3", head, "Abort, say why")
    await lab.people.settle()
    assert lab.facts("abort_begun") == []
    await lab.people.fill("U3", reason="wrong runbook")
    await lab.people.settle()
    assert [fact["reason"] for fact in lab.facts("abort_begun")] == ["wrong runbook"]


async def test_skipping_by_button(lab: Any) -> None:
    """An optional stage is left out with a reason; a late form of a ticket that is gone skips nothing."""
    tale = await at_gate(lab)
    address = lab.address("gate " + tale.run.ticket.id)
    await lab.people.click("U1", address, "Skip, say why")
    await lab.people.settle()
    form = lab.paper.forms["U1"]
    tale.asks("bo", "deny", ticket=tale.run.ticket.id, reason="no").asks("bo", "ask")
    lab.forget()
    await lab.people.fill("U1", reason="41 is innocent")
    await lab.people.settle()
    assert "does not ask any more" in lab.paper.told[-1][1]
    assert lab.facts("stage_skipped") == []
    state = {**form.state, "ticket": tale.run.ticket.id}
    told = lab.people.heard("form", "U1", action="why", fields={"reason": "41 is innocent"}, state=state)
    await lab.people.deliver(told)
    await lab.people.settle()
    assert [fact["stage"] for fact in lab.facts("stage_skipped")] == ["roll-back"]


# ---- words


@pytest.mark.parametrize(
    "words",
    [
        "",
        "help",
        "dance",
        "run ${{ inputs }}",
        "run quick now",
        "run quick many=3",
        "status $(id)",
        "approve",
        "approve 7f3",
        "approve 7f3 x; rm -rf",
        "deny 7f3 ../../etc",
        "pause",
        "resume ${{7*7}}",
        "abort *",
        "<!channel>",
        "x" * 20_000,
        "\u202eabort 7f3",
        "run " + "a" * 100,
    ],
)
async def test_words_that_mean_nothing_do_nothing(lab: Any, words: str) -> None:
    """Help or the usage is whispered; no run is touched, and nothing of it is evaluated."""
    tale = await at_gate(lab)
    before = len(list(lab.journal.records(tale.id)))
    said = await says(lab, "U1", words)
    assert said
    assert len(list(lab.journal.records(tale.id))) == before
    assert "49" not in said[0].replace("7f3k9x2m", "")


async def test_what_is_forged_is_refused(lab: Any) -> None:
    """Buttons and forms that are none of ours, verbs that no form has, values that are cut: a sentence each."""
    tale = await at_gate(lab)
    for kind, what in (
        ("click", {"action": "approve", "value": ""}),
        ("click", {"action": "approve", "value": "a b c d e"}),
        ("click", {"action": "approve", "value": "x" * 5_000}),
        ("click", {"action": "serve", "value": f"{tale.id} - - n"}),
        ("form", {"action": "why", "fields": {"reason": "so there"}, "state": {"verb": "note", "run": tale.id}}),
        ("form", {"action": "why", "fields": {"reason": "so there"}, "state": {}}),
        ("form", {"action": "token", "fields": {}, "state": {}}),
        ("form", {"action": "plan", "fields": {}, "state": {"site": "prod-eu", "published": "quick", "inputs": "["}}),
        ("form", {"action": "plan", "fields": {}, "state": {"site": "../..", "published": "x", "inputs": "{}"}}),
        ("form", {"action": "inputs", "fields": {}, "state": {"site": "prod-eu", "published": "../quick"}}),
        ("form", {"action": "choose", "fields": {"which": "quick @ nowhere"}, "state": {}}),
    ):
        before = len(lab.paper.told)
        lab.paper.forms.clear()
        await lab.people.deliver(lab.people.heard(kind, "U1", **what))
        await lab.people.settle()
        assert len(lab.paper.told) > before or lab.paper.forms, (kind, what)
    assert [row.run for row in lab.journal.rows()] == [tale.id]
    assert {record.kind for record in lab.journal.records(tale.id)} & {"paused", "abort_begun", "vote_cast"} == set()


def test_everything_that_can_be_said_is_in_the_table() -> None:
    """Words, buttons and forms: each is a verb of the one permission table."""
    from relight.control.permissions import TABLE

    verbs = (set(grammar.USAGE) - {"help"}) | set(ACTIONS.values()) | set(FORMS.values()) | WITH_REASON
    assert verbs - set(TABLE) == set()
    assert "system" not in {TABLE[verb] for verb in verbs}
    assert TABLE[HOOK] == "open", "what is signed says itself who asks for what"


@pytest.mark.parametrize("action", sorted(set(ACTIONS) - {"look"}))
async def test_no_button_decides_for_a_bot(lab: Any, action: str) -> None:
    """Walked through, not listed by hand: whatever decides is refused to whoever is no person, before any form."""
    from relight.control.permissions import TABLE

    tale = await at_gate(lab)
    value = lab.paper.sheets[lab.address("gate " + tale.run.ticket.id)][0].buttons[0].value
    await lab.people.deliver(lab.people.heard("click", "U4", action=action, value=value))
    await lab.people.settle()
    decides = TABLE[ACTIONS[action]] in ("approve", "decide", "begin")
    assert any("only people decide" in text for _, text in lab.paper.told) == decides
    assert ("U4" in lab.paper.forms) == (action == "abort")
