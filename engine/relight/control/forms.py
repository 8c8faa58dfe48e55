"""The inputs of a published runbook as a form: what may be given, of which type, within which limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relight.control.sites import ServedSite, runbook_path
from relight.errors import RelightError

if TYPE_CHECKING:
    from relight.runbook.site_doors import Published


def inputs_of(site: ServedSite, entry: Published) -> list[dict[str, Any]] | None:
    """Return one entry for each input that the site leaves open; None where the runbook cannot be read."""
    from relight.runbook.inputs import limits
    from relight.runbook.reading import read_runbook

    try:
        found = read_runbook(runbook_path(site, entry)).document
    except (RelightError, OSError):
        return None
    if found is None:
        return None
    return [
        {
            "id": name,
            "type": spec.type,
            "default": _plain(spec.default),
            "minimum": _plain(spec.minimum),
            "maximum": _plain(spec.maximum),
            "choices": list(spec.choices) if spec.choices else None,
            "description": spec.description or "",
            "limits": limits(spec),
        }
        for name, spec in found.inputs.items()
        if name not in entry.inputs
    ]


def _plain(value: Any) -> str | int | float | bool | None:
    return value if isinstance(value, str | int | float | bool) else None
