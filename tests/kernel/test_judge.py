"""The judge: samples, windows, ratios, guards, silence, and what a turn rests on."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.kernel.inputs import Turned
from relight.kernel.intents import Watch
from relight.kernel.judge import WINDOW_MAX, Judge, Sample, Turn, judge_value
from relight.kernel.plan import ExpressionFailed
from relight.testing.plans import Said, above, below, check, equal, path

LOW = check("errors", below(10))
BAND = check("errors", below(10), fail_when=above(30))


def judging(of: Any = LOW, **how: Any) -> Judge:
    """Return a judge of that check's watch."""
    return Judge(of, Watch(id="w", check=of.id, **how))


def verdicts(judge: Judge, *values: Any, every_ms: int = 5_000, start_ms: int = 0) -> list[str | None]:
    """Fold one value after the other (None: no data) and return the verdict after each."""
    found: list[str | None] = []
    for number, value in enumerate(values):
        at = start_ms + number * every_ms
        judge.fold(sample(at, value))
        found.append(judge.verdict)
    return found


def sample(t: int, value: Any, stamp: str = "") -> Sample:
    """Return one sample; None is no data."""
    if value is None:
        return Sample(t=t, kind="none", detail="refused")
    return Sample(t=t, kind="value", value=value, stamp=stamp)


# ---- one sample


@pytest.mark.parametrize(
    ("of", "value", "verdict"),
    [
        (LOW, 9, "pass"),
        (LOW, 10, "fail"),
        (BAND, 9, "pass"),
        (BAND, 20, "neutral"),
        (BAND, 31, "fail"),
        (check("both", below(10), fail_when=below(5)), 3, "fail"),
        (check("flag", path("value")), True, "pass"),
        (check("flag", path("value")), "yes", "fail"),
        (check("deep", path("value.ok")), {"ok": True}, "pass"),
    ],
)
def test_a_sample_passes_fails_or_is_neither(of: Any, value: Any, verdict: str) -> None:
    """Without ``fail_when`` what does not pass fails; fail wins ties; only true is true."""
    assert verdict == judge_value(of, value)
    assert [verdict] == verdicts(judging(of), value)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, {}, "text"])
def test_what_is_no_number_or_no_answer_is_no_data(value: Any) -> None:
    """Absent, NaN, infinite, or of a shape that the criterion cannot work on: neither a pass nor a failure."""
    of = check("deep", path("value.ok")) if isinstance(value, dict | str) else LOW
    judge = judging(of)
    assert ["neutral"] * 3 + ["inconclusive"] == verdicts(judge, *[value] * 4)


def test_error_limit_samples_without_data_in_a_row_are_inconclusive() -> None:
    """One sample with data begins the count anew."""
    assert ["pass", "neutral", "neutral", "pass", "neutral", "neutral", "neutral", "inconclusive"] == verdicts(
        judging(), 1, None, None, 1, None, None, None, None
    )


def test_more_of_nothing_stays_inconclusive_until_there_is_data() -> None:
    """No data never gives back sight."""
    judge = judging()
    verdicts(judge, *[None] * 4)
    assert ["inconclusive", "inconclusive", "fail"] == verdicts(judge, None, None, 50, start_ms=20_000)


def test_a_data_point_counts_once_however_often_it_is_read() -> None:
    """The same stamp changes nothing, also when two sources answer in turn."""
    judge = judging(for_ms=10_000)
    for t, stamp in ((0, "a"), (5_000, "a"), (10_000, "b"), (11_000, "a"), (12_000, "b")):
        judge.fold(sample(t, 1, stamp))
    assert (2, "pass") == (judge.count, judge.verdict)


def test_samples_of_before_the_watch_count_for_nothing() -> None:
    """They would read the past; nor does silence before it count."""
    judge = judging(not_before_t=60_000)
    assert judge.fold(sample(59_999, 50)) is None
    assert judge.tick(59_999) is None
    assert [0, "pass"] == [judge.count, verdicts(judge, 1, start_ms=60_000)[0]]


# ---- windows


def test_every_sample_of_the_window_has_to_pass() -> None:
    """The window has to be covered, and one failure counts until it is out of it."""
    judge = judging(for_ms=10_000)
    assert ["neutral", "neutral", "pass"] == verdicts(judge, 1, 1, 1)
    assert ["fail", "neutral", "neutral", "pass"] == verdicts(judge, 50, 1, 1, 1, start_ms=15_000)


