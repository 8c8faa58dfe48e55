"""Cutting a query into words."""

import re
from dataclasses import dataclass

QUERY_LENGTH_MAX = 4_000
"""Ten times the longest query of the site's document."""

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<duration>(?:\d+(?:ms|[smhdwy]))+)(?![a-zA-Z0-9_])
    |(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![a-zA-Z0-9_])
    |(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<operator>=~|!~|==|!=|>=|<=|[-+*/%^<>=(){}\[\],])""",
    re.VERBOSE,
)
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0, "y": 31_536_000.0}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}


class PromqlError(Exception):
    """The query cannot be understood; the message has the place, as Prometheus writes it."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word and where it begins."""

    kind: str
    text: str
    position: int


def tokenize(query: str) -> list[Token]:
    """Return the words of *query*, with an empty one of kind ``end`` behind the last."""
    if len(query) > QUERY_LENGTH_MAX:
        raise PromqlError(f"1:1: parse error: the query is longer than {QUERY_LENGTH_MAX} characters")
    tokens: list[Token] = []
    position = 0
    while position < len(query):
        match = _TOKEN.match(query, position)
        if match is None:
            raise fault(query, position, f"unexpected character: {query[position]!r}")
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match[0], position))
        position = match.end()
    tokens.append(Token("end", "", len(query)))
    return tokens


def fault(query: str, position: int, message: str) -> PromqlError:
    """Return the error with its line and column."""
    before = query[:position]
    column = position - (before.rfind("\n") + 1) + 1
    return PromqlError(f"{before.count(chr(10)) + 1}:{column}: parse error: {message}")


def duration_s(text: str) -> float:
    """Return the seconds of ``1m30s``."""
    return sum(float(number) * _UNITS_S[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", text))


def unquote(text: str) -> str:
    """Return what a quoted string says."""
    inner = text[1:-1]
    if text[0] == "`":
        return inner
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), inner)
