"""CEL, behind one door: the only module that loads the library.

The library's package pulls in a command-line tool (0.3 s); its compiled part alone is loaded here, when a value is
first needed (30 ms).
An expression is its text and its names; both are plain data, so that a journal can keep it and a status view can
show it without any CEL.
Nothing read from outside is ever evaluated: values enter through the scope, and what comes out is data.
"""

import importlib.machinery
import importlib.util
import json
import math
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from relight.kernel.plan import ExpressionFailed, Json
from relight.runbook.cel_text import Reading, Token, read_cel
from relight.runbook.template import is_template, parts_of, whole

ITEMS_MAX = {1: 10_000, 2: 300}
"""The longest list that an expression may walk, by how many macros lie inside each other: 0.1 s of work at most."""
WORK_MAX = 5_000_000
"""Values that macros may touch in all. The library copies the whole list for each item that `map` and `filter` add, so
that they cost the square of a list's length; half a second of work at most."""
RESULT_CHARS_MAX = 64 * 1024
DEPTH_MAX = 32
_PROGRAMS_KEPT = 1_024
_DEPTHS = {"steps": 3, "site": 2, "inputs": 2, "probes": 2, "checks": 2, "run": 2, "args": 2, "stages": 2, "effects": 2}


class Problem(NamedTuple):
    """What is wrong with an expression, and at which character."""

    at: int
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class CelExpression:
    """One expression: bare CEL, or text with ``${{ … }}`` in it; the kernel's ``Expression``.

    *names* are cut where the scope's parts end: ``steps.scale.result.added`` reads ``steps.scale.result``.
    *template* says that the text embeds its CEL; these three are all it takes to make it again.
    """

    text: str
    names: frozenset[str]
    template: bool = False

    def value(self, scope: Mapping[str, Any]) -> Json:
        """Return its value on *scope*; a template of more than one part gives text.

        Raises:
            ExpressionFailed: it cannot be evaluated on this scope.
        """
        if not self.template:
            return _evaluate(self.text, scope)
        inner = whole(self.text)
        if inner is not None:
            return _evaluate(inner, scope)
        pieces = [_written(_evaluate(part.text, scope)) if part.is_cel else part.text for part in parts_of(self.text)]
        return _checked("".join(pieces), self.text)


def bare(text: str) -> CelExpression:
    """Return the expression that *text* is, as ``pass_when`` and its like hold it."""
    return CelExpression(text, scope_names(name.path for name in read_cel(text).names))


def embedded(text: str) -> CelExpression | str:
    """Return the expression that *text* embeds, or *text* itself where it embeds none."""
    if not is_template(text):
        return text
    paths = [name.path for part in parts_of(text) if part.is_cel for name in read_cel(part.text).names]
    return CelExpression(text, scope_names(paths), template=True)


def restore(text: str, names: Iterable[str], template: bool = False) -> CelExpression:
    """Return an expression again from what a journal kept of it; nothing is compiled yet."""
    return CelExpression(text, frozenset(names), template)


def scope_names(paths: Iterable[str]) -> frozenset[str]:
    """Return dotted names cut to the parts that a scope is made of."""
    return frozenset(_cut(path.split(".")) for path in paths)


def _cut(parts: list[str]) -> str:
    depth = _DEPTHS.get(parts[0], 1)
    if parts[:2] == ["site", "values"]:
        depth = 3
    return ".".join(parts[:depth])


def substituted(text: str, scope: Mapping[str, Any]) -> CelExpression:
    """Return a criterion with what *scope* knows written into it as CEL; whoever judges it then needs no scope.

    Raises:
        ExpressionFailed: a name that belongs to *scope* has no value there.
    """
    pieces: list[str] = []
    index = 0
    for name in read_cel(text).names:
        if name.path.split(".")[0] not in scope:
            continue
        # JSON's strings, numbers and lists are CEL's; the brackets are for what is below zero.
        literal = json.dumps(_evaluate(text[name.at : name.end], scope), ensure_ascii=False)
        pieces += [text[index : name.at], f"({literal})" if literal.startswith("-") else literal]
        index = name.end
    written = "".join([*pieces, text[index:]])
    _program(written)
    return bare(written)


