"""YAML 1.2 with places: events become plain data that remembers where each part stood.

libyaml's scanner does the reading; its events are walked under caps before anything is built, because its composer
recurses (30,000 brackets crash it) and its scanner is quadratic in nesting.
What does not belong here: what any key means.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from relight.runbook.complaints import Complaints
from relight.runbook.source import START, Mark

DEPTH_MAX = 32
"""The deepest key of a runbook lies 8 deep; arguments may nest a few times more."""
NODES_MAX = 20_000
"""A runbook of 100 stages has about 5,000 values; at 20,000 the whole walk stays under a second."""
ALIASES_MAX = 50
"""Enough to share a retry policy; too few for a bomb, whose copies count as nodes as well."""
DIGITS_MAX = 19

_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_BREAK = re.compile(r"\r\n|\n|\r")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Map(dict[str, Any]):
    """A mapping that knows where it, its keys and its values stood."""

    __slots__ = ("keys_at", "mark", "values_at")

    def __init__(self, mark: Mark = START) -> None:
        super().__init__()
        self.mark = mark
        self.keys_at: dict[str, Mark] = {}
        self.values_at: dict[str, Mark] = {}

    def put(self, key: str, value: Any, key_at: Mark, value_at: Mark) -> None:
        """Set *key* and where it stood."""
        self[key] = value
        self.keys_at[key] = key_at
        self.values_at[key] = value_at


class Items(list[Any]):
    """A sequence that knows where it and its items stood."""

    __slots__ = ("items_at", "mark")

    def __init__(self, mark: Mark = START) -> None:
        super().__init__()
        self.mark = mark
        self.items_at: list[Mark] = []

    def put(self, value: Any, at: Mark) -> None:
        """Append *value* and where it stood."""
        self.append(value)
        self.items_at.append(at)


class _Stop(Exception):
    """The document cannot be read further; the complaint is filed."""


def read_yaml(complaints: Complaints) -> Map | None:
    """Return the document's top mapping, or None where there is none to work with; complaints are filed."""
    source = complaints.source
    for flaw in source.flaws:
        complaints.add(flaw.code, flaw.mark, flaw.message, flaw.hint)
    if source.flaws:
        return None
    try:
        value, mark = _Builder(complaints).document(_events(source.text))
    except _Stop:
        return None
    except yaml.YAMLError as error:
        _syntax(complaints, error)
        return None
    if isinstance(value, Map):
        return value
    what = "is empty" if value is None else f"is {kind_of(value)}"
    complaints.add("RL107", mark, f"the document {what}", "it has to be a mapping: `runbook: NAME` and so on")
    return None


def kind_of(value: Any) -> str:
    """Return what a YAML reader would call the type of *value*."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "a mapping"
    return "something else"


def child(container: Any, key: str | int) -> Any:
    """Return the value at *key* of a :class:`Map` or :class:`Items`, or None where there is none."""
    if isinstance(container, Map):
        return container.get(str(key))
    if isinstance(container, Items) and isinstance(key, int) and 0 <= key < len(container):
        return container[key]
    return None


def mark_at(tree: Any, path: Iterable[str | int]) -> Mark:
    """Return where the value at *path* below *tree* stood, or the nearest value around it that is written."""
    at = tree.mark if isinstance(tree, Map | Items) else START
    for key in path:
        if isinstance(tree, Map) and key in tree.values_at:
            at = tree.values_at[str(key)]
        elif isinstance(tree, Items) and isinstance(key, int) and 0 <= key < len(tree.items_at):
            at = tree.items_at[key]
        else:
            break
        tree = child(tree, key)
    return at


def plain(value: Any) -> Any:
    """Return *value* as ordinary dicts and lists."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _events(text: str) -> Iterator[Any]:
    # libyaml loses the blanks of a block scalar that ends with the file instead of with a line.
    yield from yaml.parse(text if text.endswith(("\n", "\r")) else f"{text}\n", Loader=_LOADER)


def _at(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1, getattr(event, "style", None) or "")


