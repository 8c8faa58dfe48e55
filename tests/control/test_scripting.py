"""Rehearsal documents held against their plan: every mistake at its place, with its mend."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from relight.control.scripting import Scripted, scripted
from relight.drivers.rehearsal.moments import WORDS, Moment
from relight.drivers.rehearsal.script import Event, When
from relight.kernel.plan import Guard, Plan
from relight.runbook.codes import CODES
from relight.runbook.complaints import Complaint
from relight.runbook.rehearsals import read_rehearsal, rehearsals_beside, runbook_beside
from relight.runbook.source import source_from_bytes
from relight.testing.plans import act, check, fan, gate, plan, ramp, stage, throttle

HEAD = "rehearsal: x\nschema: relight/v1\n"
PLAN = plan(
    stage("contain", act("throttle", throttle()), act("sweep", targets=fan(3, 1, 2))),
    stage("mend", act("undeploy"), gate=gate("well"), optional=True),
    stage("reopen", act("admit", throttle(), ramp=ramp(25, 50)), gate=gate("well")),
    stage("warm", act("warm"), verify=("well",)),
    checks=(check("well"), check("api"), check("warm")),
    probes=("auth",),
    guards=(Guard(check="api"),),
)

WRONG = {
    "names": (
        """\
steps: {undeplay: fails}
undo: {trottle: fails}
probes: {auht: blind}
checks: {wel: fails}
gates: {contain: denied, mnd: denied}
""",
        """\
3:9 RL701 the runbook has no step 'undeplay' | did you mean 'undeploy'?
4:8 RL701 the runbook has no step 'trottle' | did you mean 'throttle'?
5:10 RL701 the runbook has no probe 'auht' | did you mean 'auth'?
6:10 RL701 the runbook has no check 'wel' | did you mean 'well'?
7:9 RL701 the runbook has no gate at a stage 'contain' | known are: mend, reopen
7:26 RL701 the runbook has no gate at a stage 'mnd' | did you mean 'mend'?
""",
    ),
    "moments": (
        """\
checks:
  well:
    - {is: fails, from: undeploy exploded}
    - {is: fails, until: nothing}
    - {is: fails, from: undeploy at 5}
    - {is: fails, from: gate contain asked}
    - {is: fails, from: held gate-open}
    - {is: fails, from: warm skipped}
    - {is: fails, from: admit at half}
    - {is: fails, from: undeploy failed twice}
    - {is: fails, from: paused now}
    - {is: fails, from: undeploy settled perhaps}
    - {is: fails, from: 5 min}
""",
        """\
5:25 RL702 'undeploy' is never 'exploded' | known are: asked, at, failed, retried, settled, skipped, started, …
6:26 RL702 'nothing' is no time and no moment | write what and what becomes of it: `undeploy failed`, …
7:25 RL702 'undeploy' is no ramp | only a ramp is at a value, or steps back
8:25 RL701 the runbook has no stage with a gate 'contain' | known are: mend, reopen
9:25 RL702 no hold is called 'gate-open' | did you mean 'gate-denied'?
10:25 RL702 'warm' is stage and step of this runbook | write `stage warm skipped` or `step warm skipped`
11:25 RL702 'half' is no value of a ramp | write `admit at 50`
12:25 RL702 'undeploy failed twice' goes on after 'failed' | write `undeploy failed`
13:25 RL702 'paused now' goes on after 'paused' | write `paused`
14:25 RL702 a step is settled done or not-done | known are: done, not-done
15:25 RL206 '5 min' is not a duration | write 5m
""",
    ),
    "verbs": (
        """\
events:
  - {at: 5m, do: paws}
  - {at: 5m, do: mark undeploy}
  - {at: 5m, do: ramp up a bit}
  - {at: 5m, do: undo}
  - {at: 5m, do: undo --to contane}
  - {at: 5m, do: retry undeplay}
  - {at: 5m, do: pause now}
  - {at: 5m, do: 'note "open'}
  - {at: 5m, do: pause, happened: true}
  - {at: 5m, do: approve, by: zoe}
""",
        """\
4:18 RL703 'paws' is no verb | did you mean 'pause'?
5:18 RL703 say which step, and done or not-done | write `mark STEP done`
6:18 RL703 say where the ramp goes | write `ramp floor`, `ramp down`, `ramp stay`, `ramp up`
7:18 RL703 say what is undone | write `undo STEP` or `undo --to STAGE`
8:18 RL701 the runbook has no stage 'contane' | did you mean 'contain'?
9:18 RL701 the runbook has no step or stage 'undeplay' | did you mean 'undeploy'?
10:18 RL703 pause takes no 'now' | write `pause`
11:18 RL703 a quote is not closed | close it
12:25 RL704 only a driver that is killed leaves that | leave it out, or write `do: kill driver`
13:31 RL701 'zoe' is no person or role of the site 'here' | known are: …
""",
    ),
    "what does not go together": (
        """\
