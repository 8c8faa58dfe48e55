"""The commands about documents, the catalogue, and the questions before a start."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from relight.cli import prompting
from relight.errors import UsageError
from relight.journal.sqlite import SqliteJournal

Relight = Callable[..., Any]

RUNBOOK = """\
runbook: hello
schema: relight/v1
title: Say hello
symptoms: [nobody says hello, silence]
inputs:
  who: {type: string, default: world, description: Whom}
stages:
  - id: greet
    steps:
      - {id: hello, action: shell.run, with: {argv: [echo, "${{ inputs.who }}"]}}
  - id: again
    optional: true
    gate:
      title: Again, ${{ inputs.who }}?
      approval: {roles: [boss], allow_self_approval: true}
    steps:
      - {id: nap, action: wait, with: {duration: 1s}}
"""
SITE = """\
site: lab
schema: relight/v1
environment: %s
people:
  - {id: me, roles: [boss], os: %s}
"""


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    from relight.control.people import os_name

    (tmp_path / "hello.runbook.yaml").write_text(RUNBOOK)
    (tmp_path / "lab.site.yaml").write_text(SITE % ("test", os_name()))
    (tmp_path / "prod.site.yaml").write_text(SITE % ("production", os_name()))
    return tmp_path


def wrong(documents: Path) -> Path:
    path = documents / "wrong.runbook.yaml"
    path.write_text(RUNBOOK.replace("shell.run", "shell.rnu").replace("inputs.who", "inputs.how", 1))
    return path


def test_lint_is_silent_about_what_is_right(relight: Relight, documents: Path) -> None:
    """Nothing wrong: nothing on standard output, a count on the other, and 0."""
    said = relight("lint", documents / "hello.runbook.yaml", documents / "lab.site.yaml")
    assert (said.code, said.out) == (0, "")
    assert said.err == "2 documents: 0 errors\n"


def test_lint_says_every_problem_at_once(relight: Relight, documents: Path) -> None:
    """Each with file, line, column, code, a caret and a hint; 3."""
    path = wrong(documents)
    said = relight("lint", path)
    assert said.code == 3
    assert f"{path}:10:" in said.out
    assert "RL302" in said.out
    assert "did you mean" in said.out
    assert "^" in said.out
    assert "1 document: 2 errors" in said.err


@pytest.mark.parametrize("words", [("--format", "json"), ("-o", "json"), ("-o", "jsonl")])
def test_lint_speaks_json(relight: Relight, documents: Path, words: tuple[str, ...]) -> None:
    """A program gets ``relight.lint/v1``."""
    said = relight("lint", wrong(documents), *words)
    found = json.loads(said.out)
    assert said.code == 3
    assert found["schema"] == "relight.lint/v1"
    assert found["errors"] == 2


def test_lint_takes_a_folder(relight: Relight, documents: Path) -> None:
    """Every runbook and site below it is judged; other documents, hidden folders and links are left alone."""
    (documents / "sub/.hidden").mkdir(parents=True)
    (documents / "sub/bad.yml").write_text("site: bad\n")
    (documents / "sub/.hidden/no.runbook.yaml").write_text("runbook: no\n")
    (documents / "sub/rehearsal.yaml").write_text("rehearsal: x\nrunbook: hello\n")
    (documents / "sub/other.yaml").write_text("- hosts: all\n")
    (documents / "sub/round").symlink_to(documents)
    said = relight("lint", documents)
    assert (said.code, said.err) == (3, "4 documents: 2 errors\n")
    assert {line.split(":")[0] for line in said.out.splitlines() if "RL" in line} == {str(documents / "sub/bad.yml")}


def test_lint_says_of_a_folder_that_it_is_empty(relight: Relight, tmp_path: Path) -> None:
    """That nothing is wrong with nothing would be a comfortable lie."""
    (tmp_path / "empty").mkdir()
    said = relight("lint", tmp_path / "empty")
    assert said.code == 2
    assert "no runbook and no site" in said.err


def test_lint_reads_standard_input(relight: Relight, documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor or a hook need not write a file first."""
    data = b"runbook: a\nschema: relight/v1\nstages: []\n"
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data), isatty=lambda: False))
    said = relight("lint", "-", documents / "hello.runbook.yaml")
    assert said.code == 3
    assert said.out.startswith("<stdin>:3:9: RL210")


