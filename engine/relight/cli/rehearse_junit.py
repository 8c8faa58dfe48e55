"""Rehearsals as JUnit XML, for whatever shows a team its tests."""

from pathlib import Path
from xml.sax.saxutils import quoteattr

from relight.cli.rehearse_drawing import write_file
from relight.control.rehearsing import Played


def write_junit(path: Path, runbook: str, plays: list[tuple[Played, float]], broken: dict[str, list[str]]) -> None:
    """Write what came of rehearsals, each with the seconds it took; *broken* are documents with their complaints.

    Raises:
        UsageError: it cannot be written.
    """
    failures, errors = sum(not played.ok for played, _ in plays), len(broken)
    took = sum(seconds for _, seconds in plays)
    suite = f"<testsuite name={_text(f'relight rehearse {runbook}')} tests={_text(len(plays) + errors)}"
    suite += f" failures={_text(failures)} errors={_text(errors)} time={_text(f'{took:.3f}')}>"
    rows = ['<?xml version="1.0" encoding="utf-8"?>', suite]
    for played, seconds in plays:
        case = f"  <testcase classname={_text(runbook)} name={_text(played.name)} time={_text(f'{seconds:.3f}')}"
        if played.ok:
            rows.append(f"{case}/>")
        else:
            said = "\n".join(played.unmet)
            rows.append(f"{case}><failure message={_text(said)}/></testcase>")
    for name, complaints in broken.items():
        said = "\n".join(complaints)
        rows.append(
            f"  <testcase classname={_text(runbook)} name={_text(name)}><error message={_text(said)}/></testcase>"
        )
    write_file(path, "\n".join([*rows, "</testsuite>", ""]))


def _text(value: object) -> str:
    """Return an attribute's value, quoted, without characters that XML does not know."""
    kept = "".join(char for char in str(value) if char in "\t\n" or (char >= " " and char not in "\ufffe\uffff"))
    return quoteattr(kept, {"\n": "&#10;", "\t": "&#9;"})
