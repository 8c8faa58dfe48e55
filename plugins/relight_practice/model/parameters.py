"""The parameters of the model, as a site document writes them; those left out are the practice site's."""

from dataclasses import fields
from typing import Annotated, Literal

from pydantic import Field

from relight.sdk import Arguments, Duration
from relight_practice.shape import Shape

_S = Shape()


class SignInConfig(Arguments):
    """How much is asked of a sign-in tier, how much it can carry, and what is wrong with it; rates are per second."""

    fault: Annotated[
        Literal["brownout", "release", "surge", "region", "none"],
        Field(description="What is wrong: a bad release and a surge, one of the two, a failing primary pool, nothing"),
    ] = "brownout"
    broken_for: Annotated[Duration, Field(description="How long it has been so when the run begins", ge=0)] = 10.0
    heals_after: Annotated[Duration, Field(description="When a failed region is well again; 0: never", ge=0)] = 45.0
    queries: Annotated[
        dict[str, str],
        Field(description="For queries of this site: what to ask of the model's own counters instead, in PromQL"),
    ] = {}
    demand: Annotated[float, Field(description="People who come to sign in, a second, on other days", gt=0)] = _S.demand
    surge: Annotated[float, Field(description="How many more of them there are now, a second", ge=0)] = _S.surge
    residents: Annotated[int, Field(description="People who are signed in all day", ge=0)] = _S.residents
    visit: Annotated[Duration, Field(description="How often each of them looks, on average", gt=0)] = _S.visit_s
    people: Annotated[int, Field(description="Everybody with an account", ge=1)] = _S.people
    patience: Annotated[
        Duration, Field(description="How long somebody tries to sign in before giving up, on average", gt=0)
    ] = _S.patience_s
    waiting_max: Annotated[int, Field(description="Most people who wait outside at a time", ge=1)] = _S.waiting_max
    polite_share: Annotated[
        float, Field(description="Share of newcomers whose clients honour Retry-After; others hammer", ge=0, le=1)
    ] = _S.polite_share
    api_rate: Annotated[float, Field(description="Requests of the other surface", ge=0)] = _S.api_rate
    nodes: Annotated[int, Field(description="Nodes that serve", ge=1)] = _S.nodes
    nodes_floor: Annotated[int, Field(description="Fewest that may serve", ge=1)] = _S.nodes_floor
    nodes_ceiling: Annotated[int, Field(description="Most that there may be", ge=1)] = _S.nodes_ceiling
    workers: Annotated[int, Field(description="Requests a node works on at a time", ge=1, le=2_000)] = _S.workers
    login_slots: Annotated[int, Field(description="Sign-ins a node works on at a time", ge=1)] = _S.login_slots
    login_cost: Annotated[Duration, Field(description="How long a sign-in takes", gt=0)] = _S.login_cost_s
    login_patience: Annotated[
        Duration, Field(description="Longest wait for a sign-in's turn, else it is refused", ge=0)
    ] = _S.login_patience_s
    boot: Annotated[Duration, Field(description="How long a new node is looked at before it counts", ge=0)] = _S.boot_s
    corrupts: Annotated[float, Field(description="Share of session writes that the bad release spoils", ge=0, le=1)] = (
        _S.corrupts
    )
    pages: Annotated[int, Field(description="Pages that there are", ge=1)] = _S.pages
    page_spread: Annotated[
        float, Field(description="On other days most people want the first three times as many", gt=0)
    ] = _S.page_spread
    cache_pages: Annotated[int, Field(description="Pages that a node can hold", ge=1)] = _S.cache_pages
    origin_slots: Annotated[int, Field(description="Pages the origin renders at a time", ge=1)] = _S.origin_slots
    origin_cost: Annotated[Duration, Field(description="How long it takes for one", gt=0)] = _S.origin_cost_s
    origin_backlog: Annotated[Duration, Field(description="How much work the origin queues", ge=0)] = (
        _S.origin_backlog_s
    )
    origin_patience: Annotated[Duration, Field(description="How long a node waits for a page", gt=0)] = (
        _S.origin_patience_s
    )
    store_slots: Annotated[int, Field(description="Operations of the session store at a time", ge=1)] = _S.store_slots
    store_cost: Annotated[Duration, Field(description="How long one takes", gt=0)] = _S.store_cost_s
    store_patience: Annotated[Duration, Field(description="How long sign-ins wait for it", ge=0)] = _S.store_patience_s
    api_patience: Annotated[Duration, Field(description="How long the other surface does", ge=0)] = _S.api_patience_s
    new_device_share: Annotated[
        float, Field(description="Share of sign-ins that leave a job in the queue", ge=0, le=1)
    ] = _S.new_device_share
    queue_rate: Annotated[float, Field(description="Jobs done a second when all is well", gt=0)] = _S.queue_rate
    fallback_login_slots: Annotated[int, Field(description="Sign-ins that the other pool works on at a time", ge=1)] = (
        _S.fallback_login_slots
    )
    fallback_share_failed: Annotated[
        float, Field(description="Share of errors at which the other pool's breaker opens", gt=0, le=1)
    ] = _S.fallback_share_failed

    def shape(self, seed: int, pace: float) -> Shape:
        """Return them as the model takes them."""
        given = self.model_dump()
        values = {}
        for part in fields(Shape):
            name = part.name if part.name in given else part.name.removesuffix("_s")
            if name in given:
                values[part.name] = given[name]
        return Shape(**{**values, "seed": seed, "pace": pace})
