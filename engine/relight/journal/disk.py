"""What a disk must be like before a journal is kept on it, and the space that is held back for the end.

Everything here is refused or made before the first byte of a run is written.
"""

import contextlib
import os
from pathlib import Path

from relight.errors import JournalError

ELSEWHERE = "set RELIGHT_HOME, or give --journal sqlite:///PATH, to a place on a local disk that you can write"

RESERVE_BYTES = 4 * 1024 * 1024
"""An abort and an end are a dozen pages; a thousand of them also hold whatever else was under way."""

FREE_BYTES_MIN = 4 * RESERVE_BYTES
"""What must be free before a reserve is made: less would be taken from whoever needs it next, or was just given up."""

_NETWORK = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "fuse.ceph",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.sshfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "smb2",
        "smb3",
        "smbfs",
    }
)
"""Their locks and shared memory do not hold between hosts, and some lie about what is on disk."""

_SECTOR = 512
"""No database is smaller."""

_MOUNTS = Path("/proc/self/mountinfo")


def make_ready(path: Path, *, create: bool) -> None:
    """Make the folder (0700) and the empty file (0600) that a journal is kept in.

    Raises:
        JournalError: it cannot be kept there; says why and what to do.
    """
    if kind := network_filesystem(path):
        raise JournalError(f"{path} is on a network filesystem ({kind}), which loses records", hint=ELSEWHERE)
    try:
        if not path.exists():
            if not create:
                raise JournalError(f"there is no journal at {path} yet", hint="relight run makes it")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_file(path)
        elif path.is_dir():
            raise JournalError(f"{path} is a folder and no journal", hint="name a file in it")
        elif 0 < path.stat().st_size < _SECTOR:  # SQLite would take it for an empty one and write over it
            raise JournalError(f"{path} is no journal and no database", hint="name another file")
    except OSError as error:
        raise JournalError(f"no journal can be kept at {path}: {error.strerror}", hint=ELSEWHERE) from error


def close_to_others(path: Path) -> None:
    """Take away what others may do with the file, if it is ours."""
    with contextlib.suppress(OSError):
        found = path.stat()
        if found.st_mode & 0o077 and found.st_uid == os.geteuid():
            path.chmod(0o600)


def _make_file(path: Path) -> None:
    with contextlib.suppress(FileExistsError):
        # O_EXCL: opening an existing database beside SQLite and closing it again would drop SQLite's locks.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    for folder in (path.parent, path.parent.parent):
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make sure that what was created in *folder* is still there after a power cut."""
    with contextlib.suppress(PermissionError):  # a folder above ours need not be readable
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def network_filesystem(path: Path) -> str:
    """Return the kind of network filesystem that *path* is on; empty for a local disk, or where it cannot be told."""
    try:
        mounts = _MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place = os.path.realpath(path)
    deepest, kind = "", ""
    for line in mounts:
        words = line.split(" ")
        point = words[4].replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
        if len(point) >= len(deepest) and (place == point or place.startswith(point.rstrip("/") + "/")):
            deepest, kind = point, words[words.index("-") + 1]
    return kind if kind in _NETWORK else ""


class Reserve:
    """Space beside a journal that is given up on a full disk, so that an abort and the end can still be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)

    def hold(self) -> str:
        """Hold it back, if it is not yet; return why that cannot be, empty if it is held."""
        try:
            # Once in every commit: pathlib's way to the same call takes four times as long.
            if os.stat(self._name).st_size >= RESERVE_BYTES:  # noqa: PTH116
                return ""
        except FileNotFoundError:
            pass
        except OSError as error:
            return str(error.strerror)
        try:
            return self._make()
        except OSError as error:
            self.release()
            return str(error.strerror)

    def _make(self) -> str:
        disk = os.statvfs(self.path.parent)
        free = disk.f_bavail * disk.f_frsize
        if free < FREE_BYTES_MIN:
            return f"{free // 2**20} MiB are free"
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _allocate(descriptor, RESERVE_BYTES)
        finally:
            os.close(descriptor)
        return ""

    def release(self) -> bool:
        """Give it up; say whether there was any."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True


def _allocate(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:  # macOS
        for offset in range(0, size, 65_536):
            os.pwrite(descriptor, bytes(65_536), offset)
    os.fsync(descriptor)
