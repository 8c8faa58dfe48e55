"""Disks that fail: SQLite writes through them as through any other, and they do what disks do on bad days."""

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import apsw

_names = (f"disk-{number}" for number in itertools.count())
SECTOR = 512


class Operation(NamedTuple):
    """Something that was asked of the disk."""

    what: Literal["write", "sync", "truncate", "delete", "open", "read"]
    file: str
    offset: int = 0
    content: bytes = b""


class Disk(apsw.VFS):
    """Tells *happen* of every operation before it does it; nothing is really synced, which is quick."""

    def __init__(self, happen: Callable[[Operation], bytes | None]) -> None:
        self.name = next(_names)
        self.happen = happen
        super().__init__(self.name, "")

    def excepthook(self, *args: Any) -> bool:
        """Say nothing: the errors are meant."""
        return True

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "File":  # noqa: N802
        """Open a file."""
        path = name if isinstance(name, str) else name.filename() if name is not None else ""
        self.happen(Operation("open", path))
        return File(self, path, name, flags)

    def xDelete(self, name: str, sync_folder: bool) -> None:  # noqa: N802
        """Delete a file."""
        self.happen(Operation("delete", name))
        super().xDelete(name, sync_folder)


class File(apsw.VFSFile):
    """One open file of such a disk."""

    def __init__(self, disk: Disk, path: str, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._path = path

    def excepthook(self, *args: Any) -> bool:
        """Say nothing: the errors are meant."""
        return True

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        """Read."""
        self._disk.happen(Operation("read", self._path, offset))
        return super().xRead(amount, offset)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        """Write; only a part of it where the disk says so."""
        torn = self._disk.happen(Operation("write", self._path, offset, bytes(data)))
        if torn is None:
            super().xWrite(data, offset)
            return
        if torn:
            super().xWrite(torn, offset)
        raise apsw.IOError("torn write")

    def xSync(self, flags: int) -> None:  # noqa: N802
        """Say that it is on disk."""
        self._disk.happen(Operation("sync", self._path))

    def xTruncate(self, size: int) -> None:  # noqa: N802
        """Cut the file."""
        self._disk.happen(Operation("truncate", self._path, size))
        super().xTruncate(size)


@contextmanager
def disk(happen: Callable[[Operation], bytes | None]) -> Iterator[str]:
    """Put a disk there and yield the name that SQLite knows it by."""
    made = Disk(happen)
    try:
        yield made.name
    finally:
        made.unregister()


class _Quick(apsw.VFS):
    def __init__(self) -> None:
        self.name = next(_names)
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "_QuickFile":  # noqa: N802
        return _QuickFile("", name, flags)


class _QuickFile(apsw.VFSFile):
    def xSync(self, flags: int) -> None:  # noqa: N802
        """Say that it is on disk."""


@contextmanager
def quick_disk() -> Iterator[str]:
    """Yield the name of a disk that syncs nothing, for looking at what another one left."""
    made = _Quick()
    try:
        yield made.name
    finally:
        made.unregister()


Mode: TypeAlias = Literal["once", "dead", "torn", "full"]


class Failing:
    """Fails the operation of that number: ``once``, it and all after it (``dead``, ``full``), or half of a write."""

    def __init__(self, mode: Mode, number: int) -> None:
        self.mode = mode
        self.number = number
        self.seen = 0

    def __call__(self, operation: Operation) -> bytes | None:
        self.seen += 1
        if self.seen < self.number or (self.mode in ("once", "torn") and self.seen > self.number):
            return None
        if self.mode == "full":
            # A full disk still reads, cuts, deletes and writes over what it has.
            if operation.what == "write":
                raise apsw.FullError("no space left")
            return None
        if self.mode == "torn" and operation.what == "write":
            return operation.content[: len(operation.content) // 2]
        raise apsw.IOError("disk error")


class Recording:
    """Remembers every operation, and can say what a disk may hold if the power fails at one of them."""

    def __init__(self) -> None:
        self.operations: list[Operation | None] = []

    def __call__(self, operation: Operation) -> None:
        if operation.what != "read":
            self.operations.append(operation)

    def image(self, until: int, dice: random.Random) -> dict[str, bytes]:
        """Return the files after a power cut before operation *until*.

        What was synced is there. Of what was not, any sectors may be: those of a later write without those of an
        earlier one too. A deletion may be undone, and a file that was never synced may be missing.
        """
        files: dict[str, _Unsure] = {}
        for operation in self.operations[:until]:
            if operation is None:
                continue
            file = files.setdefault(operation.file, _Unsure())
            if operation.what == "sync" and not file.exists:
                # With a new log SQLite syncs the folder: what was deleted before stays deleted.
                files = {name: each for name, each in files.items() if not each.deleted}
            file.do(operation)
        luck = dice.choice((0.0, 0.3, 0.7, 1.0))
        images = {name: file.image(dice, luck) for name, file in files.items()}
        return {name: content for name, content in images.items() if content is not None}


class _Unsure:
    """One file, of which some is surely on disk and some is not."""

    def __init__(self) -> None:
        self.sure = b""
        self.exists = False
        self.deleted = False
        self.pending: list[Operation] = []

    def do(self, operation: Operation) -> None:
        match operation.what:
            case "sync":
                for each in self.pending:
                    self.sure = _applied(self.sure, each)
                self.pending, self.exists = [], True
            case "delete":
                self.deleted = True
            case "open":
                if self.deleted:  # a new file of the same name
                    self.sure, self.pending, self.exists, self.deleted = b"", [], False, False
            case _:
                self.pending.append(operation)

    def image(self, dice: random.Random, luck: float) -> bytes | None:
        if (self.deleted or not self.exists) and dice.random() < 0.5:
            return None
        content = self.sure
        for operation in self.pending:
            if operation.what == "truncate":
                if dice.random() < luck:
                    content = _applied(content, operation)
                continue
            for start in range(0, len(operation.content), SECTOR):
                if dice.random() < luck:
                    piece = operation.content[start : start + SECTOR]
                    content = _applied(content, Operation("write", "", operation.offset + start, piece))
        return content


def _applied(content: bytes, operation: Operation) -> bytes:
    if operation.what == "truncate":
        return content[: operation.offset].ljust(operation.offset, b"\0")
    end = operation.offset + len(operation.content)
    return content.ljust(operation.offset, b"\0")[: operation.offset] + operation.content + content[end:]


def write_files(image: dict[str, bytes], into: Path) -> None:
    """Write an image's files into a folder."""
    into.mkdir()
    for name, content in image.items():
        (into / Path(name).name).write_bytes(content)
