"""The practice plugin tells certain failures from unknown outcomes, and reads back what it did."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from relight.sdk import Action, Call, Failed, OutcomeUnknown, Probe, Result, Secrets
from relight.sdk.capabilities import MetricArgs
from relight.sdk.registry import Registry
from relight_practice import PracticeSite, plugin, site_document
from relight_practice.document import practice_people
from relight_practice.wire import Request, Response, Server, json_response
from relight_prometheus import plugin as prometheus


def provider_of(url: str) -> Any:
    """Return a provider as a site document would make it."""
    return Registry({"practice": plugin}).provider("edge", {"use": "practice", "url": url}, Secrets())


async def do(url: str, name: str, /, key: str = "", **args: Any) -> Result:
    """Do or read something."""
    provider = provider_of(url)
    kind = provider.contracts()[name](provider)
    call = Call(args=kind.contract.args(**args), key=key, deadline_s=10.0)
    return await (kind.read(call) if isinstance(kind, Probe) else kind.perform(call))


async def now(url: str, name: str, /, **args: Any) -> tuple[dict[str, Any] | None, str]:
    """Return what is in force, and what it would change."""
    provider = provider_of(url)
    kind = provider.contracts()[name](provider)
    assert isinstance(kind, Action)
    call = Call(args=kind.contract.args(**args))
    return await kind.in_force(call) if kind.contract.reads_value else None, await kind.preview(call)


async def until(holds: Callable[[], Awaitable[bool]], within_s: float = 20.0) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110  what is waited for happens in other processes
            await asyncio.sleep(0.05)


# ---- without a site


@pytest.mark.parametrize("url", ["http://example.org:80", "https://127.0.0.1:1", "127.0.0.1:8400", ""])
def test_a_practice_site_is_on_this_machine(url: str) -> None:
    """Nobody points a drill at anything else by mistake."""
    with pytest.raises(Exception, match=r"a practice site is on this machine: http://127\.0\.0\.1:PORT"):
        provider_of(url)


async def test_what_never_arrived_certainly_did_not_happen() -> None:
    """With nobody there, trying again is safe."""
    server = Server(lambda _: asyncio.sleep(0, json_response({})))
    url = f"http://127.0.0.1:{await server.start()}"
    await server.close()
    for name in ("deploy.freeze", "admission.throttle", "deploy.current"):
        with pytest.raises(Failed) as failed:
            await do(url, name)
        assert failed.value.retry
    with pytest.raises(Failed, match="cannot be read"):
        await provider_of(url).ping()


@pytest.fixture
async def wilful() -> AsyncIterator[tuple[str, list[Request]]]:
    """A control that hangs up, fails or refuses, as the path of the order says."""
    seen: list[Request] = []

    async def answer(request: Request) -> Response:
        seen.append(request)
        match request.path:
            case "/deploy/freeze":
                await server.close()  # the order was heard, the answer is lost
                await asyncio.sleep(0.2)
            case "/deploy/unfreeze":
                return json_response({"error": "internal", "message": "see the log"}, 500)
            case "/throttle":
                return json_response({"error": "refused", "message": "not today"}, 409)
            case "/nodes":
                return Response(200, b"hello")
            case "/cache/warm":
                await asyncio.sleep(30)
        return json_response({})

    server = Server(answer)
    yield f"http://127.0.0.1:{await server.start()}", seen
    await server.close()


async def test_a_lost_answer_is_an_unknown_outcome(wilful: tuple[str, list[Request]]) -> None:
    """It was sent; whether it was done is for a probe to find out."""
    with pytest.raises(OutcomeUnknown, match="has not answered"):
        await do(wilful[0], "deploy.freeze", key="run/freeze")
    assert wilful[1][0].headers["idempotency-key"] == "run/freeze"


async def test_a_failure_inside_is_an_unknown_outcome(wilful: tuple[str, list[Request]]) -> None:
    """What failed half-way may have been done half-way."""
    with pytest.raises(OutcomeUnknown, match="see the log"):
        await do(wilful[0], "deploy.unfreeze")


async def test_a_refusal_is_final(wilful: tuple[str, list[Request]]) -> None:
    """The site's own sentence is told, and trying again is useless."""
    with pytest.raises(Failed, match="the practice site says: not today") as failed:
        await do(wilful[0], "admission.throttle", percent=10)
    assert not failed.value.retry


async def test_something_else_at_the_address_is_named(wilful: tuple[str, list[Request]]) -> None:
    """A port that was taken by another program is no practice site."""
    with pytest.raises(Failed, match="no practice site"):
        await now(wilful[0], "edge.scale", add=1)


async def test_cancelling_stops_what_goes_on_at_the_site(wilful: tuple[str, list[Request]]) -> None:
    """An abort reaches the other side before it is let through."""
    task = asyncio.create_task(do(wilful[0], "cache.warm", key="run/warm", nodes=["node-3"]))
    await until(lambda: asyncio.sleep(0, bool(wilful[1])))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [request.target for request in wilful[1]] == ["/cache/warm", "/operation/stop?key=run%2Fwarm"]


