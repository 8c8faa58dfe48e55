"""``metric.query``: value, empty, NaN, stale and error told apart, whatever the server does."""

import json
import socket
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import pydantic
import pytest

from relight.sdk import Failed, Secrets
from relight.sdk.capabilities import MetricResult
from relight.testing.calling import call_for
from relight.testing.http_server import HANG_UP, NEVER, Heard, Reply, Slowly, http_server, reply
from relight_prometheus import plugin
from relight_prometheus.provider import MetricQuery, PrometheusConfig, PrometheusProvider

RATE = "sum(rate(logins_failed_total[15s]))"


def provider(url: str, **config: Any) -> PrometheusProvider:
    """Return a provider for the server at *url*."""
    made = plugin.provider("prom", PrometheusConfig(url=url, **config), Secrets())
    assert isinstance(made, PrometheusProvider)
    return made


async def query(source: PrometheusProvider, promql: str = RATE, **args: Any) -> MetricResult:
    """Ask as a driver would."""
    return await MetricQuery(source).read(call_for(MetricQuery.contract, {"promql": promql, **args}))


def vector(*values: str, at: float | None = None, **more: Any) -> str:
    """Return the body of an answer with one series for each value."""
    moment = time.time() if at is None else at
    result = [{"metric": {"instance": f"i{n}"}, "value": [moment, value]} for n, value in enumerate(values)]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}, **more})


def scalar(value: str) -> str:
    """Return the body of an answer with a scalar."""
    return json.dumps({"status": "success", "data": {"resultType": "scalar", "result": [time.time(), value]}})


def data(**data: Any) -> str:
    """Return the body of an answer with anything."""
    return json.dumps({"status": "success", "data": data})