def extent(text: str, at: Mark) -> tuple[Mark, Mark] | None:
    """Return where the value that begins at *at* begins and ends, quotes and brackets with it; None: there is none.

    *text* is a document that could be read.
    """
    deep, end = 0, at
    begun = False
    for event in _events(text):
        if not begun and isinstance(event, yaml.NodeEvent) and _at(event)[:2] == at[:2]:
            begun = True
        if not begun:
            continue
        deep += isinstance(event, yaml.CollectionStartEvent)
        closes = isinstance(event, yaml.CollectionEndEvent)
        deep -= closes
        # The end of a block collection is where the next thing begins; what it holds ends before.
        if not closes or _before(text, event.end_mark) in "]}":
            end = Mark(event.end_mark.line + 1, event.end_mark.column + 1)
        if deep == 0:
            return at, end
    return None


def _before(text: str, mark: Any) -> str:
    """Return the character before a mark of the parser's: the bracket that closed there, if one did."""
    lines = _BREAK.split(text)
    return lines[mark.line][mark.column - 1 : mark.column] if mark.line < len(lines) and mark.column else " "


class _Builder:
    """Builds one document from events; depth, size and aliases are capped as it goes."""

    def __init__(self, complaints: Complaints) -> None:
        self._complaints = complaints
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._open: set[str] = set()
        self._nodes = 0
        self._aliases = 0

    def document(self, events: Iterator[Any]) -> tuple[Any, Mark]:
        """Return the value of the only document of *events*."""
        value, mark, seen = None, START, False
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if seen:
                    hint = "keep one document a file; delete the second `---` or move what follows it"
                    self._complaints.add("RL106", _at(event), "a second document begins here", hint)
                    raise _Stop
                seen = True
            elif isinstance(event, yaml.NodeEvent):
                value, mark = self._node(event, events, 0), _at(event)
        return value, mark

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Any:
        mark = _at(event)
        self._count(1, mark)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, mark)
        if event.tag is not None:
            hint = "delete it: types follow from how a value is written, and quotes make text"
            self._complaints.add("RL110", mark, f"the YAML tag {_tag(event.tag)} is not allowed", hint)
        before = self._nodes
        if event.anchor is not None:
            self._open.add(event.anchor)
        value = self._value(event, events, depth, mark)
        if event.anchor is not None:
            self._open.discard(event.anchor)
            self._anchors[event.anchor] = (value, self._nodes - before + 1)
        return value

    def _value(self, event: Any, events: Iterator[Any], depth: int, mark: Mark) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, mark)
        if depth >= DEPTH_MAX:
            self._complaints.add("RL108", mark, f"nested more than {DEPTH_MAX} deep", "no key lies that deep")
            raise _Stop
        if isinstance(event, yaml.SequenceStartEvent):
            return self._items(events, depth, mark)
        return self._map(events, depth, mark)

    def _items(self, events: Iterator[Any], depth: int, mark: Mark) -> Items:
        items = Items(mark)
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.put(self._node(event, events, depth + 1), _at(event))
        return items

    def _map(self, events: Iterator[Any], depth: int, mark: Mark) -> Map:
        found = Map(mark)
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key_at = _at(event)
            key = self._node(event, events, depth + 1)
            value_event = next(events)
            value = self._node(value_event, events, depth + 1)
            if self._accept(found, key, key_at):
                found.put(key, value, key_at, _at(value_event))
        return found

    def _accept(self, found: Map, key: Any, at: Mark) -> bool:
        if key == "<<":
            hint = "write the keys out, or share one whole value with an anchor"
            self._complaints.add("RL111", at, "merge keys are not allowed", hint)
            return False
        if not isinstance(key, str):
            hint = "put it in quotes" if isinstance(key, bool | int | float) else "a key is one word of text"
            self._complaints.add("RL113", at, f"this key is {kind_of(key)}, not text", hint)
            return False
        if key in found:
            hint = f"the first is in line {found.keys_at[key].line}; keep one"
            self._complaints.add("RL112", at, f"the key {key!r} is given twice", hint)
            return False
        return True

    def _alias(self, event: Any, mark: Mark) -> Any:
        self._aliases += 1
        if self._aliases > ALIASES_MAX:
            self._complaints.add("RL111", mark, f"more than {ALIASES_MAX} aliases", "write the values out")
            raise _Stop
        if event.anchor in self._open or event.anchor not in self._anchors:
            what = "contains itself" if event.anchor in self._open else "has no anchor"
            hint = "write the value out; put it in quotes where the * is text"
            self._complaints.add("RL111", mark, f"the alias *{event.anchor} {what}", hint)
            raise _Stop
        value, size = self._anchors[event.anchor]
        self._count(size, mark)
        return value

    def _count(self, nodes: int, mark: Mark) -> None:
        self._nodes += nodes
        if self._nodes > NODES_MAX:
            hint = "split it into several runbooks, or move data into files that steps read"
            self._complaints.add("RL109", mark, f"more than {NODES_MAX} values in one document", hint)
            raise _Stop

    def _scalar(self, event: Any, mark: Mark) -> Any:
        text: str = event.value
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _NOT_FINITE.fullmatch(text):
            return self._no_number(mark, f"{text} is not a finite number", "put it in quotes if it is text")
        for pattern, base in ((_INT, 10), (_OCTAL, 8), (_HEX, 16)):
            if pattern.fullmatch(text):
                return self._whole(text, base, mark)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if number in (float("inf"), float("-inf")):
                return self._no_number(mark, f"{text[:40]} is too large a number", "put it in quotes if it is text")
            return number
        return text

    def _whole(self, text: str, base: int, mark: Mark) -> int:
        digits = text.lstrip("+-0xo")
        number = int(text, base) if len(digits) <= DIGITS_MAX + 3 else 1 << 64
        if not -(1 << 63) <= number < (1 << 63):
            return self._no_number(mark, f"{text[:40]} does not fit into 64 bits", "put it in quotes if it is text")
        return number

    def _no_number(self, mark: Mark, message: str, hint: str) -> int:
        self._complaints.add("RL114", mark, message, hint)
        return 0