def operand(criterion: str) -> tuple[str, ...]:
    """Return where in ``value`` a criterion looks; nothing where it looks at ``value`` itself, or at several places."""
    paths = {name.path for name in read_cel(criterion).names if name.path.split(".")[0] == "value"}
    return tuple(paths.pop().split(".")[1:]) if len(paths) == 1 else ()


def whole_name(text: str) -> str | None:
    """Return the one name that a text is, such as ``args.percent`` for ``${{ args.percent }}``."""
    inner = whole(text)
    names = read_cel(inner).names if inner is not None else []
    return names[0].path if inner is not None and len(names) == 1 and names[0].path == inner.strip() else None


def problem_with(text: str) -> Problem | None:
    """Return why *text* is no CEL, or None where it is."""
    if not text.strip():
        return Problem(0, "the expression is empty", "write a condition, such as value < 0.02")
    try:
        _program(text)
    except ExpressionFailed as failed:
        return _explained(text, str(failed))
    return None


def matches(pattern: str, text: str) -> bool:
    """Return whether all of *text* matches *pattern*, in time linear in its length.

    Raises:
        ExpressionFailed: *pattern* is no regular expression.
    """
    result = _evaluate("text.matches(pattern)", {"text": text, "pattern": f"^(?:{pattern})$"})
    return bool(result)


_loading = threading.Lock()


