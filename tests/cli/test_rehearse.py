"""The command that rehearses: scripts, tests of a team, changes side by side, real sites, past runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from relight.sdk import Secrets

Relight = Callable[..., Any]

RUNBOOK = """\
runbook: tidy
schema: relight/v1
title: Make room, then restart
inputs:
  who: {type: string, default: world}
stages:
  - id: make-room
    steps:
      - id: note
        action: shell.run
        with: {argv: [touch, "%s"]}
        undo: {action: shell.run, with: {argv: [rm, "%s"]}}
  - id: restart
    gate:
      title: Restart now, ${{ inputs.who }}?
      approval: {roles: [boss], allow_self_approval: true}
    steps:
      - {id: settle, action: wait, with: {duration: 2s}}
"""
SITE = """\
site: lab
schema: relight/v1
environment: test
people: [{id: me, roles: [boss], os: %s}, {id: bo, roles: [boss]}, {id: cy}]
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a runbook, a site and two rehearsals."""
    from relight.control.people import os_name

    mark = tmp_path / "relight-was-here"
    (tmp_path / "tidy.runbook.yaml").write_text(RUNBOOK % (mark, mark))
    (tmp_path / "lab.site.yaml").write_text(SITE % os_name())
    write(tmp_path, "denied", "gates: {restart: denied}\nexpect: {state: held, hold: gate-denied, never: [settle]}\n")
    write(tmp_path, "fails", "steps: {note: fails}\nexpect: {state: held, hold: step-failed, stage: make-room}\n")
    return tmp_path


def write(place: Path, name: str, text: str) -> Path:
    """Write a rehearsal."""
    folder = place / "rehearsals"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(f"rehearsal: {name}\nschema: relight/v1\n{text}")
    return path


def said(relight: Relight, *words: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the document."""
    ended = relight("rehearse", *words, "-o", "json")
    return ended.code, json.loads(ended.out)


