"""Sends requests and reads answers."""

import json
from typing import Any

from relight.sdk import (
    Action,
    Call,
    Contract,
    Failed,
    HttpAnswer,
    NoAnswer,
    NotSent,
    OutcomeUnknown,
    Probe,
    Provider,
    Secrets,
    capabilities,
    fit,
    http_ask,
)
from relight_http.addresses import address, aimed, shown
from relight_http.arguments import GetArgs, HttpConfig, RequestArgs, RequestResult
from relight_http.endings import judge

READ_MAX = 256 * 1024
"""Bytes read of an answer, so that the whole of a larger one can be parsed before it is cut."""
BODY_MAX = 12 * 1024
"""Bytes of JSON that a result keeps of a body; with the rest it stays below a result's 16 KiB."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "PUT"})
_HEADERS_KEPT = ("content-type", "date", "etag", "location", "retry-after", "x-request-id")
_HEADER_MAX = 200


class Request(Action):
    """Sends one request that changes something."""

    contract = Contract(
        name="request",
        title="Send one HTTP request",
        args=RequestArgs,
        result=RequestResult,
        idempotent="idempotent",
    )

    async def perform(self, call: Call) -> RequestResult:
        """Send it; see ``endings`` for what comes of it."""
        args: RequestArgs = call.args
        body, content_type = _body(args.body)
        headers = {"Content-Type": content_type} if content_type else {}
        if call.key and args.method not in {"GET", "HEAD"}:
            headers["Idempotency-Key"] = call.key
        harmless = args.idempotent or args.method in _SAFE_METHODS
        try:
            answer, url = await _send(self.provider.config, call, args.method, headers, body)
        except NoAnswer as lost:
            raise OutcomeUnknown(str(lost)) from None
        if not _expected(args, answer.status):
            text = answer.body.decode(errors="replace")
            raise judge(answer, f"{args.method} {shown(url)}", text, idempotent=harmless)
        return _result(answer)

    async def preview(self, call: Call) -> str:
        """Show the request's line."""
        url = address(self.provider.config.base_url, call.args.url, {})
        return f"sends {call.args.method} {shown(url)}"


class Get(Probe):
    """Asks, changing nothing."""

    contract = Contract(
        name="get", title="Ask an address with GET", args=GetArgs, result=RequestResult, effect="read", timeout_s=10.0
    )

    async def read(self, call: Call) -> RequestResult:
        """Ask it."""
        try:
            answer, url = await _send(self.provider.config, call, "GET", {}, None)
        except NoAnswer as lost:
            raise Failed(str(lost)) from None
        if not _expected(call.args, answer.status):
            text = answer.body.decode(errors="replace")
            failure = judge(answer, f"GET {shown(url)}", text, idempotent=True)
            raise failure if isinstance(failure, Failed) else Failed(str(failure))
        return _result(answer)


class HttpProbe(Probe):
    """Asks, and takes any status for an answer."""

    contract = capabilities.HTTP_PROBE

    async def read(self, call: Call) -> capabilities.HttpProbeResult:
        """Ask it."""
        args = GetArgs(url=call.args.url, timeout=call.args.timeout)
        try:
            answer, _ = await _send(self.provider.config, call, "GET", {}, None, args)
        except NoAnswer as lost:
            raise Failed(str(lost)) from None
        body, _ = _kept(answer)
        return capabilities.HttpProbeResult(status=answer.status, seconds=answer.seconds, body=body)


class HttpProvider(Provider):
    """One server, or where none is configured, any."""

    Config = HttpConfig
    actions = (Request,)
    probes = (Get, HttpProbe)

    async def ping(self) -> str:
        """Ask the base address; any answer will do."""
        config: HttpConfig = self.config
        if not config.base_url:
            return "no base_url to ask; steps name whole addresses"
        call = Call(args=GetArgs(url=""), deadline_s=config.timeout, secrets=self.secrets)
        try:
            answer, url = await _send(config, call, "GET", {}, None)
        except NoAnswer as lost:
            raise Failed(str(lost)) from None
        return f"{shown(url)} answered {answer.status}"


async def _send(
    config: HttpConfig,
    call: Call,
    method: str,
    headers: dict[str, str],
    body: bytes | None,
    args: GetArgs | None = None,
) -> tuple[HttpAnswer, str]:
    """Return the answer, redacted, and the address that was asked."""
    asked: GetArgs = call.args if args is None else args
    sent: dict[str, tuple[str, str]] = {}
    for name, value in (
        *headers.items(),
        *config.headers.items(),
        *asked.headers.items(),
        *asked.secret_headers.items(),
    ):
        sent[name.lower()] = (name, call.reveal(value))
    timeout_s = config.timeout if asked.timeout is None else asked.timeout
    try:
        host = call.targets[0].name if call.targets else ""
        url = address(config.base_url, aimed(asked.url, host), asked.query)
        answer = await http_ask(
            method,
            url,
            headers=dict(sent.values()),
            body=body,
            deadline_s=min(timeout_s, call.deadline_s),
            verify=config.verify,
            answer_max=READ_MAX,
        )
    except ValueError as error:
        raise Failed(str(error), retry=False) from None
    except NotSent as error:
        raise Failed(str(error)) from None
    return _redacted(answer, call.secrets), url


def _redacted(answer: HttpAnswer, secrets: Secrets) -> HttpAnswer:
    """Return it without secrets: a server may echo what it was sent, and cutting comes later."""
    return HttpAnswer(
        status=answer.status,
        headers={name: secrets.redact(value) for name, value in answer.headers.items()},
        body=secrets.redact_bytes(answer.body),
        complete=answer.complete,
        seconds=answer.seconds,
    )


def _expected(args: GetArgs, status: int) -> bool:
    return status in args.expect_status if args.expect_status else 200 <= status < 300


def _body(value: Any) -> tuple[bytes | None, str]:
    if value is None:
        return None, ""
    if isinstance(value, str):
        return value.encode(errors="surrogatepass"), "text/plain; charset=utf-8"
    return json.dumps(value).encode(), "application/json"


def _result(answer: HttpAnswer) -> RequestResult:
    body, truncated = _kept(answer)
    headers = {name: answer.headers[name][:_HEADER_MAX] for name in _HEADERS_KEPT if name in answer.headers}
    return RequestResult(
        status=answer.status, headers=headers, body=body, seconds=round(answer.seconds, 6), truncated=truncated
    )


def _kept(answer: HttpAnswer) -> tuple[Any, bool]:
    value = answer.data()
    if isinstance(value, str) or len(json.dumps(value)) > BODY_MAX:
        text, cut = fit(answer.body.decode(errors="replace"), BODY_MAX)
        return text, cut or not answer.complete
    return value, not answer.complete