def _library() -> ModuleType:
    """Load the compiled part of the package, once; Rust extensions cannot be initialised twice."""
    with _loading:
        if (loaded := sys.modules.get("cel.cel")) is not None:
            return loaded
        package = importlib.util.find_spec("cel")
        for folder in (package.submodule_search_locations if package else None) or ():
            for suffix in importlib.machinery.EXTENSION_SUFFIXES:
                path = Path(folder) / f"cel{suffix}"
                if path.is_file():
                    return _load(path)
    raise ImportError("the package common-expression-language is not installed, or without its compiled part")


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("cel.cel", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["cel.cel"] = module
    spec.loader.exec_module(module)
    return module


@lru_cache(maxsize=_PROGRAMS_KEPT)
def _compiled(text: str) -> tuple[Any, Reading, str]:
    """Return the program, or why there is none; both are kept."""
    reading = read_cel(text)
    if reading.excess is not None:
        return None, reading, f"the expression {reading.excess.path}"
    try:
        return _library().compile(text), reading, ""
    except ValueError as error:
        return None, reading, str(error)


def _program(text: str) -> tuple[Any, Reading]:
    program, reading, error = _compiled(text)
    if program is None:
        raise ExpressionFailed(error)
    return program, reading


def _evaluate(text: str, scope: Mapping[str, Any]) -> Json:
    program, reading = _program(text)
    longest = ITEMS_MAX.get(reading.macros, ITEMS_MAX[2]) if reading.macros else 0
    prepared = dict(scope)
    value = prepared.get("value")
    if longest:
        _bounded(text, reading, prepared, longest)
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            # CEL does not mix whole and broken numbers in arithmetic; a sample is a measure, so it is always broken.
            prepared["value"] = float(value)
        return _checked(program.execute(prepared), text)
    except ExpressionFailed:
        raise
    except KeyError as error:
        raise ExpressionFailed(f"{_short(text)}: there is no {error.args[0]!r}") from None
    except TypeError:
        why = "the types do not fit each other (write double(x) or int(x) where whole and broken numbers meet)"
        raise ExpressionFailed(f"{_short(text)}: {why}") from None
    except (ValueError, RuntimeError, ArithmeticError, LookupError) as error:
        raise ExpressionFailed(f"{_short(text)}: {_first_sentence(error)}") from None


def _bounded(text: str, reading: Reading, scope: Mapping[str, Any], longest: int) -> None:
    """Refuse what would take the macros of an expression too long."""
    items = _longest(scope)
    if items > longest:
        raise ExpressionFailed(f"{_short(text)}: a list is longer than the {longest} items that an expression may walk")
    for_each = 1 + sum(_size(_value_of(name.path, scope)) for name in reading.inner)
    if reading.builds:
        for_each = items * for_each + _size(scope)
    if items**reading.macros * for_each > WORK_MAX:
        raise ExpressionFailed(f"{_short(text)}: its lists are too long for what it does with each of their items")


def _value_of(path: str, scope: Mapping[str, Any]) -> Any:
    """Return what a dotted name reads, as far as it leads."""
    value: Any = scope
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            break
        value = value[key]
    return value


def _size(value: Any, depth: int = 0) -> int:
    """Return how many values there are in *value*; a long text counts as several."""
    if isinstance(value, str):
        return 1 + len(value) // 64
    if depth > DEPTH_MAX or not isinstance(value, Mapping | list | tuple):
        return 1
    return 1 + sum(_size(item, depth + 1) for item in (value.values() if isinstance(value, Mapping) else value))


def _longest(value: Any, depth: int = 0) -> int:
    """Return the length of the longest list or mapping in *value*."""
    if depth > DEPTH_MAX or not isinstance(value, Mapping | list | tuple):
        return 0
    inner = value.values() if isinstance(value, Mapping) else value
    return max([len(value), *(_longest(item, depth + 1) for item in inner)])


def _checked(value: Any, text: str, depth: int = 0) -> Json:
    """Return *value* if it is JSON."""
    match value:
        case None | bool() | int():
            return value
        case str() if len(value) <= RESULT_CHARS_MAX:
            return value
        case float() if math.isfinite(value):
            return value
        case list() if depth < DEPTH_MAX:
            return [_checked(item, text, depth + 1) for item in value]
        case dict() if depth < DEPTH_MAX and all(isinstance(key, str) for key in value):
            return {key: _checked(item, text, depth + 1) for key, item in value.items()}
    what = f"{type(value).__name__}" if not isinstance(value, str) else f"longer than {RESULT_CHARS_MAX} characters"
    what = f"{value}, not a number" if isinstance(value, float) else what
    raise ExpressionFailed(f"{_short(text)}: the result is {what}, which is no plain data")


def _written(value: Json) -> str:
    """Return *value* as text among text: whole numbers without a point, nothing as ``none``."""
    match value:
        case None:
            return "none"
        case str():
            return value
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 60 else f"{text[:59]}…"


def _first_sentence(error: BaseException) -> str:
    text = str(error).splitlines()[0] if str(error) else error.__class__.__name__
    return text.split(". ")[0].rstrip(".")[:200]


_PLACE = re.compile(r"ERROR: <input>:([1-9][0-9]*):([1-9][0-9]*): (.*)")  # some have no place: line and column 0
_FOREIGN = {
    "and": "write && for and",
    "or": "write || for or",
    "not": "write ! for not",
    "is": "write == for is",
    "=": "compare with ==",
    "&": "write && for and",
    "|": "write || for or",
    "%": "write a share as a number: 0.02 for 2%",
    ";": "an expression is one line of one condition",
}


def _explained(text: str, error: str) -> Problem:
    """Return the library's first complaint with its place, in words for people."""
    found = _PLACE.search(error)
    if found is None:
        said = error.splitlines()[0][:200]
        return Problem(0, "this is not CEL" if "ERROR: <input>" in said else said, "")
    lines = text.split("\n")
    row = min(int(found[1]), len(lines)) - 1
    at = min(sum(len(line) + 1 for line in lines[:row]) + int(found[2]) - 1, len(text))
    said = found[3].removeprefix("Syntax error: ")
    quoted = re.search(r"(?:input|at:) '(.*?)'(?: expecting|$)", said)
    what = (quoted[1] if quoted else "").strip()
    if said.startswith("reserved identifier"):
        return Problem(at, f"{said.split(': ')[-1]!r} is a word that CEL keeps for itself", "use another name")
    foreign = _foreign(text, at)
    hint = _FOREIGN[foreign.text] if foreign else ""
    if foreign is not None and not text[foreign.at + len(foreign.text) :].strip():
        return Problem(foreign.at, f"{foreign.text!r} does not fit here", hint)
    if "<EOF>" in what or at >= len(text):
        mend = hint or "complete it, and check that quotes and brackets close"
        return Problem(at, "the expression ends too early", mend)
    message = f"{what[:40]!r} does not fit here" if what else "this is not CEL"
    return Problem(at, message, hint or "check brackets, quotes and what stands before it")


def _foreign(text: str, at: int) -> Token | None:
    """Return the nearest sign of another language at or before *at*."""
    before = [token for token in read_cel(text).tokens if token.at <= at and token.text in _FOREIGN]
    return before[-1] if before else None
