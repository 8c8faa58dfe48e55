"""The schemas of what the API answers: what is always there. More may be added, nothing goes away."""

from typing import Any

STATES = ["pending", "running", "waiting", "held", "paused", "undoing", "succeeded", "failed", "aborted"]


def _text(*, null: bool = False) -> dict[str, Any]:
    return {"type": ["string", "null"] if null else "string"}


def _list(item: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "array", "items": item or {"type": "object"}}


def _document(name: str, **properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of ``relight.<name>/v1``: all of *properties* are always there."""
    return {
        "type": "object",
        "properties": {"schema": {"const": f"relight.{name}/v1"}, **properties},
        "required": ["schema", *properties],
    }


_OBJECT: dict[str, Any] = {"type": "object"}
_MAYBE: dict[str, Any] = {"type": ["object", "null"]}
_YES_NO: dict[str, Any] = {"type": "boolean"}
_NUMBER: dict[str, Any] = {"type": "integer"}

_PROPOSAL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": _text(),
        "state": {"enum": ["proposed", "begun", "dismissed", "resolved"]},
        "site": _text(),
        "published": _text(),
        "inputs": _OBJECT,
        "summary": _text(),
        "labels": _OBJECT,
        "alerts": _NUMBER,
        "firing": _NUMBER,
        "proposed_at": _text(),
    },
    "required": ["id", "state", "site", "published", "inputs", "summary", "labels", "alerts", "firing", "proposed_at"],
}

SCHEMAS: dict[str, dict[str, Any]] = {
    "me": _document("me", door=_text(), sites=_list()),
    "runs": _document(
        "runs",
        runs=_list(
            _document(
                "runs",
                run=_text(),
                runbook=_text(),
                site=_text(),
                state={"enum": STATES},
                starter=_text(),
                started_at=_text(),
                ended_at=_text(null=True),
                records=_NUMBER,
            )
        ),
    ),
    "run": _document(
        "run",
        run=_text(),
        runbook=_text(),
        title=_text(),
        site=_text(),
        environment=_text(),
        plan_digest=_text(),
        starter=_text(),
        state={"enum": STATES},
        started_at=_text(),
        ended_at=_text(null=True),
        driver=_MAYBE,
        last_driver=_MAYBE,
        stage=_text(null=True),
        waiting_on=_MAYBE,
        gate=_MAYBE,
        stages=_list(),
        guards=_list(),
        effects_in_force=_list(),
        next=_list(_text()),
    ),
    "why": _document("why", run=_text(), state={"enum": STATES}, waits_for=_text(), safe=_text(), choices=_list()),
    "effects": _document("effects", run=_text(null=True), effects=_list()),
    "log": _document(
        "log",
        run=_text(),
        records=_list(
            _document(
                "log", run=_text(), seq=_NUMBER, at=_text(), kind=_text(), says=_text(), hash=_text(), fact=_OBJECT
            )
        ),
    ),
    "report": _document(
        "report",
        run=_text(),
        runbook=_text(),
        site=_text(),
        state={"enum": STATES},
        stages=_list(),
        checks=_list(),
        decisions=_list(),
        budgets=_list(),
        effects_left=_list(),
    ),
    "verify": _document("verify", run=_text(), ok=_YES_NO, sound=_NUMBER, head=_text(), finding=_MAYBE),
    "published": _document(
        "published",
        published=_list(
            {
                "type": "object",
                "properties": {"site": _text(), "published": _text(), "may_start": _YES_NO},
                "required": ["site", "published", "may_start", "inputs"],
            }
        ),
    ),
    "plan": _document(
        "plan",
        runbook=_text(),
        site=_text(),
        stages=_list(),
        starter=_text(),
        adopts=_list(),
        still_in_force=_list(),
    ),
    "answer": _document("answer", run=_text(), site=_text(), verb=_text(), person=_text(), ok=_YES_NO, says=_text()),
    "proposals": _document("proposals", proposals=_list(_PROPOSAL)),
    "proposal": _PROPOSAL,
    "error": _document(
        "error", type=_text(), title=_text(), status=_NUMBER, detail=_text(), hint=_text(), exit=_NUMBER
    ),
    "health": _document("health", ok=_YES_NO),
    "openapi": {
        "type": "object",
        "properties": {"openapi": _text(), "info": _OBJECT, "paths": _OBJECT, "components": _OBJECT},
        "required": ["openapi", "info", "paths", "components"],
    },
}
