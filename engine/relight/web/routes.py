"""What a route is: a method, a path, a verb of the permission table, and what it does.

The application, its OpenAPI document and the test of the permission table are all made from the same list of these.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from pydantic import BaseModel

from relight.control.identities import Caller
from relight.control.reception import Reception


class Call(NamedTuple):
    """One request as a handler sees it: who asks, and words that were checked.

    Attributes:
        key: The caller's own name for this very request (``Idempotency-Key``); empty where they gave none.
    """

    caller: Caller
    reception: Reception
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any = None
    key: str = ""


class Reply(NamedTuple):
    """What a handler answers: a document and its status."""

    document: Mapping[str, Any]
    status: int = 200
    location: str = ""


Handler: TypeAlias = Callable[[Call], Reply]


class Query(NamedTuple):
    """One word of a query string."""

    name: str
    kind: type[int] | type[bool]
    default: int | bool
    description: str
    maximum: int = 0


class Route(NamedTuple):
    """One route of the API.

    Attributes:
        verb: What it does, by the permission table; ``open`` ones need no token.
        answer: The name of the schema of its document.
        body: The model of what it is sent; None: nothing is.
        stream: It is no document but a stream of events.
    """

    method: str
    path: str
    verb: str
    name: str
    summary: str
    answer: str
    handle: Handler | None = None
    body: type[BaseModel] | None = None
    query: tuple[Query, ...] = ()
    status: int = 200
    stream: bool = False