def _tag(tag: str) -> str:
    short = tag.replace("tag:yaml.org,2002:", "!!")
    return short if len(short) <= 60 else f"{short[:59]}…"


_CLOSE = "check that quotes, braces and brackets close, and put ${{ … }} in quotes inside them"
_TABS = "YAML indents with spaces: replace the tab"
_MENDS = (
    ("found a tab character", _TABS),
    ("found character that cannot start any token", "put it in quotes: YAML keeps its first character for itself"),
    ("mapping values are not allowed", "put text that holds a colon in quotes; or is the line indented too far?"),
    ("did not find expected key", "indent the line like its neighbours, and check that quotes and braces close"),
    ("did not find expected '-' indicator", "check that the items of this list are indented alike"),
    ("could not find expected ':'", "a colon and a blank must follow the key; put text of several words in quotes"),
    ("did not find expected ',' or", _CLOSE),
    ("did not find expected node content", _CLOSE),
    ("found unexpected end of stream", "a quote is not closed"),
    ("found unknown escape character", "write the backslash twice, or use single quotes"),
    ("found undefined alias", "put the text in quotes if it begins with *"),
    ("block sequence entries are not allowed", "begin the list in a line of its own"),
)
_FROM_ITS_BEGIN = ("found unexpected end of stream", "could not find expected ':'")
"""Where it was noticed says nothing here; where the quote or the key began does."""


def _syntax(complaints: Complaints, error: yaml.YAMLError) -> None:
    problem = str(getattr(error, "problem", None) or error).splitlines()[0][:200]
    begun = getattr(error, "context_mark", None)
    mark = getattr(error, "problem_mark", None) or begun
    if any(words in problem for words in _FROM_ITS_BEGIN):
        mark = begun or mark
    at = Mark(mark.line + 1, mark.column + 1) if mark is not None else START
    context = getattr(error, "context", None)
    begun_line = begun.line + 1 if begun is not None else at.line
    where = f" ({context}, begun in line {begun_line})" if context and begun_line < at.line else ""
    hint = _mend(complaints, problem, at)
    if begun_line < at.line and hint == _CLOSE:
        hint = f"close what line {begun_line} opens: a brace, a bracket or a quote in it"
    complaints.add("RL105", at, f"not YAML: {problem}{where}", hint)


def _mend(complaints: Complaints, problem: str, at: Mark) -> str:
    line = complaints.source.line(at.line)
    if "\t" in (line[at.col - 1 : at.col], *line[: len(line) - len(line.lstrip())]):
        return _TABS
    return next((mend for words, mend in _MENDS if words in problem), "check indentation, quotes and brackets here")
