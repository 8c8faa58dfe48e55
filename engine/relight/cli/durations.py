"""What a runbook's stages and steps took in past runs, for ``relight runs --steps``."""

from collections.abc import Iterator, Mapping
from typing import Any

from relight.cli.door import Door
from relight.cli.terminal import Line, Span, line, pad
from relight.errors import UsageError

NAME = 18


def show_durations(door: Door, runbook: str, site: str) -> None:
    """Show the middle and the spread of each stage and step, at one site or at all.

    Raises:
        UsageError: that runbook was never run, or never there.
    """
    from relight.control.durations import durations_document, sites_of, usual_mended

    journal = door.journal
    documents = [durations_document(usual_mended(journal, runbook, site), runbook, site)] if site else []
    if not documents or documents[0]["source"] is None:
        sites = sites_of(journal, runbook)
        if site and site not in sites:
            raise UsageError(f"{runbook} was never run at {site!r}", hint=f"it was at: {', '.join(sites)}")
        documents = [
            durations_document(usual_mended(journal, runbook, each), runbook, each)
            for each in ([site] if site else sites)
        ]

    def lines() -> list[Line | str]:
        return [row for document in documents for row in _lines(document)]

    if len(documents) == 1 and door.output == "json":
        door.show(documents[0], lines)
    else:
        door.show_each("durations", documents, lines)


def _lines(document: Mapping[str, Any]) -> Iterator[Line | str]:
    from relight.control.wording import counted

    yield line(Span(f"{document['runbook']} at {document['site']}", "bold"))
    if document["source"] is None:
        yield "  No run of it is over, so nobody knows how long it takes; `relight rehearse` would tell."
        return
    if document["source"] == "rehearsal":
        yield "  REHEARSED, not run: no run of it is over."
    else:
        yield f"  {counted(len(document['runs']), 'run')}; the time that people took is left out"
    head = f"  {'':<{NAME}}{'middle':>8}  {'fastest to slowest'}"
    yield line(Span(head, "dim"))
    if document["whole"] is not None:
        yield _row("all of it", document["whole"], "bold")
    for title, key in (("stages", "stages"), ("steps", "steps")):
        yield line(Span(f"  {title}", "dim"))
        for each in document[key]:
            yield _row(each["id"], each, "", str(each.get("does", "")))


def _row(name: str, found: Mapping[str, Any], style: str, does: str = "") -> Line:
    middle, low, high = (_short(found[key]) for key in ("median_s", "low_s", "high_s"))
    count = f"{found['runs']} run{'' if found['runs'] == 1 else 's'}" if found["source"] == "runs" else "rehearsed"
    return line(
        "  ", Span(pad(name, NAME), style), f"{middle:>8}  {f'{low} to {high}':<20}{count:<10}", Span(does, "dim")
    )


def _short(seconds: float) -> str:
    from relight.control.wording import span

    return f"{seconds:.1f}s" if seconds < 10 else span(seconds * 1_000)
