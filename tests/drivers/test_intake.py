"""What may be kept of what a plugin said, the board for views, and the log."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relight.drivers.live import log as log_module
from relight.drivers.live.board import ENTRIES_MAX, PROGRESS_MAX, Board
from relight.drivers.live.intake import BLOB_MAX, ERROR_MAX, RESULT_MAX, Intake, Unkeepable
from relight.drivers.live.log import Log, LogFile
from relight.errors import JournalError
from relight.journal.port import BLOB_BYTES_MAX
from relight.sdk import Secret, Secrets


class Blobs:
    """Keeps blobs, or does not."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.full = False

    async def put(self, content: bytes) -> str:
        if self.full:
            raise JournalError("the disk is full")
        assert len(content) <= BLOB_BYTES_MAX
        self.kept.append(content)
        return f"digest-{len(self.kept)}"


async def test_a_result_that_fits_is_kept_as_it_is() -> None:
    """Sixteen kilobytes of JSON are a result."""
    blobs = Blobs()
    value = {"text": "x" * (RESULT_MAX - 40), "n": 1, "none": None}
    assert value == await Intake(Secrets(), blobs.put).result(value)
    assert [] == blobs.kept


async def test_a_larger_one_is_a_blob() -> None:
    """The journal keeps digest, size and head."""
    blobs = Blobs()
    value = {"text": "x" * RESULT_MAX}
    kept: Any = await Intake(Secrets(), blobs.put).result(value)
    assert {"$blob": "digest-1", "bytes": len(json.dumps(value)), "head": json.dumps(value)[:1_024]} == kept
    assert value == json.loads(blobs.kept[0])


async def test_a_giant_one_keeps_head_and_tail() -> None:
    """What is cut out of the middle is counted."""
    blobs = Blobs()
    kept: Any = await Intake(Secrets(), blobs.put).result("a" * BLOB_MAX + "b" * BLOB_MAX)
    assert 2 * BLOB_MAX + 2 == kept["bytes"]
    assert blobs.kept[0].startswith(b'"aaaa')
    assert blobs.kept[0].endswith(b'bbbb"')
    assert b"bytes left out" in blobs.kept[0]


async def test_what_happened_has_happened_even_if_its_blob_cannot_be_kept() -> None:
    """A full disk does not make a success unknown."""
    blobs = Blobs()
    blobs.full = True
    kept: Any = await Intake(Secrets(), blobs.put).result("a" * RESULT_MAX)
    assert kept["$blob"] is None
    assert kept["head"].startswith('"aaaa')


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", {"a": {"b": object()}}, {"a": float("inf")}])
async def test_what_is_no_json_is_refused(value: Any) -> None:
    """A plugin that returns it has broken its contract."""
    with pytest.raises(Unkeepable, match="no JSON"):
        await Intake(Secrets(), Blobs().put).result(value)


