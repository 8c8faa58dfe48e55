"""What can be said of a CEL expression from its text alone: the names it reads, the functions it calls, its size.

The library's own answer knows no dotted paths and counts the variables that macros bind; this reading knows both.
It is a reading, not a judgement: what is no CEL at all is for the library to refuse.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

LENGTH_MAX = 1_000
"""The longest criterion in our runbooks has 60 characters."""
TOKENS_MAX = 250
BRACKETS_MAX = 16
MACROS_MAX = 2
"""One list inside another is the most that anybody reads; each level multiplies the work."""

FUNCTIONS = frozenset(
    {"bool", "contains", "double", "endsWith", "has", "int", "matches", "size", "startsWith", "string", "uint"}
)
MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
BUILDERS = frozenset({"filter", "map"})
_LITERALS = frozenset({"true", "false", "null", "in"})
RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop"}
    | {"namespace", "null", "package", "return", "true", "var", "void", "while"}
)
"""Words that CEL keeps for itself: no input, check, probe or step can be read by such a name."""

_STRING = r"[rR]?(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
_NUMBER = r"0x[0-9a-fA-F]+u?|[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?[uU]?|\.[0-9]+(?:[eE][-+]?[0-9]+)?"
TOKEN = re.compile(
    rf"(?P<blank>\s+|//[^\n]*)|(?P<string>[bB]?{_STRING}|{_STRING})|(?P<number>{_NUMBER})"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>&&|\|\||[<>=!]=|.)",
    re.DOTALL,
)


class Token(NamedTuple):
    """One word, sign, number or string, and where it begins."""

    kind: str
    text: str
    at: int


class Name(NamedTuple):
    """A dotted name that an expression reads, and where it begins and ends."""

    path: str
    at: int
    end: int = 0


@dataclass(slots=True)
class Reading:
    """What an expression's text says.

    Attributes:
        names: Dotted names in the order they stand; variables bound by macros are not among them.
        functions: Functions and macros that it calls.
        numbers: The numbers written in it.
        excess: The limit that it breaks, as a sentence, and where; None where it keeps all of them.
        tokens: All words and signs.
        macros: How many macros lie inside each other at most; ``matches`` inside a macro counts as one more.
        inner: Those of *names* that are read whole inside a macro, once for each item.
    """

    names: list[Name] = field(default_factory=list)
    functions: list[Name] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    excess: Name | None = None
    macros: int = 0
    inner: list[Name] = field(default_factory=list)

    @property
    def builds(self) -> bool:
        """Whether a macro in it makes a new list, item by item."""
        return any(name.path in BUILDERS for name in self.functions)


def text_within(literal: str) -> str:
    """Return what stands within the quotes of a string of CEL, as it is written there."""
    bare = literal.lstrip("rRbB")
    quotes = 3 if bare[:3] in ('"""', "'''") and len(bare) >= 6 else 1
    return bare[quotes:-quotes]


def read_cel(text: str) -> Reading:
    """Return what the text of one bare expression says."""
    reading = Reading()
    if len(text) > LENGTH_MAX:
        reading.excess = Name(f"is longer than {LENGTH_MAX} characters", 0)
        return reading
    tokens = [
        Token(str(found.lastgroup), found[0], found.start())
        for found in TOKEN.finditer(text)
        if found.lastgroup != "blank"
    ]
    if len(tokens) > TOKENS_MAX:
        reading.excess = Name(f"has more than {TOKENS_MAX} words and signs", tokens[TOKENS_MAX].at)
        return reading
    reading.tokens = tokens
    _Reader(tokens, reading).run()
    return reading


class _Reader:
    """Walks the tokens once, with a stack of brackets that knows what each macro binds."""

    def __init__(self, tokens: list[Token], reading: Reading) -> None:
        self._tokens = tokens
        self._reading = reading
        self._stack: list[str | None] = []

    def run(self) -> None:
        index = 0
        while index < len(self._tokens):
            token = self._tokens[index]
            if token.kind == "sign":
                self._sign(token)
            elif token.kind == "number":
                self._number(token)
            elif token.kind == "word":
                index = self._word(index)
                continue
            index += 1

    def _sign(self, token: Token) -> None:
        if token.text in "([{":
            self._open(token, None)
        elif token.text in ")]}" and self._stack:
            self._stack.pop()

    def _open(self, token: Token, binds: str | None) -> None:
        self._stack.append(binds)
        if len(self._stack) > BRACKETS_MAX and self._reading.excess is None:
            self._reading.excess = Name(f"nests more than {BRACKETS_MAX} brackets", token.at)
        self._reading.macros = max(self._reading.macros, self._depth())
        if self._depth() > MACROS_MAX and self._reading.excess is None:
            self._reading.excess = Name(f"nests more than {MACROS_MAX} macros", token.at)

    def _depth(self) -> int:
        return sum(binds is not None for binds in self._stack)

    def _number(self, token: Token) -> None:
        try:
            self._reading.numbers.append(float(token.text.rstrip("uU")))
        except ValueError:
            return

    def _text(self, index: int) -> str:
        return self._tokens[index].text if 0 <= index < len(self._tokens) else ""

    def _kind(self, index: int) -> str:
        return self._tokens[index].kind if 0 <= index < len(self._tokens) else ""

    def _word(self, index: int) -> int:
        """Read the name, call or literal at *index* and return where to go on."""
        token = self._tokens[index]
        if token.text in _LITERALS:
            return index + 1
        if self._text(index + 1) == "(":
            return self._call(index)
        if self._text(index - 1) == ".":
            return index + 1
        end, parts = self._members(index)
        if token.text not in self._stack:
            last = self._tokens[end - 1]
            name = Name(".".join(parts), token.at, last.at + len(last.text))
            self._reading.names.append(name)
            is_walked = self._text(end) == "." and self._text(end + 1) in MACROS
            if self._depth() and not is_walked:
                self._reading.inner.append(name)
        return end

    def _members(self, index: int) -> tuple[int, list[str]]:
        """Return where the dotted name that begins at *index* ends, and its parts."""
        parts = [self._tokens[index].text]
        index += 1
        while True:
            if self._text(index) == "." and self._kind(index + 1) == "word" and self._text(index + 2) != "(":
                parts.append(self._text(index + 1))
                index += 2
            elif self._text(index) == "[" and self._kind(index + 1) == "string" and self._text(index + 2) == "]":
                key = text_within(self._text(index + 1))
                if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", key):
                    return index, parts
                parts.append(key)
                index += 3
            else:
                return index, parts

    def _call(self, index: int) -> int:
        """Read a call's name and its opening bracket; a macro binds the variable that follows."""
        token = self._tokens[index]
        self._reading.functions.append(Name(token.text, token.at))
        is_macro = token.text in MACROS and self._text(index - 1) == "."
        if is_macro and self._kind(index + 2) == "word" and self._text(index + 3) == ",":
            self._open(self._tokens[index + 1], self._text(index + 2))
            return index + 4
        self._open(self._tokens[index + 1], None)
        if token.text == "matches" and self._depth():
            self._reading.macros = max(self._reading.macros, self._depth() + 1)
        return index + 2