def test_a_ratio_lets_some_fail() -> None:
    """Where success is intermittent, a share is enough; samples without data are no passes."""
    judge = judging(for_ms=40_000, ratio=0.75)
    assert "pass" == verdicts(judge, 1, 1, 50, 1, 1, 50, 1, 1, 1)[-1]
    judge = judging(for_ms=40_000, ratio=0.75)
    assert "pass" == verdicts(judge, 1, 1, None, 1, 1, None, 1, 1, 1)[-1]
    judge = judging(for_ms=40_000, ratio=0.75)
    assert "neutral" == verdicts(judge, 1, 1, None, 1, 50, None, 1, 1, 1)[-1]


def test_a_single_missing_sample_does_not_cost_a_ratio() -> None:
    """A window that passes by its ratio goes on passing."""
    judge = judging(for_ms=20_000, ratio=0.5)
    verdicts(judge, 1, 1, 1, 1, 1)
    assert ["pass"] == verdicts(judge, None, start_ms=25_000)


def test_a_silence_covers_nothing() -> None:
    """After a gap that is longer than ``max_age`` the window has to be filled anew."""
    judge = judging(for_ms=10_000)
    assert "pass" == verdicts(judge, 1, 1, 1)[-1]
    judge.fold(sample(60_000, 1))
    assert "neutral" == judge.verdict
    assert ["neutral", "pass"] == verdicts(judge, 1, 1, start_ms=65_000)


def test_a_window_is_bounded() -> None:
    """However short the interval, only so many samples are remembered."""
    judge = judging(for_ms=10**9, ratio=0.0)
    for t in range(WINDOW_MAX + 10):
        judge.fold(sample(t, 50))
    assert len(judge._points) == WINDOW_MAX


