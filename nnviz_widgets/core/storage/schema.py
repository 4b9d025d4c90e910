"""The form of a recording's file, and connections to it.

Every array is a row of `blobs`; all other tables say whose it is. Steps are written in pieces as they come, and pieces
are joined to blocks, so that a long run is few rows. A row that was removed never lends its number to another, which
those who follow the file rely on. Nothing in a file is ever run or unpickled.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nnviz_widgets.errors import NotARecording, RecordingDamaged, RecordingNotWritable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Connect = Callable[[Path], Any]

APPLICATION_ID = int.from_bytes(b"nnvz")
FORMAT = 2
"""Files of another one are refused: they would be misread. What is only added does not raise it."""

PAGE_BYTES = 16384

LOG_BYTES = 32 << 20
"""What is committed is moved from the log into the file when it has reached that."""

CACHE_BYTES = 24 << 20
"""A transaction that does not fit is written to the log twice."""

BUSY_S = 5.0

_MAGIC = b"SQLite format 3\0"
_HEAD = 100
_LOG_HEAD, _FRAME_HEAD = 32, 24
_JOURNALS = slice(18, 20)
_WAL, _ROLLBACK = b"\2\2", b"\1\1"

TABLES = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE writer(id INTEGER PRIMARY KEY CHECK (id = 1), pid INTEGER, born TEXT, host TEXT, token TEXT, beat REAL);
CREATE TABLE blobs(id INTEGER PRIMARY KEY, base INTEGER, dtype TEXT, shape TEXT, size INTEGER, coding INTEGER,
    crc INTEGER, checksum INTEGER, data BLOB);
CREATE INDEX blobs_of_base ON blobs(base) WHERE base IS NOT NULL;
CREATE TABLE segments(id INTEGER PRIMARY KEY, blob INTEGER);
CREATE TABLE metrics(id INTEGER PRIMARY KEY AUTOINCREMENT, first INTEGER, last INTEGER, names TEXT, steps INTEGER,
    numbers INTEGER, joined INTEGER, checksum INTEGER);
CREATE TABLE amends(id INTEGER PRIMARY KEY AUTOINCREMENT, step INTEGER, numbers TEXT, checksum INTEGER);
CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, step INTEGER, name TEXT, text TEXT, checksum INTEGER);
CREATE TABLE idle(id INTEGER PRIMARY KEY, first INTEGER, last INTEGER, n INTEGER, what TEXT, text TEXT, place INTEGER,
    checksum INTEGER);
CREATE TABLE vitals(id INTEGER PRIMARY KEY AUTOINCREMENT, segment INTEGER, first INTEGER, last INTEGER, n INTEGER,
    width INTEGER, steps INTEGER, joined INTEGER, checksum INTEGER);
CREATE TABLE parts(vitals INTEGER, part INTEGER, blob INTEGER, PRIMARY KEY (vitals, part)) WITHOUT ROWID;
CREATE TABLE keys(id INTEGER PRIMARY KEY, layer TEXT, kind TEXT, variable TEXT, output INTEGER);
CREATE TABLE tensors(key INTEGER, step INTEGER, blob INTEGER, PRIMARY KEY (key, step)) WITHOUT ROWID;
CREATE TABLE kept(step INTEGER PRIMARY KEY, ordinal INTEGER, pinned INTEGER, labels TEXT, checksum INTEGER);
CREATE TABLE orphans(blob INTEGER PRIMARY KEY);
"""


def create(path: Path, meta: Mapping[str, str], connect: Connect | None = None) -> Any:
    """Make a new file, readable by its owner alone, and connect to it.

    It appears under its name as a whole: what ends the process meanwhile leaves nothing that is half a recording.

    Args:
        path: Where; missing folders are made.
        meta: What is known at the beginning.
        connect: Opens the file to write.

    Raises:
        RecordingNotWritable: If there is a file already, or none can be made.
    """
    connect = connect or connect_to_write
    try:
        with suppress(FileExistsError):  # something else than a folder: said below
            path.parent.mkdir(parents=True, exist_ok=True)
        _place(path, _image(meta))
    except FileExistsError:
        raise RecordingNotWritable(
            f"`path` must be one where no file is: recordings are never overwritten. Received: {str(path)!r}. "
            "Give another one, or delete that file."
        ) from None
    except OSError as error:
        raise RecordingNotWritable(
            f"`path` must be one where a file can be written. Received: {str(path)!r} ({error.strerror}). Give another."
        ) from error
    try:
        return connect(path)
    except sqlite3.OperationalError:
        with path.open("r+b") as file:  # this file system has no shared memory, which a write-ahead log needs
            file.seek(_JOURNALS.start)
            file.write(_ROLLBACK)
        return connect(path)


