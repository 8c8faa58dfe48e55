"""The OpenAPI document is what the API does: every answer of a real serve is one that the document knows."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from relight.web.api import routes
from relight.web.application import open_routes
from relight.web.openapi import openapi

if TYPE_CHECKING:
    from tests.web.conftest import Lab

EXAMPLES = 12
"""Of each operation: all of them together stay well under a minute, start of the serve included."""
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
SERVED = [*routes(), *open_routes()]


def test_the_document_is_served_as_it_is_made(shared: Lab) -> None:
    """It is OpenAPI 3.1, has every route once, and is what the serve answers."""
    document = openapi(SERVED)
    assert (document["openapi"], document["info"]["version"]) == ("3.1.0", version("relight"))
    assert sum(len(operations) for operations in document["paths"].values()) == len(SERVED)
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
    assert json.loads(json.dumps(document)) == shared.serves[0].client().send("GET", "/openapi.json").body


def test_whatever_the_document_refers_to_is_in_it() -> None:
    """No reference leads nowhere, and no schema stands there unused: generators of clients stop at the first."""
    document = openapi(SERVED)
    referred = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)))
    assert referred == set(document["components"]["schemas"])


@pytest.mark.parametrize("route", [route for route in SERVED if not route.stream], ids=lambda route: route.name)
def test_whatever_is_sent_the_answer_is_a_documented_one(shared: Lab, route: Any) -> None:
    """Generated requests, right ones and wrong ones: no defect, and never an answer that the document does not know."""
    schema = schemathesis.openapi.from_dict(openapi(SERVED))
    operation = schema[route.path][route.method]
    headers = {"authorization": f"Bearer {shared.secrets['ana']}"}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def sent(case: Any) -> None:
        case.call_and_validate(base_url=shared.serves[0].url, headers=headers, checks=CHECKS)

    sent()