# ---- with a site


@pytest.mark.drill
@pytest.mark.timeout(180)
async def test_everything_is_read_back(site: PracticeSite) -> None:
    """In force is what the site says, never what was ordered; a preview says both."""
    url = site.url
    assert "runs 2 nodes" in await provider_of(url).ping()
    assert await now(url, "admission.throttle", percent=10, max_rate=8) == (
        None,
        "100% of sign-ins, none a second, becomes 10%, 8.0 a second",
    )
    await do(url, "admission.throttle", percent=10, max_rate=8, retry_after={"min": "30s", "max": "90s"})
    in_force, _ = await now(url, "admission.throttle")
    assert in_force == {
        "surface": "consumer",
        "percent": 10,
        "max_rate": 8,
        "retry_after": {"min": 30, "max": 90},
    }
    await do(url, "admission.throttle", percent=100, max_rate="none")
    assert (await now(url, "admission.throttle"))[0] is None

    await do(url, "queue.release", max_rate=20, drop_older_than="10m")
    assert (await now(url, "queue.release"))[0] == {"queue": "default", "max_rate": 20, "drop_older_than": 600}
    await do(url, "queue.release", max_rate="none")
    assert (await now(url, "queue.release"))[0] is None
    await do(url, "traffic.failover", percent=25)
    assert (await now(url, "traffic.failover"))[0] == {"surface": "consumer", "to": "fallback", "percent": 25}
    assert (await now(url, "traffic.failover", to="primary"))[0] == {
        "surface": "consumer",
        "to": "fallback",
        "percent": 25,
    }
    await do(url, "traffic.failover", to="primary", percent=100)
    assert (await now(url, "traffic.failover"))[0] is None
    pool = await do(url, "traffic.pool", pool="primary")
    assert pool.model_dump() == {"healthy": True, "nodes": 2, "breaker": "closed", "share": 100}
    await do(url, "status.publish", state="degraded", advice="Keep your cookies")
    assert (await now(url, "status.publish", state="degraded"))[0] == {
        "surface": "consumer",
        "state": "degraded",
        "retry": "wait",
        "advice": "Keep your cookies",
    }


@pytest.mark.drill
@pytest.mark.timeout(180)
async def test_a_bad_release_is_rolled_back_and_its_sessions_kept(site: PracticeSite) -> None:
    """The chain of the runbook's repairs, through the provider alone."""
    url = site.url
    await asyncio.to_thread(site.fault, "release")
    found = await do(url, "deploy.current")
    assert found.model_dump() == {"release": 41, "previous": 40, "frozen": False}
    assert (await now(url, "deploy.rollback"))[0] == {"service": "auth", "to": 41}
    assert (await now(url, "deploy.rollback"))[1] == "auth 41 becomes 40 on 2 nodes, one by one"

    async def some_are_corrupt() -> bool:
        return int((await now(url, "sessions.flush"))[1].split()[0]) >= 5

    await until(some_are_corrupt)
    done = await do(url, "deploy.rollback", key="rollback")
    assert done.model_dump() == {"release": 40, "instances": 2}
    assert (await do(url, "deploy.compatible", to="previous")).model_dump()["compatible"] is False
    with pytest.raises(Failed, match=r"sessions \(.*%\) are corrupt, more than 0%") as refused:
        await do(url, "sessions.flush", max_share=0)
    assert not refused.value.retry
    moved = (await do(url, "sessions.flush", batch="1%", max_share="20%")).model_dump()["moved"]
    assert moved > 0
    assert (await do(url, "sessions.flush")).model_dump()["moved"] == 0
    back = (await do(url, "sessions.restore", where="valid")).model_dump()
    assert back["restored"] + back["left"] == moved
    assert back["restored"] > 0


@pytest.mark.drill
@pytest.mark.timeout(180)
async def test_the_prometheus_plugin_reads_it(site: PracticeSite) -> None:
    """Every query of the document is one fresh number to the plugin that reads real Prometheus servers."""
    document = site_document(site.url, practice_people("ana"))
    assert document == json.loads(json.dumps(document))
    config = document["providers"]["prom"]
    provider = Registry({"prometheus": prometheus}).provider("prom", config, Secrets())
    probe = provider.contracts()["metric.query"](provider)
    assert isinstance(probe, Probe)

    async def all_are_values() -> bool:
        read = [await probe.read(Call(args=MetricArgs(promql=each["promql"]))) for each in document["queries"].values()]
        return {result.kind for result in read} == {"value"}  # type: ignore[attr-defined]

    # On a busy machine a scrape may come too late for the next look; then there is no rate for a moment.
    await until(all_are_values)
    gone: Any = await probe.read(Call(args=MetricArgs(promql="nothing_of_the_kind")))
    nan: Any = await probe.read(Call(args=MetricArgs(promql="0 / sum(vector(0))")))
    bad: Any = await probe.read(Call(args=MetricArgs(promql="sum(")))
    assert (gone.kind, nan.kind, bad.kind) == ("empty", "nan", "error")
    await provider.close()
