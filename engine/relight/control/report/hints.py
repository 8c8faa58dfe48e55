"""What to look at: each hint follows from recorded facts and names them; none says why something happened."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from relight.control.times import WORTH_SAYING_S
from relight.control.wording import counted, figure, listed, span

PEOPLE_SHARE = 0.5
"""From half of the time on, waiting for people is worth a look before anything technical is."""
PEOPLE_MIN_S = 60.0
SLOWER_TIMES = 1.5
SLOWER_MIN_S = 30.0
"""A stage is called slower when it took half as long again, and half a minute more: less is chance."""
BUDGET_SHARE = 0.1
"""A tenth of a month's budget in one run."""
NAMED_MAX = 4


class Hint(NamedTuple):
    """Something worth a look: *seqs* are the records that say so."""

    code: str
    text: str
    seqs: tuple[int, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return it as documents have it."""
        return {"code": self.code, "text": self.text, "records": list(self.seqs)}


def hints(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what is worth a look in a report, what may still matter tonight first."""
    found = [*_left(report), *_people(report), *_course(report), *_time(report), *_cost(report), *_evidence(report)]
    return [hint.document() for hint in found]


def _left(report: Mapping[str, Any]) -> Iterator[Hint]:
    """Yield what is not over though the run may be."""
    open_unknown = [each for each in report["unknowns"] if each["settled"] is None]
    if open_unknown:
        steps = listed([each["step"] for each in open_unknown])
        yield Hint("unknown", f"Nobody knows yet whether {steps} happened.", _seqs(open_unknown))
    if report["state"] == "failed":
        yield Hint("failed", f"The run failed, and a person has to mend what it left: {report['why']}.")
    left = report["effects_left"]
    if left and report["ended_at"] is not None:
        unsure = [each["step"] for each in left if not each["sure"]]
        perhaps = f"; of {listed(unsure)} it is not sure" if unsure else ""
        these = listed([each["step"] for each in left])
        yield Hint("effects", f"{counted(len(left), 'effect')} outlived the run: {these}{perhaps}.")
    failing = [each["id"] for each in report["checks"] if each["verdict"] in {"fail", "inconclusive"}]
    if failing and report["ended_at"] is not None:
        yield Hint("checks", f"When it was last watched, {listed(failing)} did not pass.")


def _people(report: Mapping[str, Any]) -> Iterator[Hint]:
    """Yield decisions whose manner is worth a look."""
    decisions = report["decisions"]
    for word, code in (("SOLO", "solo"), ("alone", "alone")):
        found = [each for each in decisions if each["kind"] == "gate opened" and each[code]]
        found = [each for each in found if code == "solo" or not each["solo"]]
        if found:
            which = listed([str(each["ticket"]) for each in found])
            who = "by whoever started the run"
            yield Hint(code, f"{which} {_was(found)} opened {word}, {who}.", _seqs(found))
    for kind, says in (
        ("checks waived", "Checks were waived by a person in"),
        ("skipped", "Left out by a person:"),
        ("denied", "Denied:"),
        ("expired", "Nobody answered in time:"),
    ):
        found = [each for each in decisions if each["kind"] == kind]
        if found:
            names = listed([str(each["ticket"] or each["step"] or each["stage"]) for each in found])
            yield Hint(kind.replace(" ", "_"), f"{says} {names}.", _seqs(found))
    changed = [each for each in decisions if each["kind"] == "plan changed"]
    if changed:
        yield Hint("amended", f"The plan was changed {_times(changed)} while it ran.", _seqs(changed))
    refused = [each for each in decisions if each["kind"] == "refused"]
    if refused:
        yield Hint("refused", f"{counted(len(refused), 'request')} of people {_was(refused)} refused.", _seqs(refused))


def _course(report: Mapping[str, Any]) -> Iterator[Hint]:
    """Yield where it did not go straight."""
    holds = [each for each in report["holds"] if each["lasted_s"] >= 1]
    if holds:
        longest = max(holds, key=lambda each: float(each["lasted_s"]))
        where = f"{span(longest['lasted_s'] * 1_000)} at {longest['step'] or longest['stage']}"
        most = "for" if len(holds) == 1 else "the longest for"
        yield Hint("holds", f"It held {_times(holds)}, {most} {where}.", _seqs(holds))
    steps = [each for each in report["attempts"] if each["step"]]
    if steps:
        names = listed(list(dict.fromkeys(each["step"] for each in steps))[:NAMED_MAX])
        yield Hint("attempts", f"Not at the first try: {names}.", _seqs(steps))
    backs = report["step_backs"]
    if backs:
        yield Hint("step_backs", f"A ramp stepped back {_times(backs)}: {backs[0]['why']}.", _seqs(backs))
    breaches = report["guard_breaches"]
    if breaches:
        names = listed(list(dict.fromkeys(each["check"] for each in breaches)))
        yield Hint("guards", f"Guards were breached {_times(breaches)}: {names}.", _seqs(breaches))
    settled = [each for each in report["unknowns"] if each["settled"] is not None]
    if settled:
        by = listed([f"{each['step']} by {each['settled']['person'] or each['settled']['by']}" for each in settled])
        yield Hint("settled", f"Outcomes that were unknown for a while: {by}.", _seqs(settled))
    drivers = report["drivers"]
    if len(drivers) > 1:
        undriven = report["time"]["undriven_s"]
        gone = f"; for at most {span(undriven * 1_000)} nobody did" if undriven >= WORTH_SAYING_S else ""
        yield Hint("drivers", f"{len(drivers)} drivers drove it, one after another{gone}.", _seqs(drivers))


def _time(report: Mapping[str, Any]) -> Iterator[Hint]:
    """Yield where the time went."""
    time = report["time"]
    if time["people_s"] >= PEOPLE_MIN_S and time["people_s"] >= PEOPLE_SHARE * time["took_s"]:
        waits = [(wait, stage) for stage in report["stages"] for wait in stage["waits"]]
        wait, stage = max(waits, key=lambda each: float(each[0]["took_s"]))
        where = f"{stage['id']}, {span(wait['took_s'] * 1_000)} at a {wait['for']}"
        waited = f"{span(time['people_s'] * 1_000)} of {span(time['took_s'] * 1_000)}"
        yield Hint("people", f"{waited} were waits for people; the longest was in {where}.")
    for stage in report["stages"]:
        usual = stage["usual"]
        if usual is None or usual["source"] != "runs" or stage["outcome"] != "succeeded":
            continue
        more = stage["machine_s"] - usual["high_s"]
        if more > SLOWER_MIN_S and stage["machine_s"] > SLOWER_TIMES * usual["high_s"]:
            took = span(stage["machine_s"] * 1_000)
            yield Hint("slower", f"{stage['id']} took {took} without people; before it took {usual['says']}.")
    for stage in (report["rehearsal"] or {}).get("stages", ()):
        more = stage["difference_s"] or 0
        if more > SLOWER_MIN_S and stage["real_s"] > SLOWER_TIMES * stage["planned_s"]:
            took, planned = (span(stage[key] * 1_000) for key in ("real_s", "planned_s"))
            yield Hint("unlike_rehearsal", f"{stage['id']} took {took} without people; rehearsed it takes {planned}.")


def _cost(report: Mapping[str, Any]) -> Iterator[Hint]:
    for each in report["budgets"]:
        if each["spent_s"] is not None and each["spent_s"] >= BUDGET_SHARE * each["budget_s"]:
            share = figure(each["spent_s"] / each["budget_s"], "%")
            yield Hint("budget", f"The run spent {share} of the error budget of {each['surface']}.")


def _evidence(report: Mapping[str, Any]) -> Iterator[Hint]:
    """Yield where the evidence itself has gaps."""
    blind = [each for each in report["checks"] if each["without_data"]]
    if blind:
        names = listed([f"{each['id']} {each['without_data']} of {each['samples']}" for each in blind[:NAMED_MAX]])
        yield Hint("blind", f"Samples without data: {names}.")
    if report["missing"]:
        yield Hint("missing", "Not all of it can be told; what is missing is named at the end.")


def _seqs(entries: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
    return tuple(each["seq"] for each in entries)


def _was(entries: Sequence[Any]) -> str:
    return "was" if len(entries) == 1 else "were"


def _times(entries: Sequence[Any]) -> str:
    return {1: "once", 2: "twice"}.get(len(entries), f"{len(entries)} times")