@given(st.lists(st.sampled_from([1, 50, None]), min_size=1, max_size=60), st.sampled_from([0, 10_000, 25_000]))
def test_a_pass_means_that_every_sample_of_the_window_passed(values: list[Any], for_ms: int) -> None:
    """Whatever came before: held against the samples themselves."""
    judge = judging(for_ms=for_ms)
    for number, verdict in enumerate(verdicts(judge, *values)):
        window = values[max(0, number - for_ms // 5_000) : number + 1]
        full = number * 5_000 >= for_ms
        if verdict == "pass":
            assert full
            assert all(value == 1 for value in window)
        elif full and all(value == 1 for value in window):
            # Only a silence can have kept a full window from passing: it has not been covered since.
            assert None in values[:number]


# ---- guards


def test_a_guard_fails_after_it_failed_for_long_enough() -> None:
    """A single failing sample only stops a rise; a sample that does not fail begins the count anew."""
    judge = judging(fail_for_ms=15_000)
    assert ["pass", "neutral", "neutral", "neutral", "fail"] == verdicts(judge, 1, 50, 50, 50, 50)
    judge = judging(BAND, fail_for_ms=15_000)
    assert ["neutral", "neutral", "neutral", "neutral"] == verdicts(judge, 50, 50, 20, 50)


def test_missing_data_neither_breaches_nor_heals() -> None:
    """A breach takes failing samples, and ends by data alone."""
    judge = judging(fail_for_ms=10_000)
    assert ["neutral", "neutral", "neutral"] == verdicts(judge, 50, None, None)
    assert ["fail", "fail", "fail"] == verdicts(judge, 50, None, None, start_ms=15_000)
    assert ["pass"] == verdicts(judge, 1, start_ms=30_000)


# ---- silence


def test_data_that_is_too_old_is_no_data() -> None:
    """Nothing new for longer than ``max_age`` is a turn to inconclusive, however often the old point is read."""
    judge = judging()
    judge.fold(sample(0, 1, "a"))
    assert judge.fold(sample(20_000, 1, "a")) is None
    turn = judge.fold(sample(20_001, 1, "a"))
    assert turn is not None
    assert ("inconclusive", None, "no fresh data for 20.001s") == (turn.verdict, turn.value, turn.detail)


def test_a_source_that_never_answers_is_inconclusive() -> None:
    """Silence from the beginning counts from the first moment that the judge is shown."""
    judge = judging()
    assert judge.tick(1_000) is None
    assert judge.tick(21_000) is None
    turn = judge.tick(21_001)
    assert turn is not None
    assert "inconclusive" == turn.verdict


def test_a_slow_check_is_not_stale_between_two_samples() -> None:
    """Who is asked once a minute has two minutes."""
    judge = judging(check("slow", below(10), interval_ms=60_000), for_ms=60_000)
    judge.fold(sample(0, 1))
    assert judge.tick(59_000) is None
    assert ["pass"] == verdicts(judge, 1, start_ms=60_000)


# ---- what a turn rests on


def test_a_turn_is_told_once_with_last_worst_count_and_digest() -> None:
    """Only changes of the verdict are turns; each carries what it rests on."""
    judge = judging(BAND)
    turns = [judge.fold(sample(t * 5_000, value)) for t, value in enumerate((1, 2, 40, 20))]
    assert [True, False, True, True] == [turn is not None for turn in turns]
    digest = hashlib.sha256()
    for t, value in enumerate((1, 2, 40)):
        digest.update(f"{t * 5_000} value {value!r} \n".encode())
    assert turns[2] == Turn(verdict="fail", value=40, worst=40, samples=3, digest=digest.hexdigest(), detail="")
    assert (20, 40) == (judge.now().value, judge.now().worst)


def test_the_kernel_is_told_of_a_turn_as_it_was_and_of_whom() -> None:
    """Every driver says it with the same words: the watch's own, and all that the verdict rests on."""
    turn = Turn(verdict="fail", value=40, worst=41.0, samples=3, digest="d", detail="late")
    told = turn.told(Watch(id="gate/errors", check="errors"), at=1_700_000_000_000, t=15_000)
    assert told == Turned(
        at=1_700_000_000_000,
        t=15_000,
        use="gate/errors",
        check="errors",
        verdict="fail",
        value=40,
        worst=41.0,
        samples=3,
        digest="d",
        detail="late",
    )


@pytest.mark.parametrize(
    ("criterion", "worst"), [(below(10), 40), (above(0.85), 0.2), (equal(0), 40), (path("value"), 40)]
)
def test_the_worst_value_is_the_one_farthest_on_the_failing_side(criterion: Any, worst: float) -> None:
    """For what has to be high that is the lowest; where neither side passes, the highest."""
    judge = judging(check("any", criterion))
    verdicts(judge, 0.9, 40, 0.2, 3)
    assert worst == judge.worst


def test_a_criterion_that_cannot_judge_far_values_takes_the_highest_for_the_worst() -> None:
    """The judge asks it about values that never were; an error there is no error of the check."""

    def narrow(scope: Any) -> bool:
        if scope["value"] > 1_000:
            raise ExpressionFailed("out of range")
        return bool(scope["value"] < 10)

    judge = judging(check("narrow", Said("value < 10", narrow)))
    verdicts(judge, 3, 7)
    assert 7 == judge.worst


@pytest.mark.parametrize(("of", "worst"), [(path("value.body.n"), 0.2), (path("value.n"), None)])
def test_a_figure_deep_in_a_probes_answer_is_shown_and_has_a_worst(of: Any, worst: float | None) -> None:
    """It is found where the criteria read; what they read and is not there is nothing."""

    def high(scope: Any) -> bool:
        return bool(scope["value"]["body"]["n"] > 0.85)

    judge = judging(check("any", Said(f"{of.text} > 0.85", high), reads=tuple(of.text.split(".")[1:])))
    verdicts(judge, *({"body": {"n": number}} for number in (0.9, 0.2, 0.5)))
    assert (worst, 0.5 if worst else None) == (judge.worst, judge.now().value)


@pytest.mark.parametrize("value", [True, "text", {"ok": True}, [1]])
def test_only_numbers_have_a_worst(value: Any) -> None:
    """A turn's value is a plain one, or none."""
    judge = judging(check("any", equal(value)))
    judge.fold(sample(0, value))
    assert judge.worst is None
    assert (None if isinstance(value, dict | list) else value) == judge.now().value


def test_a_judge_without_samples_has_no_verdict() -> None:
    """What stands before the first sample is neither."""
    assert ("neutral", 0) == (judging().now().verdict, judging().now().samples)


@pytest.mark.parametrize(
    ("answer", "shown"), [({"value": 3}, 3), ({"value": [3]}, None), ({"ok": True}, None), ([1], None), (0.5, 0.5)]
)
def test_people_are_shown_the_value_of_a_probes_answer(answer: object, shown: object) -> None:
    """A probe answers with a mapping: its value is shown where it is one number, word or truth."""
    judge = judging(check("mode", equal("ready")))
    judge.fold(sample(0, answer))
    assert shown == judge.now().value
