"""What is wrong with a document: where, why, and how to mend it.

All codes stand in one table (:data:`relight.runbook.codes.CODES`); their meaning never changes, new ones are added.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from relight.runbook.codes import CODES
from relight.runbook.source import Mark, Source, printable

Severity = Literal["error", "warning"]

COMPLAINTS_MAX = 100
"""More than a person mends in one go; the rest is counted, not shown."""
MASK = "[secret]"
EXCERPT_CHARS_MAX = 96
"""A line wider than this is shown as a window around its caret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One problem in one document.

    Attributes:
        code: Stable; documented in :data:`relight.runbook.codes.CODES`.
        message: What is wrong, in one sentence without a full stop.
        hint: The mend, or empty.
        line: From 1.
        col: From 1, in characters.
        excerpt: The line it is about, safe for a terminal.
        caret: The column of *excerpt* that is meant, from 1.
    """

    code: str
    severity: Severity
    message: str
    hint: str
    file: str
    line: int
    col: int
    excerpt: str = ""
    caret: int = 1

    @property
    def place(self) -> str:
        """``file:line:col``."""
        return f"{self.file}:{self.line}:{self.col}"


class Complaints:
    """The complaints about one document, gathered while it is read and judged."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._found: dict[tuple[int, int, str, str], Complaint] = {}
        self._masked: set[str] = set()

    def add(self, code: str, mark: Mark, message: str, hint: str = "") -> None:
        """Complain about the thing at *mark*; the same complaint at the same place counts once."""
        mark = self.source.clamp(mark)
        excerpt, caret = _excerpt(self.source.line(mark.line), mark.col)
        complaint = Complaint(
            code=code,
            severity=CODES[code].severity,
            message=printable(message),
            hint=printable(hint),
            file=printable(self.source.name),
            line=mark.line,
            col=mark.col,
            excerpt=excerpt,
            caret=caret,
        )
        self._found.setdefault((mark.line, mark.col, code, complaint.message), complaint)

    def mask(self, secret: str) -> None:
        """Show no line with *secret* in it as it is."""
        if secret:
            self._masked.add(secret)

    def __iter__(self) -> Iterator[Complaint]:
        """Yield them as they stand in the document; where there are too many, errors are kept before warnings."""
        kept = sorted(self._found.values(), key=lambda found: (found.severity, found.line))[:COMPLAINTS_MAX]
        for found in sorted(kept, key=lambda found: (found.line, found.col, found.code)):
            yield self._without_secrets(found)

    @property
    def left_out(self) -> int:
        """How many are not shown."""
        return max(0, len(self._found) - COMPLAINTS_MAX)

    def _without_secrets(self, found: Complaint) -> Complaint:
        excerpt, message, hint = found.excerpt, found.message, found.hint
        for secret in self._masked:
            excerpt, message, hint = (text.replace(secret, MASK) for text in (excerpt, message, hint))
        return replace(found, excerpt=excerpt, message=message, hint=hint)

    def __len__(self) -> int:
        return len(self._found)

    @property
    def errors(self) -> int:
        """How many of them make the document invalid."""
        return sum(found.severity == "error" for found in self._found.values())

    def has(self, line: int, col: int) -> bool:
        """Return whether somebody complained about this very place."""
        return any(found.line == line and found.col == col for found in self._found.values())


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """Return a hint that offers the known name nearest to *name*, or else *otherwise*, or else what is known."""
    names = sorted({str(each) for each in known})
    near = get_close_matches(name[:64], names, n=1, cutoff=0.6)
    if not near and (folded := [each for each in names if _folded(each) == _folded(name)]):
        near = folded
    if near:
        return f"did you mean {near[0]!r}?"
    if otherwise:
        return otherwise
    if not names:
        return "there are none"
    shown = ", ".join(names[:12])
    return f"known are: {shown}{', …' if len(names) > 12 else ''}"


def _folded(name: str) -> str:
    return name.replace("-", "_").casefold()


def _excerpt(line: str, col: int) -> tuple[str, int]:
    """Return a window of *line* that a terminal can show, and where *col* is in it."""
    start = 0
    if len(line) > EXCERPT_CHARS_MAX:
        start = max(0, min(col - 1 - EXCERPT_CHARS_MAX // 2, len(line) - EXCERPT_CHARS_MAX))
    before = printable(line[start : col - 1].replace("\t", " "))
    after = printable(line[col - 1 : start + EXCERPT_CHARS_MAX].replace("\t", " "))
    lead = "…" if start else ""
    tail = "…" if start + EXCERPT_CHARS_MAX < len(line) else ""
    return f"{lead}{before}{after}{tail}", len(lead) + len(before) + 1
