"""The OpenAPI 3.1 document of the API, made from its routes."""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from relight.control.permissions import RULES, TABLE
from relight.runbook.meanings import WithMeanings
from relight.web.problems import MEDIA_TYPE
from relight.web.routes import Route
from relight.web.schemas import SCHEMAS

_REFUSALS = {
    "400": "It could not be understood.",
    "401": "Nobody is known by this token.",
    "403": "It is not permitted; the text says to whom it is.",
    "404": "There is no such thing, or not for you.",
    "409": "It does not fit the moment; nothing was changed.",
    "413": "It is too large.",
    "415": "It is no JSON.",
    "422": "It is not valid; the text says where.",
    "429": "Too many requests.",
    "500": "A defect of ours.",
    "503": "Not available now; Retry-After says when to try again.",
}
_PATH = {
    "run": "The id of a run, or any unique beginning of it.",
    "proposal": "The id of a proposal.",
}
_RUN_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


def openapi(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, Any] = {}
    models: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, models)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "relight",
            "version": version("relight"),
            "summary": "Recover a degraded service in stages, with a person's hand on the switch.",
            "description": (
                "The same documents as `relight … -o json`. Fields are added and never changed; "
                "what breaks a reader comes with a new version in its schema."
            ),
        },
        "paths": paths,
        "components": {
            "schemas": {**SCHEMAS, **models},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "What `relight token` prints: of a person (--sign-in), or of their program.",
                }
            },
        },
    }


def _operation(route: Route, models: dict[str, Any]) -> dict[str, Any]:
    permission = TABLE[route.verb]
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": f"For {RULES[permission].who}.",
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)],
        "responses": _responses(route),
        "security": [] if permission == "open" else [{"bearer": []}],
    }
    if route.body is not None:
        schema = route.body.model_json_schema(
            schema_generator=WithMeanings, ref_template="#/components/schemas/{model}"
        )
        models.update(schema.pop("$defs", {}))
        models[route.body.__name__] = schema
        reference = {"$ref": f"#/components/schemas/{route.body.__name__}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference}}}
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": text,
            "schema": {"type": "string", "pattern": _RUN_PATTERN},
        }
        for name, text in _PATH.items()
        if f"{{{name}}}" in route.path
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    found = []
    for query in route.query:
        schema: dict[str, Any] = {"type": "boolean", "default": query.default}
        if query.kind is int:
            schema = {"type": "integer", "minimum": 0, "maximum": query.maximum, "default": query.default}
        found.append({"name": query.name, "in": "query", "description": query.description, "schema": schema})
    return found


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    if route.stream:
        text = "The number of the last record that was seen."
        return [
            {
                "name": "Last-Event-ID",
                "in": "header",
                "description": text,
                "schema": {"type": "string", "pattern": "^[0-9]{1,15}$"},
            }
        ]
    if route.method == "POST" and route.verb not in ("plan", "propose"):
        text = "Your own name for this very request: sent again, it gets the first one's answer."
        return [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": text,
                "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
            }
        ]
    return []


def _responses(route: Route) -> dict[str, Any]:
    media = "text/event-stream" if route.stream else "application/json"
    schema = {"type": "string"} if route.stream else {"$ref": f"#/components/schemas/{route.answer}"}
    answers: dict[str, Any] = {str(route.status): {"description": "Done.", "content": {media: {"schema": schema}}}}
    if route.path == "/metrics":
        answers["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    error = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/error"}}}}
    return answers | {code: {"description": text, **error} for code, text in _REFUSALS.items()}
