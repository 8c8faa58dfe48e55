"""Where an embedded journal can be, who may read it, and what is refused before anything is written."""

import os
import stat
import threading
from pathlib import Path

import apsw
import pytest

from relight.errors import JournalError, JournalTooNew
from relight.journal import disk, sqlite_connection, sqlite_schema
from relight.journal.disk import network_filesystem
from relight.journal.locate import home, open_journal
from relight.journal.port import FORMAT
from relight.journal.sqlite import SqliteJournal
from relight.journal.sqlite_schema import APPLICATION_ID
from relight.testing.journals import NOW, notes, row

MODES = {"journal.db": 0o600, "journal.db-wal": 0o600, "journal.db-reserve": 0o600, "7f3a.1": 0o600}


def mode(path: Path) -> int:
    """Return who may do what with *path*."""
    return stat.S_IMODE(path.stat().st_mode)


def filled(path: Path) -> SqliteJournal:
    """Return a journal with a run that is driven."""
    journal = SqliteJournal(path)
    journal.create(row(), notes("7f3a", 1))
    journal.drive("7f3a", "d", NOW + 1, NOW)
    return journal


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """Folders that are made are 0700, files 0600, whatever the umask says; a file that is open wide is closed."""
    before = os.umask(0)
    try:
        journal = filled(tmp_path / "new" / "journal.db")
        files = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
        assert {path.name: mode(path) for path in files} | MODES == {path.name: 0o600 for path in files}
        assert {0o700} == {mode(path) for path in (tmp_path / "new", tmp_path / "new" / "journal.db-drivers")}
        journal.close()
    finally:
        os.umask(before)
    (tmp_path / "new" / "journal.db").chmod(0o644)
    SqliteJournal(tmp_path / "new" / "journal.db").close()
    assert mode(tmp_path / "new" / "journal.db") == 0o600


def test_it_is_set_up_as_promised(tmp_path: Path) -> None:
    """Every commit is synced, no schema is trusted, and the file says whose it is."""
    journal = filled(tmp_path / "journal.db")
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "application_id": APPLICATION_ID,
        "user_version": FORMAT,
    }
    writer = journal._connections._writer
    assert writer is not None
    for connection in (writer, journal._connections._reader):
        found = {name: connection.execute(f"PRAGMA {name}").fetchone() for name in wanted}
        assert found == {name: (value,) for name, value in wanted.items()}
    journal.close()


@pytest.mark.parametrize("statement", ["UPDATE records SET body = x'00'", "DELETE FROM records", "DELETE FROM runs"])
def test_what_was_recorded_is_not_changed_by_accident(tmp_path: Path, statement: str) -> None:
    """A slip in an SQL shell is refused by the file itself."""
    filled(tmp_path / "journal.db").close()
    connection = apsw.Connection(str(tmp_path / "journal.db"))
    with pytest.raises(apsw.ConstraintError, match="never"):
        connection.execute(statement)
    connection.close()


def assert_refused(path: Path, wanted: str, error: type[JournalError] = JournalError) -> None:
    """Opening fails with a sentence and a hint, and changes nothing."""
    before = path.read_bytes() if path.is_file() else None
    around = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    with pytest.raises(error, match=wanted) as refusal:
        SqliteJournal(path)
    assert refusal.value.hint
    assert refusal.value.exit_code == 9
    assert before == (path.read_bytes() if path.is_file() else None)
    assert around == (sorted(path.parent.iterdir()) if path.parent.is_dir() else [])


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    """An older relight says which format it met and writes nothing."""
    path = tmp_path / "journal.db"
    filled(path).close()
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    assert_refused(path, f"format {FORMAT + 1}", JournalTooNew)


def test_other_files_are_refused(tmp_path: Path) -> None:
    """Neither another program's database nor any other file is ever written to."""
    connection = apsw.Connection(str(tmp_path / "music.db"))
    connection.execute("CREATE TABLE songs (title)")
    connection.close()
    assert_refused(tmp_path / "music.db", "another program")
    (tmp_path / "notes.txt").write_bytes(b"buy milk " * 1_000)
    assert_refused(tmp_path / "notes.txt", "no journal and no database")
    (tmp_path / "short.txt").write_bytes(b"x")
    assert_refused(tmp_path / "short.txt", "no journal and no database")
    assert_refused(tmp_path, "is a folder")


def test_places_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    """A file in the way, a folder that nobody may write, a read-only filesystem."""
    (tmp_path / "file").write_bytes(b"")
    assert_refused(tmp_path / "file" / "deeper" / "journal.db", "no journal can be kept")
    assert_refused(Path("/proc/relight/journal.db"), "no journal can be kept")
    assert_refused(Path("/proc/journal.db"), "no journal can be kept")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_refused(tmp_path: Path) -> None:
    """The sentence names the folder and says what else can be done."""
    tmp_path.chmod(0o500)
    try:
        assert_refused(tmp_path / "journal.db", "Permission denied")
    finally:
        tmp_path.chmod(0o700)


