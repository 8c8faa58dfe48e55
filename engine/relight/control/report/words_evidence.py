"""The parts of a report that are evidence: checks, decisions with what was to be seen, and what did not go straight."""

from collections.abc import Iterator, Mapping
from typing import Any

from relight.charts import Block, Drawing, Heading, Items, Sheet, Table, Words
from relight.control.wording import figure, span

VERDICTS = {"pass": "passes", "fail": "fails", "neutral": "not yet", "inconclusive": "no data", None: "no word yet"}
DIGEST_SHOWN = 12


def checks(report: Mapping[str, Any], sheet: Sheet) -> Iterator[Block]:
    """Yield the checks against their thresholds."""
    yield Heading("Checks against their thresholds")
    if not report["checks"]:
        yield Words("No check was watched.")
        return
    rows = [_check(each) for each in report["checks"]]
    yield Table(["Check", "Threshold", "Last", "Worst", "Outside", "Samples"], rows, frozenset({2, 4, 5}))
    if sheet.curves:
        told = "Outside: samples on the wrong side of the threshold. A gap in a curve is time without data."
        yield Words(told, "soft")
        yield Drawing(sheet, "curves")


def _check(check: Mapping[str, Any]) -> list[str]:
    unit = check["unit"]
    worst = "" if check["worst"] is None else f"{figure(check['worst'], unit)} at {span(check['worst_t_s'] * 1_000)}"
    blind = f", {check['without_data']} without data" if check["without_data"] else ""
    value = figure(check["value"], unit) if isinstance(check["value"], int | float) else ""
    return [
        check["id"],
        check["criterion"],
        f"{value} {VERDICTS[check['verdict']]}".strip(),
        worst,
        "" if check["outside"] is None else str(check["outside"]),
        f"{check['samples']}{blind}",
    ]


def decisions(report: Mapping[str, Any]) -> Iterator[Block]:
    """Yield what was decided: by whom, by which door, on what, and what was to be seen."""
    yield Heading("Decisions")
    rows = []
    for each in report["decisions"]:
        marks = [word for word, said in (("SOLO", each["solo"]), ("ALONE", each["alone"])) if said]
        digest = f"scope {each['scope_digest'][:DIGEST_SHOWN]}" if each["scope_digest"] else ""
        rows.append(
            [
                f"{span(each['t_s'] * 1_000)} {each['at'][11:19]}",
                ", ".join(part for part in (each["who"] or "nobody", *marks) if part),
                each["says"] + (f" ({each['title']})" if each["kind"] == "gate opened" and each["title"] else ""),
                each["door"],
                digest,
                readings(each),
            ]
        )
    yield Table(["When", "Who", "What", "Door", "On", "What was to be seen"], rows)
    yield Words(
        "What was to be seen: recorded with the decision where a gate opened; otherwise each check as it last turned."
        " A door is named where the journal has it.",
        "soft",
    )


def readings(decision: Mapping[str, Any]) -> str:
    """Return what was to be seen, in one line."""
    said = []
    for each in decision["readings"]:
        value = each["value"]
        shown = f" {figure(value, each['unit'])}" if isinstance(value, int | float) else ""
        said.append(f"{each['check']}{shown} {VERDICTS.get(each['verdict'], each['verdict'])}")
    return "; ".join(said)


def holds(report: Mapping[str, Any]) -> Iterator[Block]:
    """Yield every hold."""
    if not report["holds"]:
        return
    rows = []
    for each in report["holds"]:
        left = each["left"]
        how = "still holds"
        if left is not None:
            how = f"{left['person']} said {left['verb']}" if left["person"] else "it settled"
        reason = f": {left['reason']}" if left is not None and left["reason"] else ""
        rows.append(
            [
                span(each["t_s"] * 1_000),
                each["step"] or each["stage"] or "",
                each["text"] or each["means"],
                span(each["lasted_s"] * 1_000),
                how + reason,
            ]
        )
    yield Heading("Holds", 3)
    yield Table(["After", "Where", "What it was about", "Lasted", "How it was left"], rows)


def unknowns(report: Mapping[str, Any]) -> Iterator[Block]:
    """Yield every outcome that was unknown, and how it was settled."""
    if not report["unknowns"]:
        return
    rows = []
    for each in report["unknowns"]:
        settled = each["settled"]
        how = "NOT SETTLED" if settled is None else f"{settled['says']}, after {_after(each, settled)}"
        rows.append([span(each["t_s"] * 1_000), each["step"], each["why"], how])
    yield Heading("Unknown outcomes", 3)
    yield Table(["After", "Step", "Why it was unknown", "How it was settled"], rows)


def _after(lost: Mapping[str, Any], settled: Mapping[str, Any]) -> str:
    return span((settled["t_s"] - lost["t_s"]) * 1_000)


def plain(report: Mapping[str, Any]) -> Iterator[Block]:
    """Yield failures and retries, step-backs and drift: sentences with their time."""
    for title, key in (("Failures and retries", "attempts"), ("Step-backs", "step_backs"), ("Drift", "drift")):
        if report[key]:
            yield Heading(title, 3)
            yield Items([f"{span(each['t_s'] * 1_000)}  {each['says']}" for each in report[key]])


def breaches(report: Mapping[str, Any]) -> Iterator[Block]:
    """Yield breached guards."""
    if not report["guard_breaches"]:
        return
    yield Heading("Guards", 3)
    said = []
    for each in report["guard_breaches"]:
        lasted = "until the end" if each["lasted_s"] is None else f"for {span(each['lasted_s'] * 1_000)}"
        said.append(f"{span(each['t_s'] * 1_000)}  {each['says']}, {lasted}")
    yield Items(said)


def drivers(report: Mapping[str, Any]) -> Iterator[Block]:
    """Yield who drove it, where that changed."""
    if len(report["drivers"]) < 2:
        return
    yield Heading("Drivers", 3)
    said = []
    for each in report["drivers"]:
        silent = each["silent_before_s"]
        after = f"; nothing was recorded for {span(silent * 1_000)} before" if silent else ""
        said.append(f"{span(each['t_s'] * 1_000)}  {each['says']}{after}")
    yield Items(said)


def notes(report: Mapping[str, Any]) -> Iterator[Block]:
    """Yield what people wrote down."""
    if report["notes"]:
        yield Heading("Notes", 3)
        yield Items([f"{span(each['t_s'] * 1_000)}  {each['person']}: {each['text']}" for each in report["notes"]])
