"""Complaints as people and machines read them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from relight.runbook.codes import CODES, table
from relight.runbook.complaints import Complaint, did_you_mean
from relight.runbook.render import as_github, as_json, as_sarif, as_text
from relight.runbook.source import printable

ENGINE = Path(__file__).parents[2] / "engine/relight"
WRONG = "runbook: a\nschema: relight/v1\nstages: [{id: z, optional: yes, stpes: []}]\ninputs: {a: {type: string}}\n"
Lint = Callable[[str], list[Complaint]]


def test_text_shows_the_line_a_caret_and_the_mend(lint: Lint) -> None:
    """A person sees what is wrong, where, and what to write."""
    assert as_text(lint(WRONG)) == (
        "doc.yaml:3:10: RL513 this stage does nothing\n"
        "  3 | stages: [{id: z, optional: yes, stpes: []}]\n"
        "    |          ^\n"
        "  hint: give it steps or verify, or delete it\n"
        "doc.yaml:3:28: RL203 'optional' is text, not true or false\n"
        "  3 | stages: [{id: z, optional: yes, stpes: []}]\n"
        "    |                            ^\n"
        "  hint: write true: in YAML 1.2 yes is a word\n"
        "doc.yaml:3:33: RL201 unknown key 'stpes' in a stage\n"
        "  3 | stages: [{id: z, optional: yes, stpes: []}]\n"
        "    |                                 ^\n"
        "  hint: did you mean 'steps'?"
    )


def test_the_caret_stands_under_its_place_whatever_the_script(lint: Lint) -> None:
    """Signs that fill two columns of a terminal, or none, do not push the caret aside."""
    found = lint("runbook: a\nschema: relight/v1\nsymptoms: [日本, e\u0301, 3]\nstages: []\n")
    line = next(text for text in as_text(found).splitlines() if text.endswith("^"))
    assert line == f"    | {' ' * 20}^"


def test_long_lines_are_a_window_around_the_caret(lint: Lint) -> None:
    """A line wider than a terminal is cut on both sides, and the caret still stands under the place."""
    found = lint("runbook: a\nschema: relight/v1\nsymptoms: [" + "x, " * 200 + "3, " + "y, " * 200 + "]\n")
    complaint = next(each for each in found if each.code == "RL203")
    assert len(complaint.excerpt) < 110
    assert complaint.excerpt[complaint.caret - 1] == "3"
    assert complaint.excerpt.startswith("…")
    assert complaint.excerpt.endswith("…")


def test_warnings_say_that_they_are(lint: Lint) -> None:
    """A warning is told from an error without knowing codes."""
    found = lint(
        "runbook: a\nschema: relight/v1\ninputs: {a: {type: string}}\n"
        "stages: [{id: a, steps: [{id: b, action: deploy.freeze}]}]\n"
    )
    assert as_text(found).splitlines()[0] == "doc.yaml:3:10: RL410 warning: nothing uses the input 'a'"


def test_json_is_versioned_and_whole(lint: Lint) -> None:
    """A program gets every complaint with all its parts."""
    document = json.loads(as_json(lint(WRONG), 2))
    assert document["schema"] == "relight.lint/v1"
    assert (document["ok"], document["errors"], document["warnings"], document["left_out"]) == (False, 3, 0, 2)
    assert document["complaints"][2] == {
        "code": "RL201",
        "severity": "error",
        "file": "doc.yaml",
        "line": 3,
        "col": 33,
        "message": "unknown key 'stpes' in a stage",
        "hint": "did you mean 'steps'?",
    }
    assert json.loads(as_json([]))["ok"] is True


def test_github_annotations_escape_what_has_a_meaning_there() -> None:
    """Percent signs, line ends, colons and commas do not end a workflow command early."""
    complaint = Complaint(
        code="RL201", severity="warning", message="50%\n::error::x", hint="a, b", file="a,b:c.yaml", line=1, col=2
    )
    assert as_github([complaint]) == (
        "::warning file=a%2Cb%3Ac.yaml,line=1,col=2,title=RL201::50%25%0A::error::x%0Aa, b"
    )


def test_sarif_names_its_rules(lint: Lint) -> None:
    """A code-scanning service finds version, rules, levels and places."""
    log = json.loads(as_sarif(lint(WRONG)))
    run = log["runs"][0]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["RL201", "RL203", "RL513"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert (region["startLine"], result["level"]) == (3, "error")


def test_secrets_are_not_shown_with_their_line(lint: Lint) -> None:
    """The line of a complaint about a secret hides it, and so does every other complaint about that line."""
    found = lint(
        "runbook: a\nschema: relight/v1\nstages:\n  - id: a\n    steps:\n"
        "      - {id: a, action: shell.run, with: {argv: [ls, 'https://a:hunter22@x.org'], argz: 1}}\n"
    )
    assert {each.code for each in found} == {"RL405", "RL518"}
    assert "hunter22" not in as_text(found)
    assert "[secret]" in as_text(found)


def test_a_secret_where_a_reference_belongs_is_not_shown(lint: Lint) -> None:
    """What was written under an argument that takes a reference is a secret, whatever it looks like."""
    found = lint(
        "runbook: a\nschema: relight/v1\nstages:\n  - id: a\n    steps:\n"
        "      - {id: a, action: shell.run, with: {argv: [ls], secret_env: {WORD: xyzzy}, wrong: 1}}\n"
    )
    assert {each.code for each in found} == {"RL405", "RL407"}
    assert "xyzzy" not in as_text(found)


def test_nothing_reaches_a_terminal_that_moves_its_cursor() -> None:
    """Controls, bidirectional marks and what has no width are written out."""
    text = printable("a\x1b[31m\u202eb\x9b\u200bc\x07\u2028d\ufeff\ud800é😀")
    assert text == "a\\u001b[31m\\u202eb\\u009b\\u200bc\\u0007\\u2028d\\ufeff\\ud800é😀"


def test_the_name_that_was_meant_is_offered() -> None:
    """A near name is offered, dashes and underscores are alike, and else what is known is listed."""
    assert did_you_mean("stpes", ["steps", "stages"]) == "did you mean 'steps'?"
    assert did_you_mean("a-b", ["a_b"]) == "did you mean 'a_b'?"
    assert did_you_mean("xyz", ["steps", "stages"]) == "known are: stages, steps"
    assert did_you_mean("xyz", []) == "there are none"
    assert did_you_mean("xyz", ["steps"], otherwise="look it up") == "look it up"


def test_every_code_is_used_and_documented() -> None:
    """No complaint has a code that the table lacks, and the table has none that nobody complains of."""
    sources = [path.read_text() for path in ENGINE.rglob("*.py") if path.name != "codes.py"]
    used = set(re.findall(r"\"(RL\d{3})\"", "".join(sources)))
    assert used == set(CODES)
    assert all(f"| {code} |" in table() for code in CODES)