steps:
  undeploy: {is: fails, happened: true}
  throttle: {is: fails, at: 50}
  sweep: {is: fails, hosts: [h1, h9]}
gates: {reopen: skipped, mend: {is: ignored, after: 5m}}
expect: {state: succeeded, hold: step-failed}
""",
        """\
4:25 RL704 what fails is known to have happened or not | leave it out, or write `is: unknown`
5:25 RL704 'throttle' is no ramp | leave `at` out
6:34 RL701 the runbook has no host 'h9' | known are: h0, h1, h2
7:17 RL704 the stage 'reopen' cannot be skipped | write `optional: true` in the runbook, or `refused: true` here
7:46 RL704 nobody answers what is ignored | leave it out
8:28 RL704 a run that is succeeded holds for nothing | leave it out, or write `state: held`
""",
    ),
    "endings": (
        """\
expect:
  hold: gate-denyed
  stage: contane
  in_force: [throtle]
  values: {admitt: {percent: 5}}
  attempts: {undeplay: 3}
  skipped: [mendd]
  asked: [contain]
  approved_by: {mnd: ana}
  breached: [well]
  happens: [undeploy failed, undeploy filed]
""",
        """\
4:9 RL701 no hold is called 'gate-denyed' | did you mean 'gate-denied'?
5:10 RL701 the runbook has no stage 'contane' | did you mean 'contain'?
6:14 RL701 the runbook has no step 'throtle' | did you mean 'throttle'?
7:12 RL701 the runbook has no step 'admitt' | did you mean 'admit'?
8:14 RL701 the runbook has no step 'undeplay' | did you mean 'undeploy'?
9:13 RL701 the runbook has no stage or step 'mendd' | did you mean 'mend'?
10:11 RL701 the runbook has no gate at a stage 'contain' | known are: mend, reopen
11:17 RL701 the runbook has no gate at a stage 'mnd' | did you mean 'mend'?
12:14 RL701 the runbook has no guard 'well' | known are: api
13:30 RL702 'undeploy' is never 'filed' | did you mean 'failed'?
""",
    ),
    "forms": (
        """\
steps: {undeploy: fales, throttle: [{is: fails, times: 0}]}
checks: {well: {is: fails, value: 3}, api: {is: reads}}
gates: {mend: {by: ana}}
world: storm
untill: 5m
""",
        """\
3:19 RL204 'fales' is none of succeeds, fails, times-out, unknown | did you mean 'fails'?
3:56 RL207 'times' is 0 | write a number that is at least 1
5:15 RL202 the answer to a gate needs the key 'is' | …
6:8 RL204 'storm' is none of calm, simulation | write calm or simulation
7:1 RL201 unknown key 'untill' in a rehearsal | did you mean 'until'?
""",
    ),
    "values": (
        """\
checks: {well: {is: fails, value: 3}, api: [{is: reads}, {is: fails, until: 5m, for: 1m}]}
probes: {auth: {is: reads}}
""",
        """\