class TestOne:
    """A runbook, once."""

    def test_it_succeeds_and_touches_nothing(self, relight: Relight, place: Path) -> None:
        """The story is told, what was only assumed is named, and nothing was done."""
        ended = relight("rehearse", f"{place}/tidy.runbook.yaml")
        assert ended.code == 0
        assert "a site made up from the runbook" in ended.out
        assert "GATE restart/" in ended.out
        assert "NOT REHEARSED  note: nothing plays it here, so it was assumed" in ended.out
        assert not (place / "relight-was-here").exists()

    def test_its_document(self, relight: Relight, place: Path) -> None:
        """``relight.rehearsal/v1`` has what its readers were promised."""
        code, document = said(relight, f"{place}/tidy.runbook.yaml", "--site", f"{place}/lab.site.yaml")
        assert (code, document["schema"], document["state"]) == (0, "relight.rehearsal/v1", "succeeded")
        assert document["duration_s"] > 2
        assert {"t_s", "stage", "step", "what"} == set(document["timeline"][0])
        assert document["not_rehearsed"][0]["step"] == "note"
        assert document["curves"] == {}

    def test_at_a_site_that_is_made_up(self, relight: Relight, place: Path) -> None:
        """Where the practice site lacks what the runbook names, one is made up."""
        text = (
            (place / "tidy.runbook.yaml").read_text().replace("shell.run, with: {argv: [rm", "mill.stop, with: {x: [y")
        )
        (place / "mill.runbook.yaml").write_text(text)
        code, document = said(relight, f"{place}/mill.runbook.yaml")
        assert (code, document["where"]) == (0, "a site made up from the runbook")

    def test_in_the_simulation(self, relight: Relight, tmp_path: Path) -> None:
        """The shipped runbook recovers the simulated brownout, with curves, and a picture of them."""
        svg, html = tmp_path / "a.svg", tmp_path / "a.html"
        code, document = said(relight, "brownout-recovery", "--seed", "3", "--svg", str(svg), "--html", str(html))
        assert (code, document["world"], document["seed"]) == (0, "simulation", 3)
        assert all(len(points) > 10 and len(points[0]) == 2 for points in document["curves"].values())
        assert document["figures"]["turned_away"] > 0
        assert svg.read_text().startswith("<svg")
        assert "<svg" in html.read_text()

    def test_the_seed_is_the_night(self, relight: Relight) -> None:
        """The same seed gives the same document, another one another."""
        one, again, other = (said(relight, "brownout-recovery", "--seed", seed)[1] for seed in ("1", "1", "2"))
        assert one == again
        assert one["curves"] != other["curves"]

    def test_no_secret_is_needed(self, relight: Relight, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """References to secrets that nobody has stay references: none is ever resolved."""

        def reveal(*_: Any) -> str:
            raise AssertionError("a rehearsal resolved a secret")

        monkeypatch.setattr(Secrets, "reveal", reveal)
        text = (place / "tidy.runbook.yaml").read_text()
        text = text.replace("with: {argv: [touch,", 'with: {env: {TOKEN: "env:NOBODY_HAS_THIS"}, argv: [touch,')
        (place / "tidy.runbook.yaml").write_text(text)
        assert relight("rehearse", f"{place}/tidy.runbook.yaml").code == 0

    def test_it_did_not_end_as_it_should(self, relight: Relight, place: Path) -> None:
        """Without a script it should succeed; nobody here may open its gate."""
        (place / "lab.site.yaml").write_text((place / "lab.site.yaml").read_text().replace("min_approvals", ""))
        script = write(place, "wrong", "gates: {restart: ignored}\nexpect: {state: succeeded}\n")
        ended = relight("rehearse", f"{place}/tidy.runbook.yaml", "--script", str(script))
        assert ended.code == 1
        assert "BUT        the run should be succeeded and is held (gate-expired" in ended.out


class TestScripts:
    """Rehearsals as a team's tests."""

    def test_all_of_them(self, relight: Relight, place: Path) -> None:
        """Each is one line, and one case of the JUnit file."""
        junit = place / "junit.xml"
        ended = relight("rehearse", f"{place}/tidy.runbook.yaml", "--all", "--junit", str(junit))
        assert ended.code == 0
        assert ended.out.count("ok  ") == 2
        suite = ET.parse(junit).getroot()
        assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "0", "0")
        assert [case.get("name") for case in suite] == ["denied", "fails"]

    def test_one_that_fails(self, relight: Relight, place: Path) -> None:
        """It is named with what is not as it should be, here and in the file."""
        write(place, "never-came", "steps: {settle: fails}\nexpect: {state: succeeded}\n")
        junit = place / "junit.xml"
        ended = relight("rehearse", f"{place}/tidy.runbook.yaml", "--all", "--junit", str(junit))
        assert ended.code == 1
        assert "the script says `step settle fails`, and that never came about" in ended.out
        failure = ET.parse(junit).getroot().find(".//failure")
        assert failure is not None
        assert "never came about" in str(failure.get("message"))

    def test_one_that_is_wrong(self, relight: Relight, place: Path) -> None:
        """The others are played, the mistake is shown at its place, and the exit code is 3."""
        write(place, "wrong", "steps: {nothing: fails}\n")
        junit = place / "junit.xml"
        ended = relight("rehearse", f"{place}/tidy.runbook.yaml", "--all", "--junit", str(junit))
        assert ended.code == 3
        assert ended.out.count("ok  ") == 2
        assert "wrong.yaml:3:9: RL701 the runbook has no step 'nothing'" in ended.err
        assert ET.parse(junit).getroot().get("errors") == "1"

    def test_none_at_all(self, relight: Relight, place: Path) -> None:
        """Whoever asks for tests that are not there is told where they belong."""
        (place / "rehearsals" / "denied.yaml").unlink()
        (place / "rehearsals" / "fails.yaml").unlink()
        ended = relight("rehearse", f"{place}/tidy.runbook.yaml", "--all")
        assert ended.code == 2
        assert "there is no rehearsal beside" in ended.err

    def test_a_rehearsal_of_another_site(self, relight: Relight, place: Path) -> None:
        """A simulation that the site has not is a mistake of the document, at its place."""
        script = write(place, "sim", "world: simulation\n")
        runbook, site = f"{place}/tidy.runbook.yaml", f"{place}/lab.site.yaml"
        ended = relight("rehearse", runbook, "--site", site, "--script", str(script))
        assert ended.code == 3
        assert "sim.yaml:3:8: RL704" in ended.err

    def test_who_starts_it(self, relight: Relight, place: Path) -> None:
        """A rehearsal may say who starts the run, by name or role; nobody by that name is a mistake."""
        runbook, site = f"{place}/tidy.runbook.yaml", f"{place}/lab.site.yaml"
        text = "starter: bo\ngates: {restart: {is: approved, by: starter}}\nexpect: {approved_by: {restart: bo}}\n"
        script = write(place, "bo", text)
        assert relight("rehearse", runbook, "--site", site, "--script", str(script)).code == 0
        ended = relight("rehearse", runbook, "--site", site, "--script", str(write(place, "no", "starter: zoe\n")))
        assert ended.code == 2
        assert "nobody at this site is 'zoe'" in ended.err