KINDS: list[tuple[str, Callable[[], Reply], str, str]] = [
    ("a value", lambda: reply(200, vector("0.25")), "value", ""),
    ("a scalar", lambda: reply(200, scalar("0.25")), "value", ""),
    ("nothing", lambda: reply(200, vector()), "empty", "no series"),
    ("0/0", lambda: reply(200, vector("NaN")), "nan", "not a number"),
    ("1/0", lambda: reply(200, vector("+Inf")), "nan", "denominator"),
    ("-1/0", lambda: reply(200, scalar("-Inf")), "nan", "denominator"),
    ("two series", lambda: reply(200, vector("1", "2")), "error", '2 series, like {instance="i0"}; aggregate'),
    ("an old evaluation", lambda: reply(200, vector("1", at=time.time() - 400)), "stale", "400 s old"),
    ("a moment in the future", lambda: reply(200, vector("1", at=time.time() + 90)), "error", "clock is 90 s ahead"),
    ("a range", lambda: reply(200, data(resultType="matrix", result=[])), "error", "gives a matrix"),
    ("a text", lambda: reply(200, data(resultType="string", result=[1, "x"])), "error", "gives a string"),
    (
        "a histogram",
        lambda: reply(200, data(resultType="vector", result=[{"histogram": [1, {}]}])),
        "error",
        "quantile",
    ),
    ("no data", lambda: reply(200, json.dumps({"status": "success"})), "error", "gives nothing"),
    (
        "a garbled sample",
        lambda: reply(200, data(resultType="scalar", result=[1, "one"])),
        "error",
        "sample that is none",
    ),
    ("a sample of null", lambda: reply(200, data(resultType="scalar", result=None)), "error", "sample that is none"),
    ("a sample never", lambda: reply(200, data(resultType="scalar", result=["NaN", "1"])), "error", "without a moment"),
    ("garbled series", lambda: reply(200, data(resultType="vector", result=[7])), "error", "histogram"),
    (
        "an error",
        lambda: reply(400, '{"status":"error","errorType":"bad_data","error":"parse"}'),
        "error",
        "bad_data: parse",
    ),
    (
        "an error with 200",
        lambda: reply(200, '{"status":"error","errorType":"timeout","error":"x"}'),
        "error",
        "timeout: x",
    ),
    ("a value with 500", lambda: reply(500, vector("1")), "error", "HTTP 500"),
    ("a login page", lambda: reply(200, "<html>Sign in</html>"), "error", "not Prometheus's JSON"),
    ("a proxy's error", lambda: reply(502, "Bad Gateway"), "error", "HTTP 502"),
    ("other JSON", lambda: reply(200, "[1]"), "error", "not Prometheus's JSON"),
    ("deep JSON", lambda: reply(200, "[" * 100_000), "error", "not Prometheus's JSON"),
    ("a redirect", lambda: reply(302, headers={"Location": "/login"}), "error", "HTTP 302"),
    ("too much", lambda: reply(200, vector(*["1"] * 9000)), "error", "not Prometheus's JSON"),
    ("a doubt", lambda: reply(200, vector("1", warnings=["partial response"])), "error", "partial response"),
    ("an info", lambda: reply(200, vector("1", warnings=["PromQL info: maybe no counter"])), "value", ""),
    ("nobody", lambda: HANG_UP, "error", "broke off without an answer"),
    ("never", lambda: NEVER, "error", "did not answer within"),
    ("half", lambda: Slowly(parts=(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{",), hold=True), "error", "JSON"),
]


@pytest.mark.parametrize(("answer", "kind", "detail"), [each[1:] for each in KINDS], ids=[each[0] for each in KINDS])
async def test_each_answer_has_its_kind(answer: Callable[[], Reply], kind: str, detail: str) -> None:
    """Only a value is a value; everything else says why it is none."""
    async with http_server(lambda _heard: answer()) as server:
        # Only who does not answer to the end shall run into the timeout, whatever else the machine has to do.
        found = await query(
            provider(server.url), timeout="500ms" if detail in ("did not answer within", "JSON") else "20s"
        )
    assert (found.kind, found.value is not None) == (kind, kind == "value")
    assert detail in found.detail


async def test_a_server_that_is_gone_is_an_error() -> None:
    """Nothing is raised: a check without data is inconclusive, and the next source may answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    found = await query(provider(url))
    assert (found.kind, found.value) == ("error", None)
    assert "no connection" in found.detail
    with pytest.raises(Failed, match="no connection"):
        await provider(url).ping()


def asked(heard: Heard) -> dict[str, str]:
    """Return the parameters of a request."""
    text = heard.body.decode() if heard.method == "POST" else heard.target.partition("?")[2]
    return dict(urllib.parse.parse_qsl(text))


async def test_a_plain_selector_tells_when_its_sample_was_taken() -> None:
    """The moment of the sample, not of the evaluation; and the value is read at the very same evaluation."""
    evaluated = time.time()
    taken = evaluated - 42

    def answer(heard: Heard) -> Reply:
        stamped = asked(heard)["query"].startswith("timestamp(")
        return reply(200, vector(repr(taken) if stamped else "7", at=evaluated))

    async with http_server(answer) as server:
        found = await query(provider(server.url), 'queue_depth{job="login", path=~"/a{2}|}"}')
    assert (found.kind, found.value) == ("value", 7)
    assert found.at == pytest.approx(taken, abs=0.01)
    first, second = (asked(heard) for heard in server.heard)
    assert first["query"] == 'timestamp(queue_depth{job="login", path=~"/a{2}|}"})'
    assert second["time"] == f"{evaluated:.3f}"


async def test_a_sample_of_yesterday_is_stale() -> None:
    """A sender that died without a word leaves its last value on show; its true moment gives it away."""

    def answer(heard: Heard) -> Reply:
        return reply(200, vector(repr(time.time() - 200) if "timestamp" in heard.target else "7"))

    async with http_server(answer) as server:
        found = await query(provider(server.url, max_age="1m"), "queue_depth")
        assert (found.kind, found.value) == ("stale", None)
        assert (await query(provider(server.url, max_age="1m", sample_times=False), "queue_depth")).kind == "value"


async def test_a_series_that_is_gone_is_asked_for_once() -> None:
    """Where there is no sample there is no value to ask for."""
    async with http_server(lambda _heard: reply(200, vector())) as server:
        assert (await query(provider(server.url), "queue_depth")).kind == "empty"
    assert len(server.heard) == 1


async def test_a_server_without_timestamp_is_not_asked_again() -> None:
    """A small server that speaks only part of the language is taken at its word, at one request a sample."""

    def answer(heard: Heard) -> Reply:
        if "timestamp" in heard.target:
            return reply(400, '{"status":"error","errorType":"bad_data","error":"unknown function"}')
        return reply(200, vector("7"))

    async with http_server(answer) as server:
        source = provider(server.url)
        for _ in range(3):
            assert (await query(source, "queue_depth")).value == 7
    assert len(server.heard) == 4


@pytest.mark.parametrize(
    "promql", ["NaN", "1", "up > 0", "rate(up[5m])", "-up", "up offset 5m", "up or vector(0)", "{a=~`b`}"]
)
async def test_expressions_are_asked_once(promql: str) -> None:
    """For an expression the moment of its samples cannot be had; the documentation says what to write instead."""
    async with http_server(lambda _heard: reply(200, vector("7"))) as server:
        await query(provider(server.url), promql)
    assert [asked(heard)["query"] for heard in server.heard] == [promql]


async def test_the_token_and_the_headers_are_sent_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that repeats the token in its error gives nothing away."""
    monkeypatch.setenv("PROM_TOKEN", "tok-with-some-length")
    body = '{"status":"error","errorType":"denied","error":"bad token tok-with-some-length"}'
    async with http_server(lambda _heard: reply(403, body)) as server:
        source = provider(f"{server.url}/prom/", token="env:PROM_TOKEN", headers={"X-Scope-OrgID": "eu"})
        found = await query(source)
    (heard,) = server.heard
    assert heard.target.startswith("/prom/api/v1/query?")
    assert heard.headers["authorization"] == "Bearer tok-with-some-length"
    assert heard.headers["x-scope-orgid"] == "eu"
    assert found.detail == "denied: bad token [secret]"


async def test_a_secret_that_is_missing_is_an_error() -> None:
    """Nothing is raised and nothing is sent."""
    async with http_server(lambda _heard: reply(200, vector("1"))) as server:
        found = await query(provider(server.url, token="env:RELIGHT_NO_SUCH"))
    assert (found.kind, server.heard) == ("error", [])
    assert "RELIGHT_NO_SUCH" in found.detail


async def test_a_long_query_is_posted() -> None:
    """An address has a length; a query may be longer."""
    promql = " + ".join(["rate(logins_total[15s])"] * 200)
    async with http_server(lambda _heard: reply(200, vector("1"))) as server:
        assert (await query(provider(server.url), promql)).value == 1
    (heard,) = server.heard
    assert (heard.method, heard.target, asked(heard)["query"]) == ("POST", "/api/v1/query", promql)


async def test_a_warning_may_be_accepted() -> None:
    """Who knows that a warning is harmless may say so, and still sees it."""
    async with http_server(lambda _heard: reply(200, vector("1", warnings=["store-3 is away"]))) as server:
        found = await query(provider(server.url, accept_warnings=True))
    assert (found.kind, found.value, found.detail) == ("value", 1, "store-3 is away")


async def test_details_are_one_line_without_control_characters() -> None:
    """A server's words are shown on terminals."""
    body = json.dumps({"status": "error", "errorType": "x", "error": "a\x1b[2Jb\nc\u202e" + "d" * 5000})
    async with http_server(lambda _heard: reply(400, body)) as server:
        found = await query(provider(server.url))
    assert found.detail.startswith("x: a [2Jb c d")
    assert len(found.detail) <= 200


@pytest.mark.parametrize("url", ["localhost:9090", "ftp://x", "http://x/?a=b"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """The refusal says what an address looks like."""
    with pytest.raises(pydantic.ValidationError, match="starts with http"):
        PrometheusConfig(url=url)