async def test_secrets_are_taken_out_before_anything_is_cut(canary: str) -> None:
    """In keys, values and long texts alike; half a secret is one too."""
    secrets = Secrets()
    secrets.reveal(Secret("env:RELIGHT_TEST_CANARY"))
    blobs = Blobs()
    intake = Intake(secrets, blobs.put)
    for length in range(ERROR_MAX // 2 - 60, ERROR_MAX // 2 + 20, 7):
        text = intake.text("x" * length + canary + "y" * ERROR_MAX)
        assert canary[:20] not in text
    value: Any = {canary: [canary, {"deep": f"<{canary}>"}], "long": "z" * RESULT_MAX + canary}
    kept = await intake.result(value)
    assert canary not in json.dumps(kept)
    assert canary.encode() not in blobs.kept[0]
    assert canary not in json.dumps(intake.reading({"a": canary}))


def test_text_is_fit_for_a_terminal() -> None:
    """No escape sequence, no bell, nothing that turns the direction of text around; lines and tabs stay."""
    hostile = "a\x1b[2Jb\x07c\x9bd\u202ee\u2066f\x00g\nh\ti"
    assert "a [2Jb c d e f g\nh\ti" == Intake(Secrets(), Blobs().put).text(hostile)


def test_a_large_reading_is_only_measured() -> None:
    """A board is for small things."""
    intake = Intake(Secrets(), Blobs().put)
    assert {"$large": True, "bytes": RESULT_MAX + 2} == intake.reading("x" * RESULT_MAX)


def board() -> Board:
    return Board("host/1", {"boot_id": "b", "zero_ms": 5}, lambda text, longest: text[:longest].replace("secret", "[]"))


def test_a_board_says_who_and_when() -> None:
    """Driver, clock and the last sign of life are on it, and it is a copy that later changes do not reach."""
    made = board()
    made.check("errors", kind="value", value=1.0)
    shown = made.put_up(77)
    made.check("errors", kind="value", value=2.0)
    made.progress("warm", "half", 3)
    assert (77, "host/1", 5) == (shown["beat_at"], shown["driver"], shown["clock"]["zero_ms"])
    assert 1.0 == shown["checks"]["errors"]["value"]
    assert {} == shown["progress"]


def test_an_error_leaves_the_value_that_was_seen_last() -> None:
    """Not seen now is not the same as never seen."""
    made = board()
    made.observed("throttle", at=1, value={"percent": 10})
    made.observed("throttle", at=2, error="refused")
    assert {"value": {"percent": 10}, "at": 1, "error": "refused"} == made.put_up(3)["observed"]["throttle"]
    made.unobserved("throttle")
    assert {} == made.put_up(4)["observed"]


def test_progress_is_cleaned_and_cut_when_it_is_shown() -> None:
    """However much a plugin says, however often, a line is a line."""
    made = board()
    for number in range(1_000):
        made.progress("warm", f"secret {number} " + "x" * 100_000, number)
    shown = made.put_up(1)["progress"]["warm"]
    assert shown["text"].startswith("[] 999 ")
    assert len(shown["text"]) <= PROGRESS_MAX + 6
    made.finished("warm")
    assert {} == made.put_up(2)["progress"]


def test_a_board_has_an_edge() -> None:
    """Ten thousand checks do not make it ten thousand entries long; the newest stay."""
    made = board()
    for number in range(10_000):
        made.check(f"c{number}", value=number)
    checks = made.put_up(1)["checks"]
    assert ENTRIES_MAX == len(checks)
    assert "c9999" in checks


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """A log in a file."""
    made = Log(LogFile(tmp_path / "a.log"))
    yield made
    made.close()


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_log_keeps_what_came_before_it_was_opened(log: Log, tmp_path: Path) -> None:
    """Nothing is loaded and nothing is lost in the first second of a driver."""
    log.event("began", run="r1")
    assert "" == (tmp_path / "a.log").read_text()
    log.open()
    log.event("went on", count=3)
    assert ["began", "went on"] == [event["event"] for event in events(tmp_path / "a.log")]
    assert {"pid": os.getpid(), "count": 3} == {
        k: v for k, v in events(tmp_path / "a.log")[1].items() if k in ("pid", "count")
    }


def test_a_log_redacts_and_cuts(log: Log, tmp_path: Path) -> None:
    """Every text of every event, by everybody who knows a secret."""
    log.redact_with(lambda text: text.replace("one", "[1]"))
    log.redact_with(lambda text: text.replace("two", "[2]"))
    log.event("one", detail="two", long="x" * 100_000)
    log.open()
    (event,) = events(tmp_path / "a.log")
    assert ("[1]", "[2]") == (event["event"], event["detail"])
    assert len(event["long"]) < 5_000


def test_a_full_log_begins_anew(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one before is kept beside it, and no more."""
    monkeypatch.setattr(log_module, "LOG_MAX", 10_000)
    log.open()
    for number in range(200):
        log.event("said", text="x" * 200, number=number)
    assert {"a.log", "a.old.log"} == {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "a.log").stat().st_size <= 10_500
    assert 199 == events(tmp_path / "a.log")[-1]["number"]


def test_a_log_without_a_file_goes_nowhere() -> None:
    """Not even the library that would write it is loaded."""
    log = Log()
    log.event("anything", text="x")
    log.open()