def test_lint_speaks_to_services(relight: Relight, documents: Path) -> None:
    """GitHub's annotations and SARIF, each as their readers want them."""
    github = relight("lint", wrong(documents), "--format", "github").out.splitlines()
    assert github
    assert all(line.startswith("::error file=") for line in github)
    sarif = json.loads(relight("lint", wrong(documents), "--format", "sarif").out)
    assert sarif["version"] == "2.1.0"


def test_a_plan_is_shown(relight: Relight, documents: Path) -> None:
    """Concrete actions, gates with who can fill them, and whether the providers answer."""
    said = relight("plan", documents / "hello.runbook.yaml", "--site", documents / "lab.site.yaml", "-i", "who=bo")
    assert said.code == 0
    assert "PLAN hello at lab (test)" in said.out
    assert "shell.run via shell (shell)" in said.out
    assert "Again, bo?" in said.out
    assert "1 of boss: me" in said.out
    assert "answers" in said.out


def test_a_plan_as_json(relight: Relight, documents: Path) -> None:
    """A program gets ``relight.plan/v1`` with digest, starter and what the providers said; offline it asks none."""
    words = ("plan", documents / "hello.runbook.yaml", "--site", documents / "lab.site.yaml", "-o", "json")
    plan = json.loads(relight(*words).out)
    assert (plan["schema"], plan["starter"], len(plan["digest"])) == ("relight.plan/v1", "me", 64)
    assert [answer["ok"] for answer in plan["answers"]] == [True]
    assert json.loads(relight(*words, "--offline").out)["answers"] is None


def test_the_practice_site_is_planned_on_paper(relight: Relight) -> None:
    """No process is started or asked for it; a run is refused and told of the drill."""
    plan = json.loads(relight("plan", "brownout-recovery", "--site", "practice", "-o", "json").out)
    assert (plan["site"], plan["pace"], plan["answers"]) == ("practice", 10, None)
    said = relight("run", "brownout-recovery", "--site", "practice")
    assert said.code == 2
    assert "relight drill" in said.err


def test_no_plan_comes_of_wrong_documents(relight: Relight, documents: Path) -> None:
    """All complaints are shown with their places; 3; as JSON the error carries them."""
    words = ("plan", wrong(documents), "--site", documents / "lab.site.yaml")
    said = relight(*words)
    assert said.code == 3
    assert "error: no plan: 2 mistakes in " in said.err
    assert "RL302" in said.err
    document = json.loads(relight(*words, "-o", "json").out)
    assert [complaint["line"] for complaint in document["complaints"]] == [10, 10]


def test_a_wrong_input_is_refused_in_place(relight: Relight, documents: Path) -> None:
    """An input that the runbook does not have, or not of its type, is a complaint like any other."""
    words = ("plan", documents / "hello.runbook.yaml", "--site", documents / "lab.site.yaml")
    said = relight(*words, "-i", "how=x")
    assert said.code == 3
    assert "no input 'how'" in said.err


@pytest.mark.parametrize("kind", ["runbook", "site"])
def test_schemas_are_printed(relight: Relight, kind: str) -> None:
    """Editors get the JSON Schema of both documents."""
    said = relight("schema", kind)
    assert said.code == 0
    assert json.loads(said.out)["$id"] == f"relight-{kind}.schema.json"


# ---- the catalogue


@pytest.fixture
def config(home: Path, documents: Path) -> Path:
    folder = documents / "config"
    folder.mkdir()
    shelf = documents / "shelf" / "hello"
    shelf.mkdir(parents=True)
    (shelf / "hello.runbook.yaml").write_text(RUNBOOK)
    (folder / "config.yaml").write_text(f"runbooks: [{documents}/shelf]\nsites: {{lab: ../lab.site.yaml}}\n")
    return folder / "config.yaml"