def test_a_journal_that_is_not_there_is_not_always_made(tmp_path: Path) -> None:
    """Whoever only looks makes nothing."""
    with pytest.raises(JournalError, match="no journal at"):
        SqliteJournal(tmp_path / "new" / "journal.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_journal_says_so(tmp_path: Path) -> None:
    """Pages that were overwritten give a sentence and not a traceback."""
    path = tmp_path / "journal.db"
    journal = filled(path)
    journal.close()
    content = path.read_bytes()
    path.write_bytes(content[:4_096] + os.urandom(len(content) - 4_096))
    with pytest.raises(JournalError, match="damaged"):  # noqa: PT012 - which of the two meets it first is SQLite's matter
        journal = SqliteJournal(path)
        list(journal.records("7f3a"))


MOUNTS = """\
21 1 8:1 / / rw - ext4 /dev/sda1 rw
22 21 0:40 / /mnt/team rw - nfs4 server:/x rw
23 22 8:2 / /mnt/team/fast rw - xfs /dev/sdb rw
24 21 0:41 / /mnt/two\\040words rw shared:1 master:2 - fuse.sshfs host: rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/journal.db", ""),
        ("/mnt/team/journal.db", "nfs4"),
        ("/mnt/teammates/journal.db", ""),
        ("/mnt/team/fast/journal.db", ""),
        ("/mnt/two words/journal.db", "fuse.sshfs"),
    ],
)
def test_network_filesystems_are_told(path: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mount that a path is on decides, and a journal on the network is refused."""
    (tmp_path / "mountinfo").write_text(MOUNTS)
    monkeypatch.setattr(disk, "_MOUNTS", tmp_path / "mountinfo")
    assert network_filesystem(Path(path)) == kind
    if kind:
        assert_refused(Path(path), f"network filesystem .{kind}")
    monkeypatch.setattr(disk, "_MOUNTS", tmp_path / "missing")
    assert network_filesystem(Path(path)) == ""


def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SQLite that can lose commits is never used."""
    monkeypatch.setattr(sqlite_connection, "SQLITE_OLDEST", (99, 0, 0))
    assert_refused(tmp_path / "journal.db", "SQLite")


def test_many_may_open_a_new_journal_at_once(tmp_path: Path) -> None:
    """Whoever comes first makes the tables, and the others find them."""
    gate, errors = threading.Barrier(6), []

    def come() -> None:
        gate.wait()
        try:
            SqliteJournal(tmp_path / "new" / "journal.db").close()
        except JournalError as error:
            errors.append(error)

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.parametrize("questions", [1, 2])
def test_a_journal_that_is_made_while_one_looks_is_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, questions: int
) -> None:
    """Between any two of the questions that tell whose file it is, another process may have made the journal."""
    path = tmp_path / "journal.db"
    asked: list[str] = []
    real = sqlite_schema._number

    def number(connection: apsw.Connection, question: str) -> int:
        asked.append(question)
        found = real(connection, question)
        if len(asked) == questions:
            SqliteJournal(path).close()
        return found

    monkeypatch.setattr(sqlite_schema, "_number", number)
    looking = apsw.Connection(str(path))
    assert sqlite_schema.version_of(looking, path) in (0, FORMAT)
    looking.close()


def test_a_journal_is_named_by_a_url_or_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``sqlite:///PATH`` is from the root, a plain path from here, and nothing at all is in ``RELIGHT_HOME``."""
    monkeypatch.setenv("RELIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for url, path in [
        (f"sqlite://{tmp_path}/a/b.db", "a/b.db"),
        (f"sqlite:///{tmp_path}/c.db", "c.db"),
        ("d/e.db", "d/e.db"),
        (None, "home/journal.db"),
        ("", "home/journal.db"),
    ]:
        journal = open_journal(url)
        assert journal.location == f"sqlite://{tmp_path / path}"
        journal.close()
        assert (tmp_path / path).is_file()
        open_journal(journal.location).close()


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgresql://host/db", "not built in yet"),
        ("mysql://host/db", "no journal is called"),
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite://journal.db", "names no file"),
        ("sqlite:///x\0y", "names no file"),
    ],
)
def test_other_names_are_refused(url: str, wanted: str) -> None:
    """A name that is none says what to write."""
    with pytest.raises(JournalError, match=wanted) as refusal:
        open_journal(url)
    assert "sqlite:///PATH" in refusal.value.hint


def test_without_a_home_relight_home_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service account without a home directory names a folder, and is told how when it does not."""
    monkeypatch.setenv("RELIGHT_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", "/proc/nobody")
    assert home() == tmp_path
    monkeypatch.delenv("RELIGHT_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert home() == tmp_path / "data" / "relight"
    monkeypatch.delenv("XDG_DATA_HOME")
    with pytest.raises(JournalError, match="/proc/nobody") as refusal:
        open_journal()
    assert "RELIGHT_HOME" in refusal.value.hint