3:28 RL704 only what `reads` has a value | leave it out, or write `is: reads`
3:50 RL704 it reads nothing | add the value: `value: 0.5`
3:81 RL704 `until` and `for` both say when it ends | keep one of them
4:21 RL704 it reads nothing | add the value: `value: 0.5`
""",
    ),
}


def read(text: str, of: Plan = PLAN) -> tuple[Scripted | None, list[Complaint]]:
    """Return what a document says of a plan, and what is wrong with it."""
    found = read_rehearsal(source_from_bytes("x.yaml", text.encode()))
    if found.document is None:
        return None, list(found.complaints)
    said = scripted(found.document, of, found.complaints)
    return said, list(found.complaints)


@pytest.mark.parametrize("case", WRONG)
def test_every_mistake_is_found_at_its_place(case: str) -> None:
    """All are reported at once, each with its line, column, code and mend."""
    text, expected = WRONG[case]
    _, complaints = read(HEAD + text)
    lines = [f"{each.line}:{each.col} {each.code} {each.message} | {each.hint}" for each in complaints]
    assert len(lines) == len(expected.splitlines()), "\n".join(lines)
    for line, wanted in zip(lines, expected.splitlines(), strict=True):
        pattern = ".*".join(re.escape(part) for part in wanted.split("…"))
        assert re.fullmatch(pattern, line), line


def test_every_code_of_rehearsals_is_earned() -> None:
    """The table has none that nobody complains of."""
    earned = {code for text, expected in WRONG.values() for code in re.findall(r"RL7\d\d", expected)}
    assert earned == {code for code in CODES if code.startswith("RL7")}


@pytest.mark.parametrize("text", ["runbook: x\nstages: []\n", "site: x\nproviders: {}\n"])
def test_another_document_is_none(text: str) -> None:
    """A runbook or a site in its place is said to be one."""
    complaints = read(text)[1]
    assert [(each.code, each.message) for each in complaints] == [("RL208", "this is no rehearsal")]


def test_short_forms() -> None:
    """One word is an entry, one entry a list; alone it stands for ever, in a list once."""
    said, complaints = read(
        HEAD + "steps: {undeploy: fails, throttle: [fails, succeeds], warm: {is: fails, times: 2}}\n"
        "probes: {auth: {value: {release: 41}}}\ngates: {mend: denied, reopen: [denied, {is: approved, by: bo}]}\n"
        "checks: {well: {value: 3}}\n"
    )
    assert said is not None
    assert complaints == []
    script = said.script
    assert [each.times for name in ("undeploy", "throttle", "warm") for each in script.steps[name]] == [None, 1, 1, 2]
    assert [(each.word, each.times) for each in script.gates["mend"]] == [("denied", None)]
    assert [(each.word, each.times, each.by) for each in script.gates["reopen"]] == [
        ("denied", 1, ()),
        ("approved", 1, ("bo",)),
    ]
    assert script.checks["well"][0].value == 3
    assert script.probes["auth"][0].value == {"release": 41}
    assert said.expected.state == "succeeded"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("undeploy failed", Moment("step", "undeploy", "failed")),
        ("contain entered", Moment("stage", "contain", "entered")),
        ("step warm skipped", Moment("step", "warm", "skipped")),
        ("stage warm skipped", Moment("stage", "warm", "skipped")),
        ("check warm failed", Moment("check", "warm", "failed")),
        ("gate mend asked", Moment("gate", "mend", "asked")),
        ("gate mend escalated boss", Moment("gate", "mend", "escalated", "boss")),
        ("admit at 50%", Moment("step", "admit", "at", "50")),
        ("held", Moment("run", "", "held")),
        ("held step-failed", Moment("run", "", "held", "step-failed")),
    ],
)
def test_moments_as_people_write_them(text: str, moment: Moment) -> None:
    """A name and what becomes of it; what kind of thing it is goes without saying, where only one has that name."""
    said, complaints = read(f"{HEAD}events: [{{at: {text}, do: pause, after: 5s, nth: 2}}]\n")
    assert complaints == []
    assert said is not None
    assert said.script.events == (Event(when=When(on=moment, nth=2, after_ms=5_000), verb="pause"),)


def test_every_word_of_a_moment_can_be_written() -> None:
    """Whatever a story says can be waited for."""
    names = {"stage": "contain", "gate": "gate mend", "step": "admit", "check": "well", "run": ""}
    for kind, words in WORDS.items():
        for word in words:
            value = " 50" if word == "at" else ""
            said, complaints = read(f"{HEAD}expect: {{happens: ['{f'{names[kind]} {word}{value}'.strip()}']}}\n")
            assert complaints == [], (kind, word)
            assert said is not None
            assert said.expected.happens[0].word == word


def test_a_killed_driver() -> None:
    """It is no verb of anybody's, and may leave something that happened."""
    said, _ = read(HEAD + "events: [{at: undeploy started, do: kill driver, happened: true}]\n")
    assert said is not None
    assert said.script.events[0].kills
    assert said.script.events[0].happened


def test_rehearsals_are_found_beside_their_runbook(tmp_path: Path) -> None:
    """In the folder ``rehearsals``, by name; and from there the runbook, where there is but one."""
    (tmp_path / "rehearsals").mkdir()
    for name in ("b", "a"):
        (tmp_path / "rehearsals" / f"{name}.yaml").write_text(HEAD)
    runbook = tmp_path / "x.runbook.yaml"
    assert [path.stem for path in rehearsals_beside(runbook)] == ["a", "b"]
    assert runbook_beside(tmp_path / "rehearsals/a.yaml") is None
    runbook.write_text("")
    assert runbook_beside(tmp_path / "rehearsals/a.yaml") == runbook
