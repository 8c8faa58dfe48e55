"""The documents that a person means by a path: a file, a folder of them, or what comes on standard input.

What does not belong here: names of a catalogue, which are the user's configuration.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from relight.errors import UsageError
from relight.runbook.source import BYTES_MAX, Source, source_from_bytes, source_from_file

STDIN = "-"
FILES_MAX = 10_000
"""Files looked at below one folder; whoever names their home folder is told so soon."""
_SUFFIXES = (".yaml", ".yml")
_OURS = re.compile(r"^(runbook|site): ", re.MULTILINE)
_OTHERS = re.compile(r"^rehearsal: ", re.MULTILINE)


def source_from_stream(stream: BinaryIO) -> Source:
    """Return the document that comes on standard input."""
    return source_from_bytes("<stdin>", stream.read(BYTES_MAX + 1))


def sources_in(folder: Path) -> list[Source]:
    """Return the runbooks and sites in *folder* and the folders in it, hidden ones and links left out.

    Raises:
        UsageError: there is none, or there are far too many files to look at.
    """
    found = [source for path in _documents(folder) if _is_ours(source := source_from_file(path), path)]
    if not found:
        hint = "a runbook is called NAME.runbook.yaml, a site begins with `site: NAME`"
        raise UsageError(f"there is no runbook and no site in {folder}", hint=hint)
    return found


def _documents(folder: Path) -> Iterator[Path]:
    seen = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            seen += 1
            if seen > FILES_MAX:
                raise UsageError(f"there are more than {FILES_MAX} files in {folder}", hint="name the runbooks' folder")
            if name.endswith(_SUFFIXES) and not name.startswith("."):
                yield Path(place, name)


def _is_ours(source: Source, path: Path) -> bool:
    """Return whether a file is a runbook or a site: by its name, or by how its lines begin."""
    if path.name.endswith(tuple(f".{kind}{suffix}" for kind in ("runbook", "site") for suffix in _SUFFIXES)):
        return True
    return bool(_OURS.search(source.text)) and not _OTHERS.search(source.text)