class TestChanges:
    """What a change would do."""

    def test_side_by_side(self, relight: Relight) -> None:
        """A column for each, the runbook as it is first."""
        ended = relight(
            "rehearse",
            "brownout-recovery",
            "--what-if",
            "inputs.admit=20",
            "--what-if",
            "stages.reopen.steps.admit.ramp.through=[50,100]",
        )
        assert ended.code == 0
        rows = {line.split("  ")[0].strip(): line.split()[-3:] for line in ended.out.splitlines()}
        assert rows["ends"] == ["succeeded"] * 3
        times = [int(text.split(":")[0]) * 60 + int(text.split(":")[1]) for text in rows["the run takes"]]
        assert times[2] < times[0]
        assert "worst error ratio" in ended.out
        assert "turned away" in ended.out
        assert "relapses" in ended.out

    def test_as_a_document(self, relight: Relight) -> None:
        """The runbook as it is, and under ``what_if`` each change."""
        code, document = said(relight, "brownout-recovery", "--what-if", 'stages.roll-back.when="false"')
        assert (code, document["state"]) == (1, "succeeded")
        assert [each["state"] for each in document["what_if"]] == ["held"]

    @pytest.mark.parametrize(
        ("change", "code", "words"),
        [
            ("stages.reopn.gate.expires_after=1h", 2, "did you mean 'reopen'?"),
            ("stages.reopen.steps.admit.ramp.thruogh=[50]", 3, "did you mean 'through'?"),
            ("stages.reopen.steps.admit.ramp.through=[90,20]", 3, "RL501"),
            ("inputs.admitt=20", 3, "did you mean 'admit'?"),
            ("inputs.admit=99", 3, "RL611"),
            ("nothing", 2, "changes nothing"),
            ("title=[", 2, "is no value"),
        ],
    )
    def test_a_change_that_is_wrong(self, relight: Relight, change: str, code: int, words: str) -> None:
        """A path that leads nowhere and a value that does not fit are told apart, each with its mend."""
        ended = relight("rehearse", "brownout-recovery", "--what-if", change)
        assert ended.code == code
        assert words in ended.err

    @pytest.mark.parametrize("other", [["--all"], ["--replay", "7f3"], ["--against", "x"]])
    def test_what_does_not_go_together(self, relight: Relight, other: list[str]) -> None:
        """It is said, and nothing is played."""
        ended = relight("rehearse", "brownout-recovery", "--what-if", "inputs.admit=20", *other)
        assert ended.code == 2
        assert "do not go together" in ended.err


class TestRealSites:
    """A real site is looked at, and nothing is written there."""

    def test_an_action_without_a_check_mode_is_only_shown(self, relight: Relight, place: Path) -> None:
        """It is listed, with what it would do, and not done."""
        code, document = said(relight, f"{place}/tidy.runbook.yaml", "--against", f"{place}/lab.site.yaml/observe")
        assert (code, document["world"]) == (0, "observed")
        assert document["not_rehearsed"][0]["why"].startswith("it has no check mode, so it was only shown: runs touch")
        assert not (place / "relight-was-here").exists()

    def test_the_word_site_means_the_site_that_is_given(self, relight: Relight, place: Path) -> None:
        """Without one it is asked for."""
        runbook, site = f"{place}/tidy.runbook.yaml", f"{place}/lab.site.yaml"
        assert relight("rehearse", runbook, "--against", "site", "--site", site).code == 0
        assert "add --site SITE" in relight("rehearse", runbook, "--against", "site").err

    def test_one_on_paper_has_nothing_to_look_at(self, relight: Relight) -> None:
        """The practice site is only there while a drill lasts."""
        assert relight("rehearse", "brownout-recovery", "--against", "practice").code == 2


class TestPastRuns:
    """A past run becomes a rehearsal."""

    @pytest.fixture
    def run(self, relight: Relight, place: Path) -> str:
        """A run that was aborted at its gate."""
        runbook, site = f"{place}/tidy.runbook.yaml", f"{place}/lab.site.yaml"
        text = Path(runbook).read_text()
        Path(runbook).write_text(text.split("    gate:")[0] + "    steps:" + text.split("    steps:")[-1])
        ended = relight("run", runbook, "--site", site, "--yes", "--foreground", "-o", "json")
        assert ended.code == 0, ended.err
        return str(json.loads(ended.out)["run"])

    def test_the_same_runbook_decides_the_same(self, relight: Relight, place: Path, run: str) -> None:
        """To the last fact."""
        code, document = said(relight, f"{place}/tidy.runbook.yaml", "--replay", run[:4])
        assert (code, document["divergence"], document["state"]) == (0, None, "succeeded")
        assert document["facts"]["same"] == document["facts"]["of"]

    def test_a_changed_runbook_is_caught_at_its_first_other_decision(
        self, relight: Relight, place: Path, run: str
    ) -> None:
        """With the fact, the stage, the step and why."""
        path = place / "tidy.runbook.yaml"
        path.write_text(path.read_text().replace("[touch,", "[touch, --no-create,"))
        code, document = said(relight, str(path), "--replay", run)
        divergence = document["divergence"]
        assert code == 1
        assert (divergence["stage"], divergence["step"]) == ("make-room", "note")
        assert divergence["why"].startswith("argv is ['touch', '--no-create'")
        assert "DIVERGES" in relight("rehearse", str(path), "--replay", run).out

    def test_a_site_that_is_gone(self, relight: Relight, place: Path, run: str) -> None:
        """It is asked for by name."""
        (place / "lab.site.yaml").unlink()
        ended = relight("rehearse", f"{place}/tidy.runbook.yaml", "--replay", run)
        assert ended.code == 2
        assert "--site lab" in ended.err


def test_a_file_that_cannot_be_written(relight: Relight, tmp_path: Path) -> None:
    """One sentence, and no traceback."""
    ended = relight("rehearse", "brownout-recovery", "--svg", str(tmp_path / "no/such/folder.svg"))
    assert ended.code == 2
    assert "cannot be written" in ended.err
