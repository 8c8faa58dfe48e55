"""From words to a tree, by precedence climbing."""

from dataclasses import dataclass
from typing import TypeAlias

from relight_practice.metrics.series import matcher
from relight_practice.promql.tokens import PromqlError, Token, duration_s, fault, tokenize, unquote

__all__ = ["Aggregate", "Binary", "Call", "Expression", "Negative", "Number", "PromqlError", "Selector", "parse"]

DEPTH_MAX = 50
"""Nobody nests deeper by hand, and the parser recurses."""

AGGREGATES = ("sum", "avg", "min", "max", "count")
_FUNCTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("rate", "increase", "delta", "irate"), ("range",)),
    **dict.fromkeys([f"{name}_over_time" for name in (*AGGREGATES, "last")], ("range",)),
    **dict.fromkeys(("abs", "absent", "scalar", "timestamp"), ("vector",)),
    **dict.fromkeys(("clamp_min", "clamp_max"), ("vector", "scalar")),
    "vector": ("scalar",),
    "time": (),
}
_PRECEDENCE = {
    "or": 1,
    **dict.fromkeys(("and", "unless"), 2),
    **dict.fromkeys(("==", "!=", ">", "<", ">=", "<="), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%"), 5),
    "^": 7,
}
_SIGN_PRECEDENCE = 6
COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")
SET_OPERATORS = ("and", "or", "unless")


@dataclass(frozen=True, slots=True)
class Number:
    """A number, written out."""

    value: float


@dataclass(frozen=True, slots=True)
class Selector:
    """``name{label="text"}``, with a range if *range_s* is given."""

    name: str | None
    matchers: tuple[tuple[str, str, str], ...]
    range_s: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A function and what it is given."""

    name: str
    args: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """``sum by (label) (…)``; *by* of None means ``without``."""

    name: str
    inner: "Expression"
    labels: tuple[str, ...]
    without: bool


@dataclass(frozen=True, slots=True)
class Negative:
    """A minus in front."""

    inner: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two sides and what stands between them."""

    operator: str
    left: "Expression"
    right: "Expression"
    as_bool: bool


Expression: TypeAlias = Number | Selector | Call | Aggregate | Negative | Binary


def parse(query: str) -> Expression:
    """Return the tree of *query*.

    Raises:
        PromqlError: it is not in the part of the language that is understood here.
    """
    if not query.strip():
        raise PromqlError("unknown position: parse error: no expression found in input")
    parser = _Parser(query)
    tree = parser.expression(0, 0)
    parser.expect("end", "")
    return tree


def kind_of(tree: Expression) -> str:
    """Return ``scalar``, ``vector`` or ``range``; known without evaluating anything."""
    match tree:
        case Number():
            return "scalar"
        case Selector():
            return "vector" if tree.range_s is None else "range"
        case Call():
            return "scalar" if tree.name in ("scalar", "time") else "vector"
        case Aggregate():
            return "vector"
        case Negative():
            return kind_of(tree.inner)
        case Binary():
            return "scalar" if kind_of(tree.left) == kind_of(tree.right) == "scalar" else "vector"


class _Parser:
    def __init__(self, query: str) -> None:
        self._query = query
        self._tokens = tokenize(query)
        self._index = 0

    @property
    def _now(self) -> Token:
        return self._tokens[self._index]

    def _take(self) -> Token:
        token = self._tokens[self._index]
        self._index += 1
        return token

    def _at(self, text: str) -> bool:
        return self._now.text == text and self._now.kind in ("operator", "name")

    def _skip(self, text: str) -> bool:
        if self._at(text):
            self._index += 1
            return True
        return False

    def _fault(self, message: str, token: Token | None = None) -> PromqlError:
        return fault(self._query, (token or self._now).position, message)

    def expect(self, kind: str, text: str) -> Token:
        """Take the token that must stand here."""
        if self._now.kind != kind or (text and self._now.text != text):
            found = self._now.text or "end of input"
            raise self._fault(f"unexpected {found!r}, expected {text or kind}")
        return self._take()

    def expression(self, floor: int, depth: int) -> Expression:
        """Read as far as operators bind tighter than *floor*."""
        if depth > DEPTH_MAX:
            raise self._fault("nested too deeply")
        left = self._operand(depth)
        while (precedence := self._operator_precedence()) > floor:
            token = self._take()
            as_bool = token.text in COMPARISONS and self._skip("bool")
            right = self.expression(precedence - 1 if token.text == "^" else precedence, depth + 1)
            left = self._binary(token, left, right, as_bool)
        return left

    def _operator_precedence(self) -> int:
        return _PRECEDENCE.get(self._now.text, 0) if self._now.kind in ("operator", "name") else 0

    def _binary(self, token: Token, left: Expression, right: Expression, as_bool: bool) -> Binary:
        kinds = (kind_of(left), kind_of(right))
        if "range" in kinds:
            raise self._fault("binary expression must contain only scalar and instant vector types", token)
        if token.text in SET_OPERATORS and "scalar" in kinds:
            raise self._fault(f"set operator {token.text!r} not allowed in binary scalar expression", token)
        if token.text in COMPARISONS and kinds == ("scalar", "scalar") and not as_bool:
            raise self._fault("comparisons between scalars must use BOOL modifier", token)
        return Binary(token.text, left, right, as_bool)

    def _operand(self, depth: int) -> Expression:
        if self._skip("-"):
            return Negative(self.expression(_SIGN_PRECEDENCE - 1, depth + 1))
        if self._skip("+"):
            return self.expression(_SIGN_PRECEDENCE - 1, depth + 1)
        if self._skip("("):
            inner = self.expression(0, depth + 1)
            self.expect("operator", ")")
            return inner
        if self._now.kind == "number":
            text = self._take().text
            return Number(float(int(text, 16)) if text[:2] in ("0x", "0X") else float(text))
        if self._at("{"):
            return self._selector(None)
        if self._now.kind != "name":
            raise self._fault(f"unexpected {self._now.text or 'end of input'!r}")
        return self._named(self._take(), depth)

    def _named(self, token: Token, depth: int) -> Expression:
        if token.text in ("NaN", "Inf", "nan", "inf"):
            return Number(float(token.text))
        if token.text in AGGREGATES and (self._at("(") or self._at("by") or self._at("without")):
            return self._aggregate(token, depth)
        if self._at("("):
            return self._call(token, depth)
        return self._selector(token.text)

    def _aggregate(self, token: Token, depth: int) -> Aggregate:
        grouping = self._grouping()
        self.expect("operator", "(")
        inner = self.expression(0, depth + 1)
        self.expect("operator", ")")
        if grouping is None:
            grouping = self._grouping()
        if kind_of(inner) != "vector":
            raise self._fault(
                f"expected type instant vector in aggregation expression, got {_SPOKEN[kind_of(inner)]}", token
            )
        labels, without = grouping or ((), False)
        return Aggregate(token.text, inner, labels, without)

    def _grouping(self) -> tuple[tuple[str, ...], bool] | None:
        if not (self._at("by") or self._at("without")):
            return None
        without = self._take().text == "without"
        self.expect("operator", "(")
        labels: list[str] = []
        while not self._at(")"):
            labels.append(self.expect("name", "").text)
            if not self._skip(","):
                break
        self.expect("operator", ")")
        return tuple(labels), without

    def _call(self, token: Token, depth: int) -> Call:
        wanted = _FUNCTIONS.get(token.text)
        if wanted is None:
            raise self._fault(f'unknown function with name "{token.text}"', token)
        self.expect("operator", "(")
        args: list[Expression] = []
        while not self._at(")"):
            args.append(self.expression(0, depth + 1))
            if not self._skip(","):
                break
        self.expect("operator", ")")
        if len(args) != len(wanted):
            raise self._fault(f'expected {len(wanted)} argument(s) in call to "{token.text}", got {len(args)}', token)
        for argument, kind in zip(args, wanted, strict=True):
            if kind_of(argument) != kind:
                got = _SPOKEN[kind_of(argument)]
                raise self._fault(f'expected type {_SPOKEN[kind]} in call to function "{token.text}", got {got}', token)
        return Call(token.text, tuple(args))

    def _selector(self, name: str | None) -> Selector:
        matchers: list[tuple[str, str, str]] = []
        if self._skip("{"):
            while not self._at("}"):
                label = self.expect("name", "").text
                operator = self._take()
                if operator.text not in ("=", "!=", "=~", "!~"):
                    raise self._fault(f"unexpected {operator.text!r} in label matching", operator)
                token = self.expect("text", "")
                text = unquote(token.text)
                try:
                    matcher(operator.text, text)
                except ValueError as error:
                    raise self._fault(str(error), token) from None
                matchers.append((label, operator.text, text))
                if not self._skip(","):
                    break
            self.expect("operator", "}")
        if name is None and all(text == "" for _, _, text in matchers):
            raise self._fault("vector selector must contain at least one non-empty matcher")
        if not self._skip("["):
            return Selector(name, tuple(matchers))
        range_s = duration_s(self.expect("duration", "").text)
        self.expect("operator", "]")
        if range_s <= 0:
            raise self._fault("duration must be greater than 0")
        return Selector(name, tuple(matchers), range_s)


_SPOKEN = {"scalar": "scalar", "vector": "instant vector", "range": "range vector"}
