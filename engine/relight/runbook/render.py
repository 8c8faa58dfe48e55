"""Complaints as people and machines read them: text, JSON, GitHub annotations, SARIF."""

import json
from collections.abc import Callable, Sequence
from typing import Any
from unicodedata import combining, east_asian_width
from urllib.parse import quote

from relight.runbook.codes import CODES
from relight.runbook.complaints import Complaint

LINT_SCHEMA = "relight.lint/v1"
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(complaints: Sequence[Complaint], left_out: int = 0) -> str:
    """Return each complaint with its line, a caret and its hint, as a terminal shows it."""
    blocks = [_block(complaint) for complaint in complaints]
    if left_out:
        blocks.append(f"… and {left_out} more; mend these first")
    return "\n".join(blocks)


def _block(complaint: Complaint) -> str:
    word = "warning: " if complaint.severity == "warning" else ""
    lines = [f"{complaint.place}: {complaint.code} {word}{complaint.message}"]
    if complaint.excerpt.strip():
        number = str(complaint.line)
        lines.append(f"  {number} | {complaint.excerpt}")
        lines.append(f"  {' ' * len(number)} | {' ' * _cells(complaint.excerpt[: complaint.caret - 1])}^")
    if complaint.hint:
        lines.append(f"  hint: {complaint.hint}")
    return "\n".join(lines)


def _cells(text: str) -> int:
    """Return how many columns of a terminal *text* fills."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def as_json(complaints: Sequence[Complaint], left_out: int = 0) -> str:
    """Return ``relight.lint/v1``."""
    return json.dumps(lint_document(complaints, left_out), ensure_ascii=False, indent=2)


def lint_document(complaints: Sequence[Complaint], left_out: int = 0) -> dict[str, Any]:
    """Return the data of ``relight.lint/v1``; what is left out is never an error where a warning is shown."""
    errors = sum(complaint.severity == "error" for complaint in complaints)
    return {
        "schema": LINT_SCHEMA,
        "ok": errors == 0,
        "errors": errors,
        "warnings": sum(complaint.severity == "warning" for complaint in complaints),
        "left_out": left_out,
        "complaints": [complaint_document(complaint) for complaint in complaints],
    }


def complaint_document(complaint: Complaint) -> dict[str, Any]:
    """Return one complaint as data."""
    return {
        "code": complaint.code,
        "severity": complaint.severity,
        "file": complaint.file,
        "line": complaint.line,
        "col": complaint.col,
        "message": complaint.message,
        "hint": complaint.hint,
    }


def as_github(complaints: Sequence[Complaint], left_out: int = 0) -> str:
    """Return workflow commands, which GitHub shows beside the lines of a change."""
    lines = []
    for complaint in complaints:
        text = f"{complaint.message}\n{complaint.hint}".strip()
        places = f"file={_property(complaint.file)},line={complaint.line},col={complaint.col}"
        lines.append(f"::{complaint.severity} {places},title={complaint.code}::{_data(text)}")
    if left_out:
        lines.append(f"::notice title=relight lint::{left_out} more complaints were left out")
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(complaints: Sequence[Complaint], left_out: int = 0) -> str:
    """Return a SARIF 2.1.0 log, which code-scanning services take in."""
    used = sorted({complaint.code for complaint in complaints})
    rules = [
        {
            "id": code,
            "shortDescription": {"text": CODES[code].title},
            "defaultConfiguration": {"level": CODES[code].severity},
        }
        for code in used
    ]
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "relight", "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(complaint, used.index(complaint.code)) for complaint in complaints],
    }
    if left_out:
        note = {"level": "warning", "message": {"text": f"{left_out} more complaints were left out"}}
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": [note]}]
    return json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2)


def _result(complaint: Complaint, rule: int) -> dict[str, Any]:
    text = complaint.message + (f"\n{complaint.hint}" if complaint.hint else "")
    region = {"startLine": complaint.line, "startColumn": complaint.col}
    artifact = {"uri": quote(complaint.file.replace("\\", "/"))}
    return {
        "ruleId": complaint.code,
        "ruleIndex": rule,
        "level": complaint.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
    }


FORMATS: dict[str, Callable[[Sequence[Complaint], int], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
    "sarif": as_sarif,
}
"""What ``relight lint --format`` takes."""
