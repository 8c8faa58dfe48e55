"""Asks, and finds out how old the answer is.

An instant query dates its answer with the moment of its evaluation, not with the moment when the sample was taken:
a series whose sender died without a word (remote write, a stuck recording rule, explicit timestamps) is shown as
fresh for five more minutes. For a plain selector the true moment can be had, by ``timestamp(selector)`` evaluated at
the same instant; it costs a second request. For an expression it cannot be had at all: there, write ``rate`` or
``*_over_time`` over a window no longer than the age that still means something; when the data ends, so does the value.
"""

import asyncio
import re
import time
import urllib.parse
from typing import Annotated, Any

from pydantic import Field, field_validator

from relight.sdk import (
    Arguments,
    Call,
    Duration,
    Failed,
    NoAnswer,
    NotSent,
    Probe,
    Provider,
    Secret,
    SecretOrText,
    capabilities,
    http_ask,
    one_line,
)
from relight.sdk.capabilities import MetricArgs, MetricResult
from relight_prometheus.answers import read_answer

ANSWER_MAX = 256 * 1024
"""Bytes of an answer: one number needs 200, and a thousand series are an error all the same."""
GET_MAX = 2_000
"""Characters of a query that fit into an address everywhere; a longer one is posted."""
CLOCKS_APART_MAX_S = 30.0
"""How far its clock may be ahead of ours: an old sample must not look like a new one."""
REFUSED_MAX = 1_000
_SELECTOR = re.compile(
    r"""\s*(?!(?i:nan|inf)\b)[a-zA-Z_:][a-zA-Z0-9_:]*\s*
        (\{([^"'`{}]|"(\\.|[^"\\])*"|'(\\.|[^'\\])*'|`[^`]*`)*\})?\s*""",
    re.VERBOSE,
)


class PrometheusConfig(Arguments):
    """One server."""

    url: Annotated[str, Field(description="Its address, with the path that it is served under")]
    token: Annotated[Secret | None, Field(description="Sent as a bearer token")] = None
    headers: Annotated[
        dict[str, SecretOrText],
        Field(description="Sent with every query, such as X-Scope-OrgID; a value may be a secret reference"),
    ] = {}
    timeout: Annotated[Duration, Field(description="Longest wait for an answer, where the query allows more")] = 10.0
    verify: Annotated[
        bool | str, Field(description="Whether certificates must hold, or the file of those that are trusted")
    ] = True
    max_age: Annotated[Duration, Field(description="A sample older than this is stale, whoever asks")] = 300.0
    sample_times: Annotated[
        bool, Field(description="Ask when a plain selector's sample was taken, with a second request")
    ] = True
    accept_warnings: Annotated[
        bool, Field(description="Take a value though the server warns that it may be incomplete")
    ] = False

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")) or "?" in value:
            raise ValueError("an address starts with http:// or https:// and has no parameters")
        return value


class MetricQuery(Probe):
    """Asks for one number."""

    contract = capabilities.METRIC_QUERY

    async def read(self, call: Call) -> MetricResult:
        """Return a value, or why there is none; whatever the server does, nothing is raised."""
        provider = self.provider
        assert isinstance(provider, PrometheusProvider)
        args: MetricArgs = call.args
        limit_s = min(args.timeout, call.deadline_s, provider.config.timeout)
        clock = asyncio.get_running_loop().time
        deadline = clock() + limit_s
        found, moment = await provider.sample_time(call, args.promql, limit_s)
        if found is None:
            left_s = max(deadline - clock(), 0.001)
            found = await provider.query(call, args.promql, left_s, at=None if moment is None else moment.evaluated)
        if found.kind == "value" and moment is not None:
            found = found.model_copy(update={"at": moment.taken})
        result = _fresh(found, moment.evaluated if moment else found.at, provider.config.max_age)
        return result.model_copy(update={"detail": call.secrets.redact(result.detail)})


class _Moment:
    """When a sample was taken, and when the server said so."""

    __slots__ = ("evaluated", "taken")

    def __init__(self, taken: float, evaluated: float) -> None:
        self.taken = taken
        self.evaluated = evaluated


class PrometheusProvider(Provider):
    """One server that answers ``/api/v1/query``."""

    Config = PrometheusConfig
    probes = (MetricQuery,)

    def __init__(self, name: str, config: PrometheusConfig, secrets: Any) -> None:
        super().__init__(name, config, secrets)
        self._refused: set[str] = set()

    async def ping(self) -> str:
        """Ask for a number that everybody knows."""
        call = Call(args=MetricArgs(promql="1"), secrets=self.secrets)
        answer = await self.query(call, "1", self.config.timeout)
        fresh = _fresh(answer, answer.at, self.config.max_age)
        if fresh.kind != "value":
            raise Failed(self.secrets.redact(fresh.detail))
        return f"{self.config.url} answers queries"

    async def sample_time(self, call: Call, promql: str, limit_s: float) -> tuple[MetricResult | None, _Moment | None]:
        """Return what is already clear about a plain selector, or else when its sample was taken."""
        if not self.config.sample_times or promql in self._refused or not _SELECTOR.fullmatch(promql):
            return None, None
        # First the time and then the value, so that a scrape in between makes the value look older, never fresher.
        asked = await self.query(call, f"timestamp({promql})", limit_s)
        if asked.kind == "value" and asked.value is not None and asked.at is not None:
            return None, _Moment(asked.value, asked.at)
        if asked.kind == "empty":
            return asked, None
        if len(self._refused) < REFUSED_MAX and "bad_data" in asked.detail:
            self._refused.add(promql)  # a server that does not know timestamp() is not asked again
        return None, None

    async def query(self, call: Call, promql: str, limit_s: float, at: float | None = None) -> MetricResult:
        """Return the server's answer, or the error that kept it from coming."""
        config: PrometheusConfig = self.config
        parameters = {
            "query": promql,
            "timeout": f"{max(limit_s, 0.1):.3f}",
        }  # seconds; its durations know no fractions
        if at is not None:
            parameters["time"] = f"{at:.3f}"
        form = urllib.parse.urlencode(parameters)
        url = f"{config.url.rstrip('/')}/api/v1/query"
        posted = len(form) > GET_MAX
        try:
            headers = {name: call.reveal(value) for name, value in config.headers.items()}
            if config.token is not None:
                headers["Authorization"] = f"Bearer {call.reveal(config.token)}"
            if posted:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            answer = await http_ask(
                "POST" if posted else "GET",
                url if posted else f"{url}?{form}",
                headers=headers,
                body=form.encode() if posted else None,
                deadline_s=limit_s,
                verify=config.verify,
                answer_max=ANSWER_MAX,
            )
        except (NotSent, NoAnswer, ValueError, Failed) as error:
            return MetricResult(kind="error", detail=one_line(str(error)))
        return read_answer(answer, accept_warnings=config.accept_warnings)


def _fresh(found: MetricResult, evaluated: float | None, max_age_s: float) -> MetricResult:
    """Return *found*, unless the moment that it belongs to is not now."""
    if found.at is None or found.kind not in {"value", "nan"}:
        return found
    now = time.time()
    if evaluated is not None and evaluated - now > CLOCKS_APART_MAX_S:
        return MetricResult(kind="error", detail=f"the server's clock is {evaluated - now:.0f} s ahead of this host's")
    age_s = now - found.at
    if age_s > max_age_s:
        detail = f"the sample is {age_s:.0f} s old; its sender or the server stands still, or the clocks are apart"
        return MetricResult(kind="stale", at=found.at, detail=detail)
    return found