def test_bare_relight_shows_the_catalogue(relight: Relight, config: Path) -> None:
    """Your runbooks with title and symptoms."""
    said = relight()
    assert said.code == 0
    assert "hello                     Say hello" in said.out
    assert "when: nobody says hello, silence" in said.out
    document = json.loads(relight("-o", "json").out)
    assert document["schema"] == "relight.overview/v1"
    assert document["runbooks"][0]["symptoms"] == ["nobody says hello", "silence"]
    assert json.loads(relight("-o", "json", "runs").out) == json.loads(relight("runs", "-o", "json").out)


def test_names_of_the_catalogue_are_enough(relight: Relight, config: Path) -> None:
    """A runbook and a site are planned by their configured names."""
    said = relight("plan", "hello", "--site", "lab")
    assert said.code == 0, said.err
    assert relight("lint", "hello").code == 0


def test_the_current_directory_is_never_looked_at(
    relight: Relight, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document beside you is taken only when it is named as a path."""
    monkeypatch.chdir(documents)
    said = relight("plan", "hello", "--site", "./lab.site.yaml")
    assert said.code == 2
    assert "write ./hello.runbook.yaml" in said.err
    assert relight("plan", "hello.runbook.yaml", "--site", "lab.site.yaml").code == 0
    assert "hello" not in relight().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("runbooks: /srv\n", "no list of folders"),
        ("sites: [a]\n", "maps no names to paths"),
        ("runbook: [x]\n", "unknown key 'runbook'"),
        ("runbooks: [\n", "cannot be read"),
        ("runbooks: !!python/object:os.system [x]\n", "cannot be read"),
    ],
)
def test_a_wrong_configuration_is_said(relight: Relight, config: Path, text: str, said: str) -> None:
    """What is wrong with the file of settings is told with its place, and with 3."""
    config.write_text(text)
    told = relight()
    assert told.code == 3
    assert said in told.err
    assert str(config) in told.err


def test_a_broken_runbook_does_not_hide_the_others(relight: Relight, config: Path, documents: Path) -> None:
    """A document of the catalogue that cannot be read is named; the rest is shown."""
    (documents / "shelf" / "broken.runbook.yaml").write_text("runbook: [\n")
    said = relight()
    assert said.code == 0
    assert "Say hello" in said.out
    assert "cannot be read: relight lint" in said.out


def test_doctor_looks_around(relight: Relight, config: Path) -> None:
    """Journal, disk, configuration, plugins: what is there, what is not, and how to mend it."""
    said = relight("doctor", "-o", "json")
    findings = {finding["what"]: finding for finding in json.loads(said.out)["doctor"]}
    assert findings["journal"]["verdict"] == "ok"
    assert findings["configuration"]["says"].endswith("1 runbooks, 1 sites")
    assert relight("doctor").out.splitlines()[0].split()[1:3] == ["relight", version("relight")]


def test_doctor_changes_nothing(relight: Relight, home: Path) -> None:
    """Where no run was started yet it says where the journal would be, and makes none."""
    said = relight("doctor")
    assert f"the first run makes it in {home}" in said.out
    assert list(home.iterdir()) == []


def test_doctor_says_when_the_disk_is_too_full(relight: Relight, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be refused in the night is a failure now, with how much is wanted."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2**20))
    said = relight("doctor")
    assert (said.code, "free 16 MiB" in said.out) == (9, True)


def test_doctor_names_what_a_plugin_lacks(relight: Relight, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin whose extra is not installed is told before a site needs it, with the command that mends it."""
    monkeypatch.setattr("importlib.metadata.requires", lambda _: ["no-such-client>=1; extra == 'ansible'"])
    said = relight("doctor")
    assert "ansible cannot work without no-such-client" in said.out
    assert "pip install 'relight[ansible]'" in said.out


def test_doctor_knows_a_clock_that_went_back(
    relight: Relight, tales: ModuleType, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that began after now is a clock that was set back."""
    tales.Tale(journal=journal)
    assert "before the newest run began" not in relight("doctor").out
    monkeypatch.setattr("relight.control.wording.now_ms", lambda: tales.BEGAN - 1)
    assert "before the newest run began" in relight("doctor").out


def test_doctor_names_what_is_broken(relight: Relight, home: Path) -> None:
    """A journal that cannot be opened is 9, with what to do."""
    (home / "journal.db").mkdir()
    said = relight("doctor")
    assert said.code == 9
    assert "fail  journal" in said.out


def test_plugins_are_documented_from_their_code(relight: Relight) -> None:
    """The list has what each offers, and one is told in full."""
    assert "shell" in relight("plugins").out
    said = relight("plugins", "shell")
    assert said.code == 0
    assert "shell.run" in said.out
    assert json.loads(relight("plugins", "shell", "-o", "json").out)["schema"] == "relight.plugin/v1"


def test_simulations_are_documented_with_the_plugins(relight: Relight) -> None:
    """The list names them, and one is told with every parameter and what it plays."""
    assert "simulation" in relight("plugins").out
    said = relight("plugins", "sign-in")
    assert said.code == 0
    assert "broken_for" in said.out
    assert "admission.throttle" in said.out
    assert json.loads(relight("plugins", "sign-in", "-o", "json").out)["schema"] == "relight.simulation/v1"


# ---- the questions before a start


class Typist(io.StringIO):
    """Somebody at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def typing_(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Typist]:
    def types(text: str) -> Typist:
        screen = Typist()
        monkeypatch.setattr(sys, "stdin", Typist(text))
        monkeypatch.setattr(sys, "stderr", screen)
        return screen

    return types


@pytest.mark.parametrize(
    ("text", "agreed"), [("y\n", True), ("YES\n", True), ("\n", False), ("n\n", False), ("", False), ("yep\n", False)]
)
def test_the_answer_is_no_unless_it_is_yes(typing_: Callable[[str], Typist], text: str, agreed: bool) -> None:
    """Enter, the end of input and anything but yes mean No."""
    screen = typing_(text)
    assert prompting.confirmed("Start?", yes=False) is agreed
    assert "[y/N]" in screen.getvalue()


@pytest.mark.parametrize(
    ("text", "agreed"), [("prod-eu\n", True), ("prod\n", False), ("y\n", False), ("\n", False), ("", False)]
)
def test_production_is_typed(typing_: Callable[[str], Typist], text: str, agreed: bool) -> None:
    """The name of the site, whole; a yes is not enough."""
    screen = typing_(text)
    assert prompting.typed_name("prod-eu", confirm="") is agreed
    assert "PROD-EU IS PRODUCTION" in screen.getvalue()


def test_off_a_terminal_words_are_needed() -> None:
    """Where nobody can be asked, the command line has to say it: --yes, or the production site's name."""
    assert prompting.confirmed("Start?", yes=True)
    assert prompting.typed_name("prod-eu", confirm="prod-eu")
    with pytest.raises(UsageError, match="no terminal to ask on") as refusal:
        prompting.confirmed("Start?", yes=False)
    assert refusal.value.hint == "look at it, then add --yes"
    with pytest.raises(UsageError, match="prod-eu is production") as refusal:
        prompting.typed_name("prod-eu", confirm="")
    assert "--confirm prod-eu" in refusal.value.hint
    with pytest.raises(UsageError, match="--confirm says 'prod-us'"):
        prompting.typed_name("prod-eu", confirm="prod-us")


def test_nothing_starts_unasked(relight: Relight, documents: Path) -> None:
    """Off a terminal a start wants --yes, and production wants its name; --yes is not enough there."""
    runbook = documents / "hello.runbook.yaml"
    for words in (
        ("run", runbook, "--site", documents / "lab.site.yaml"),
        ("run", runbook, "--site", documents / "prod.site.yaml", "--yes"),
        ("run", runbook, "--site", documents / "prod.site.yaml", "--confirm", "prod"),
        ("run", runbook, "--site", documents / "lab.site.yaml", "--confirm", "prod"),
    ):
        said = relight(*words)
        assert said.code == 2, words
        assert "PLAN hello" in said.err
    assert relight("runs").out == "No runs yet.\n"
