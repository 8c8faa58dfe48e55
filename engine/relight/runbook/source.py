"""The bytes of a document as text, with its places.

Whatever is offered becomes either text that YAML may see or a complaint.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

BYTES_MAX = 256 * 1024
"""The largest runbook we have seen is 20 kB; a larger document is a mistake or an attack."""
BAD_CHARACTERS_MAX = 10
"""One binary file would otherwise be a thousand complaints."""

# What YAML allows, less what libyaml would count as a line break where editors do not (U+0085, U+2028, U+2029)
# and less what makes a line read otherwise than it is (bidirectional controls, "Trojan Source").
_TURNERS = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
_BAD = re.compile(f"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[{_TURNERS}]")
_UNSAFE = re.compile(f"[\x00-\x1f\x7f-\x9f\u200b\u2060\ud800-\udfff\ufff9-\ufffb{_TURNERS}]")
_BREAK = re.compile(r"\r\n|\n|\r")


class Mark(NamedTuple):
    """A place in a document, both from 1, columns in characters.

    *style* is how a scalar was written (``''`` plain, ``'``, ``"``, ``|``, ``>``): it tells where its text begins.
    """

    line: int
    col: int
    style: str = ""


START = Mark(1, 1)


class Flaw(NamedTuple):
    """Something that is wrong with the bytes themselves."""

    code: str
    mark: Mark
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Source:
    """One document's text and name; *flaws* say why it cannot be read, if it cannot."""

    name: str
    text: str
    lines: tuple[str, ...]
    flaws: tuple[Flaw, ...] = ()
    path: Path | None = field(default=None)

    def line(self, number: int) -> str:
        """Return line *number*, or nothing where there is none."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""

    def clamp(self, mark: Mark) -> Mark:
        """Return *mark*, or the nearest place that exists: parsers report the end as a line of its own."""
        if mark.line > len(self.lines):
            last = max(1, len(self.lines))
            return Mark(last, len(self.line(last)) + 1, mark.style)
        return mark._replace(line=max(1, mark.line), col=max(1, min(mark.col, len(self.line(mark.line)) + 1)))


def printable(text: str) -> str:
    """Return *text* with everything visible that could move a cursor, start an escape sequence or hide itself."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def source_from_file(path: str | Path) -> Source:
    """Read the document at *path*; what cannot be read becomes a flaw."""
    path, name = Path(path), str(path)
    try:
        if path.is_dir():
            return _unreadable(name, "is a folder", "name the document in it")
        if path.exists() and not path.is_file():
            return _unreadable(name, "is not a file", "copy it to a file first")
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except FileNotFoundError:
        return _unreadable(name, "does not exist", "check the name; paths are relative to the current folder")
    except PermissionError:
        return _unreadable(name, "may not be read", "check its permissions")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return _unreadable(name, f"cannot be read ({reason})", "check the name and the disk")
    return source_from_bytes(name, data, path=path)


def source_from_bytes(name: str, data: bytes, *, path: Path | None = None) -> Source:
    """Return *data* as a document called *name*; what is wrong with the bytes becomes flaws."""
    if len(data) > BYTES_MAX:
        hint = "split it into several runbooks, or move data into files that steps read"
        return _unreadable(name, f"is larger than {BYTES_MAX // 1024} kB", hint, code="RL102")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or (len(data) > 3 and 0 in data[:2] and data[:4] != b"\0\0\0\0"):
        return _unreadable(name, "is UTF-16 or UTF-32", "save it as UTF-8", code="RL103")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = _BREAK.split(data[: error.start].decode("utf-8", errors="replace").removeprefix("\ufeff"))
        mark = Mark(len(before), len(before[-1]) + 1)
        lines = tuple(_BREAK.split(data.decode("utf-8", errors="replace").removeprefix("\ufeff")))
        flaw = Flaw("RL103", mark, f"byte 0x{data[error.start]:02x} is not UTF-8", "save the document as UTF-8")
        return Source(name, "", lines, (flaw,), path)
    lines = tuple(_BREAK.split(text))
    return Source(name, text, lines, tuple(_bad_characters(lines)), path)


def _bad_characters(lines: tuple[str, ...]) -> list[Flaw]:
    flaws: list[Flaw] = []
    for number, line in enumerate(lines, 1):
        for found in _BAD.finditer(line):
            if len(flaws) == BAD_CHARACTERS_MAX:
                return flaws
            mark = Mark(number, found.start() + 1)
            message = f"the character U+{ord(found[0]):04X} is invisible and changes how the line reads"
            flaws.append(Flaw("RL104", mark, message, 'delete it; where it is meant, write "\\u…" in double quotes'))
    return flaws


def _unreadable(name: str, what: str, hint: str, *, code: str = "RL101") -> Source:
    return Source(name, "", ("",), (Flaw(code, START, f"the document {what}", hint),))