def _image(meta: Mapping[str, str]) -> bytes:
    """Return an empty recording as the bytes of its file, with a write-ahead log to come."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.execute(f"PRAGMA page_size={PAGE_BYTES}")
        database.execute(f"PRAGMA application_id={APPLICATION_ID}")
        database.execute(f"PRAGMA user_version={FORMAT}")
        database.executescript(TABLES)
        database.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        image = bytearray(database.serialize())
    image[_JOURNALS] = _WAL
    return bytes(image)


def _place(path: Path, image: bytes) -> None:
    """Write a file that is not there yet; it has mode 0600, as `mkstemp` makes it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(image)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)
        except FileExistsError:
            raise
        except OSError:  # no hard links here
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(image)
    finally:
        with suppress(OSError):
            Path(name).unlink()


def connect_to_write(path: Path) -> sqlite3.Connection:
    """Open a file to write; every statement outside a transaction is one of its own."""
    database = sqlite3.connect(
        _uri(path, "rw"), uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        prepare_to_write(database)
    except BaseException:
        database.close()
        raise
    return database


def prepare_to_write(database: Any) -> None:
    """Set up a connection that writes: a crash loses no commit, a power cut at most those since a checkpoint."""
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute(f"PRAGMA wal_autocheckpoint={LOG_BYTES // PAGE_BYTES}").fetchall()
    database.execute(f"PRAGMA journal_size_limit={2 * LOG_BYTES}").fetchall()
    database.execute(f"PRAGMA cache_size={-CACHE_BYTES >> 10}").fetchall()
    database.execute("SELECT count(*) FROM meta").fetchall()


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a file to read, after a look at its head; nothing is written.

    Raises:
        NotARecording: If there is none, it is none, or only a newer version can read it.
        RecordingDamaged: If its head or its list of tables is not whole.
    """
    check_head(path)
    try:
        return _readable(_uri(path, "ro"))
    except sqlite3.OperationalError as error:
        if Path(f"{path}-wal").exists():
            raise RecordingDamaged(f"The recording {str(path)!r} cannot be opened: {error}.") from error
        try:  # a folder that cannot be written to has no place for the shared memory of readers
            return _readable(_uri(path, "ro") + "&immutable=1")
        except sqlite3.DatabaseError as failed:
            raise RecordingDamaged(f"The recording {str(path)!r} cannot be opened: {failed}.") from failed
    except sqlite3.DatabaseError as error:
        raise RecordingDamaged(f"The recording {str(path)!r} is damaged: {error}.") from error


def _readable(uri: str) -> sqlite3.Connection:
    database = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        # A schema that was tampered with must not run functions, nor claim more memory than rows can have.
        database.execute("PRAGMA trusted_schema=OFF")
        database.execute("PRAGMA cell_size_check=ON")
        database.execute("PRAGMA query_only=ON")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000_000)
        found = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type IN ('table')")}
        foreign = database.execute("SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')").fetchone()
        if foreign[0] or "blobs" not in found:
            raise sqlite3.DatabaseError("its tables are not those of a recording")
    except BaseException:
        database.close()
        raise
    return database


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def check_head(path: Path) -> None:
    """Look at the first bytes of a file, before SQLite does.

    Raises:
        NotARecording: If it is no recording, or only a newer version can read it.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise NotARecording(
            f"`path` must be a recording. Received: {str(path)!r} ({error.strerror}). "
            "`nnviz.list_recordings(folder)` lists those of a folder."
        ) from None
    if not _is_ours(head):
        head = _head_in_log(path) or head  # a power cut may have torn the file's own, which is whole in the log then
    if not _is_ours(head):
        raise NotARecording(
            f"`path` must be a recording, which nnviz_widgets writes with `record=`. Received: {str(path)!r}, which is "
            + ("empty." if not head else "another kind of file.")
        )
    found = int.from_bytes(head[60:64])
    if found != FORMAT:
        other, advice = ("a newer", "Please update.") if found > FORMAT else ("an older", "Record the run anew.")
        raise NotARecording(
            f"The recording must have format {FORMAT}. Received: {str(path)!r} of format {found}, written by {other} "
            f"nnviz_widgets. {advice}"
        )


def _is_ours(head: bytes) -> bool:
    return len(head) == _HEAD and head.startswith(_MAGIC) and int.from_bytes(head[68:72]) == APPLICATION_ID


def _head_in_log(path: Path) -> bytes | None:
    """Return the newest head in the log beside a file, `None` if there is none of ours."""
    found = None
    try:
        with Path(f"{path}-wal").open("rb") as log:
            log.seek(_LOG_HEAD)
            while len(frame := log.read(_FRAME_HEAD + _HEAD)) == _FRAME_HEAD + _HEAD:
                if int.from_bytes(frame[:4]) == 1 and _is_ours(frame[_FRAME_HEAD:]):
                    found = frame[_FRAME_HEAD:]
                log.seek(PAGE_BYTES - _HEAD, os.SEEK_CUR)
    except OSError:  # there is no log
        pass
    return found


def now() -> float:
    """Return the time of day in seconds: for people only, since clocks jump. Order comes from steps and row numbers."""
    return time.time()
