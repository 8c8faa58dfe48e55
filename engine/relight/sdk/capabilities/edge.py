"""Nodes: how many there are, which take traffic, and whether their caches are warm."""

from typing import Annotated

from pydantic import Field

from relight.sdk.plugin import Arguments, Contract, Result


class ScaleArgs(Arguments):
    """What ``edge.scale`` takes."""

    pool: Annotated[str, Field(description="The pool of nodes")] = "edge"
    add: Annotated[int | None, Field(description="How many nodes to add", ge=0)] = None
    nodes: Annotated[list[str] | None, Field(description="Exactly these nodes; what undo: previous uses")] = None
    serve: Annotated[bool, Field(description="Whether new nodes take traffic at once")] = True


class ScaleResult(Result):
    """What ``edge.scale`` gives."""

    added: Annotated[list[str], Field(description="Names of the nodes that were added")] = []
    removed: Annotated[list[str], Field(description="Names of the nodes that were removed")] = []
    total: Annotated[int, Field(description="Nodes in the pool afterwards")] = 0


EDGE_SCALE = Contract(
    name="edge.scale",
    title="Add nodes to a pool or remove them, between its floor and its ceiling",
    args=ScaleArgs,
    result=ScaleResult,
    key_args=("pool",),
    lasting=True,
    reads_value=True,
    timeout_s=600.0,
)


class ServeArgs(Arguments):
    """What ``edge.serve`` takes."""

    nodes: Annotated[list[str], Field(description="The nodes")]
    serve: Annotated[bool, Field(description="Whether they take traffic")] = True


class ServeResult(Result):
    """What ``edge.serve`` gives."""

    serving: Annotated[list[str], Field(description="Nodes that take traffic afterwards")] = []


EDGE_SERVE = Contract(
    name="edge.serve",
    title="Let nodes take traffic, or drain them",
    args=ServeArgs,
    result=ServeResult,
    idempotent=True,
    key_args=("nodes",),
    lasting=True,
    reads_value=True,
    timeout_s=120.0,
)


class WarmArgs(Arguments):
    """What ``cache.warm`` takes."""

    nodes: Annotated[list[str], Field(description="The nodes whose caches are filled")]
    max_rate: Annotated[float, Field(description="Requests a second and node", gt=0)] = 50.0


class WarmResult(Result):
    """What ``cache.warm`` gives."""

    nodes: Annotated[dict[str, float], Field(description="Node to share of hits on the second pass, 0 to 1")] = {}
    hit_share: Annotated[float, Field(description="The worst of them")] = 0.0


CACHE_WARM = Contract(
    name="cache.warm",
    title="Fill the caches of nodes before they take traffic, and measure the hits",
    args=WarmArgs,
    result=WarmResult,
    idempotent=True,
    timeout_s=900.0,
)
