"""S03 to S11, L03, L04: what may happen to a recording, each by its row in the table of faults."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import apsw
import numpy as np
import pytest

from nnviz_widgets.core.storage import lock, schema, writer
from nnviz_widgets.core.storage.listing import list_recordings
from nnviz_widgets.core.storage.options import Record
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.core.storage.writer import Writer
from nnviz_widgets.errors import NnvizError, NotARecording, RecordingDamaged, RecordingNotWritable, TensorNotRecorded
from tests.core.storage.crash import Disk, connecting
from tests.core.storage.runs import CATALOGUE, assert_same, begin, in_memory, open_writer, run, take_step
from tests.waiting import ended, until

ROOT = Path(__file__).parents[3]


def failing(error, after):
    """Return a disk that fails with `error` from its n-th write on."""

    def connect(path):
        count = iter(range(10**9))

        def hear(name, what, *values):
            if what == "write" and next(count) >= after:
                raise error("the disk fails")

        return connecting(Disk(f"failing {path}", hear))(path)

    return connect


def full(path):
    """Connect to a disk on which no more than a few pages are free."""
    database = schema.connect_to_write(path)
    n_pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {n_pages + 4}").fetchall()
    return database


# --- S03: the disk fails ---


@pytest.mark.parametrize(
    "connect", [full, failing(apsw.IOError, 150), failing(apsw.FullError, 150)], ids=["full", "EIO", "ENOSPC"]
)
def test_s03_a_disk_that_fails_ends_the_recording_with_one_notice_and_not_the_run(tmp_path, monkeypatch, connect):
    monkeypatch.setattr(writer, "BATCH_BYTES", 1)
    path = tmp_path / "a.nnv"
    recording = run(open_writer(path, connect=connect), 100)
    recording.close()
    assert recording.steps.size == 100
    notices = [(step, text) for step, _, text in recording.events if "stopped" in text]
    assert len(notices) == 1
    step, text = notices[0]
    assert text.startswith(f"the recording stopped at step {step}: ")
    assert text.endswith(f"({path})")
    found = open_recording(path)
    assert found.steps.tolist() == list(range(1, step + 1))
    np.testing.assert_array_equal(found.metrics["loss"], in_memory(step).metrics["loss"])


def test_s03_a_file_that_may_not_grow_ends_the_recording_in_a_real_process(tmp_path):
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from tests.core.storage.runs import open_writer, run\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))\n"
        "recording = run(open_writer(Path(sys.argv[1])), 400)\n"
        "recording.close()\n"
        "print(recording.steps.size, [text for *_, text in recording.events if 'stopped' in text][0])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.nnv")]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("400 the recording stopped at step")
    assert 0 < open_recording(tmp_path / "a.nnv").steps.size < 400


def test_s03_a_folder_that_vanished_ends_it_too(tmp_path):
    recording = open_writer(tmp_path / "runs" / "a.nnv")
    run(recording, 3)
    until(lambda: recording._sink._committed == 3)
    shutil.rmtree(tmp_path / "runs")
    take_step(recording, 4)
    until(lambda: recording._sink.stopped)
    take_step(recording, 5)
    recording.close()
    assert recording.steps.size == 5
    assert [text for *_, text in recording.events if "stopped" in text] == [
        f"the recording stopped at step 3: the recording has gone ({tmp_path / 'runs' / 'a.nnv'})"
    ]
    assert list(tmp_path.iterdir()) == []


def test_s03_where_nobody_may_write_is_said_at_once(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(RecordingNotWritable, match=r"must be one where a file can be written.*directory"):
        open_writer(tmp_path / "file" / "a.nnv")

    def refuse(**options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(schema.tempfile, "mkstemp", refuse)
    with pytest.raises(RecordingNotWritable, match="Permission denied"):
        open_writer(tmp_path / "a.nnv")


# --- S04, S05: the file is not what it was ---


@pytest.fixture
def recorded(tmp_path):
    """A file of a whole run."""
    run(open_writer(tmp_path / "a.nnv")).close()
    return tmp_path / "a.nnv"


@contextmanager
def altered(path):
    """Change a file by SQL."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        yield database
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def blob_of(database, layer, kind, variable, step):
    """Return the row of the blob of a tensor."""
    statement = (
        "SELECT blob FROM tensors JOIN keys ON keys.id = tensors.key "
        "WHERE layer = ? AND kind = ? AND variable IS ? AND step = ?"
    )
    return database.execute(statement, (layer, kind, variable, step)).fetchone()[0]


@pytest.mark.parametrize("bit", [0, 17, -1])
def test_s04_a_flipped_bit_is_named_with_file_step_and_tensor_and_the_rest_can_be_read(recorded, bit):
    with altered(recorded) as database:
        row = blob_of(database, "dense_1", "activations", None, 6)
        data = bytearray(database.execute("SELECT data FROM blobs WHERE id = ?", (row,)).fetchone()[0])
        data[bit] ^= 16
        database.execute("UPDATE blobs SET data = ? WHERE id = ?", (bytes(data), row))
    found = open_recording(recorded)
    with pytest.raises(RecordingDamaged) as caught:
        found.tensor("dense_1", "activations", 6)
    for word in (str(recorded), "step 6", "activations", "`dense_1`"):
        assert word in str(caught.value)
    expected = in_memory()
    for step in (2, 4, 8, 10, 12):
        np.testing.assert_array_equal(
            found.tensor("dense_1", "activations", step), expected.tensor("dense_1", "activations", step)
        )


def test_s04_a_tensor_in_the_place_of_another_is_found(recorded):
    with altered(recorded) as database:
        rows = [blob_of(database, "dense", "activations", None, step) for step in (2, 4)]
        database.execute("UPDATE tensors SET blob = ? WHERE blob = ?", rows)
    with pytest.raises(RecordingDamaged, match="step 4: the activations of layer `dense`"):
        open_recording(recorded).tensor("dense", "activations", 4)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE events SET text = 'all is well'", "an event"),
        ('UPDATE amends SET numbers = \'{"val_loss": "0x1p+0"}\'', "a metric"),
        ("UPDATE metrics SET names = replace(names, 'loss', 'gain')", "metrics"),
        ("UPDATE idle SET last = last + 1", "an event"),
        ("UPDATE vitals SET first = 0", "vitals"),
        ("UPDATE blobs SET data = zeroblob(length(data)) WHERE id IN (SELECT blob FROM segments)", "list of layers"),
        ("UPDATE blobs SET data = zeroblob(length(data)) WHERE id IN (SELECT numbers FROM metrics)", "metrics"),
    ],
)
def test_s04_so_is_a_change_of_metrics_events_and_lists(recorded, statement, what):
    with altered(recorded) as database:
        database.execute(statement)
    with pytest.raises(RecordingDamaged, match=what):
        open_recording(recorded)


def read_everything(path):
    """Read all that a recording says; return it with the number of things that were refused."""
    found, refused = open_recording(path), 0
    for spec in CATALOGUE.specs:
        for step in [int(step) for step in found._tensors.steps(spec.key)]:
            try:
                yield spec.key, step, found.frame(spec.key, step).array
            except (RecordingDamaged, TensorNotRecorded):
                refused += 1
    yield None, refused, (found.steps, found.metric_arrays()[1], found.events)


@pytest.mark.parametrize("n_flips", [300, pytest.param(18_000, marks=pytest.mark.soak)])
def test_s04_whatever_bit_of_the_file_is_flipped_nothing_wrong_is_shown(recorded, tmp_path, n_flips):
    whole, expected, rng = recorded.read_bytes(), in_memory(), np.random.default_rng(0)
    path, n_found = tmp_path / "flipped.nnv", 0
    for place in rng.integers(len(whole) * 8, size=n_flips).tolist():
        content = bytearray(whole)
        content[place // 8] ^= 1 << place % 8
        path.write_bytes(content)
        try:
            for key, step, value in read_everything(path):
                if key is not None:
                    np.testing.assert_array_equal(value, expected.frame(key, step).array)
                    continue
                n_found += step > 0
                steps, columns, events = value
                assert set(steps.tolist()) <= set(expected.steps.tolist())
                for name, column in columns.items():
                    of = {int(s): v for s, v in zip(expected.steps, expected.metric_arrays()[1][name], strict=True)}
                    np.testing.assert_array_equal(column, [of[int(s)] for s in steps])
                assert set(events) <= set(expected.events)
        except NnvizError:
            n_found += 1
    assert n_found > n_flips // 20


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.3, 0.5, 0.8, 0.99])
def test_s05_a_file_that_was_cut_short_shows_nothing_wrong(recorded, tmp_path, share):
    whole, expected = recorded.read_bytes(), in_memory()
    path = tmp_path / "cut.nnv"
    path.write_bytes(whole[: int(len(whole) * share)])
    with suppress(RecordingDamaged, NotARecording):
        for key, step, value in read_everything(path):
            if key is not None:
                np.testing.assert_array_equal(value, expected.frame(key, step).array)
    with pytest.raises(NnvizError, match=str(path)):
        list(read_everything(path))[-1][1] or open_recording(path).tensor("dense", "weights", 12)


def test_s05_a_tensor_that_is_missing_is_said_to_be_missing(recorded):
    with altered(recorded) as database:
        database.execute("DELETE FROM blobs WHERE id = ?", (blob_of(database, "dense", "gradients", "kernel", 4),))
    with pytest.raises(RecordingDamaged, match=r"step 4: the gradients of layer `dense`.*missing"):
        open_recording(recorded).tensor("dense", "gradients", 4)


def test_s05_what_was_left_of_a_file_that_was_being_made_is_no_recording(tmp_path):
    (tmp_path / ".a.nnv.x.partial").write_bytes(b"litter")
    run(open_writer(tmp_path / "a.nnv")).close()
    assert_same(open_recording(tmp_path / "a.nnv"), in_memory())


# --- S06: a reader beside the writer ---


@pytest.mark.parametrize("n_steps", [400, pytest.param(24_000, marks=pytest.mark.soak)])
def test_s06_who_follows_sees_whole_steps_in_order(tmp_path, monkeypatch, n_steps):
    monkeypatch.setattr("nnviz_widgets.core.storage.metric_rows.BLOCK", 32)
    monkeypatch.setattr("nnviz_widgets.core.storage.vital_rows.MAX_BLOCK", 64)
    recording = open_writer(tmp_path / "a.nnv")
    begin(recording)
    until(lambda: (tmp_path / "a.nnv").exists())
    followed = open_recording(tmp_path / "a.nnv", follow=True)
    key, seen = CATALOGUE.specs[0].key, [0]
    for step in range(1, n_steps + 1):
        take_step(recording, step)
        if step % 20 == 0:
            time.sleep(0.01)
        kept, vitals, steps = followed.kept_step(key), followed.readings().rows(key)[0], followed.steps
        if kept is not None and kept > 0:
            np.testing.assert_array_equal(followed.frame(key, kept).array, recording.frame(key, kept).array)
        assert steps.tolist() == list(range(1, steps.size + 1))
        assert vitals.size <= steps.size
        assert steps.size >= seen[-1]
        seen.append(steps.size)
    recording.close()
    until(lambda: followed.steps.size == n_steps and not followed.following)
    assert_same(followed, recording)
    followed.close()
    assert len(set(seen)) > 3


# --- S07: one writer ---


def test_s07_a_second_writer_is_refused_by_the_number_of_the_first(tmp_path):
    recording = open_writer(tmp_path / "a.nnv")
    with (
        closing(schema.connect_to_write(tmp_path / "a.nnv")) as other,
        pytest.raises(RecordingNotWritable, match=f"written by process {os.getpid()}"),
    ):
        lock.take(other, tmp_path / "a.nnv")
    with pytest.raises(RecordingNotWritable, match="never overwritten"):
        open_writer(tmp_path / "a.nnv")
    run(recording).close()
    assert_same(open_recording(tmp_path / "a.nnv"), in_memory())


def claimed(path, **changes):
    """Write down another process as the writer of a file, and return a connection to write."""
    database = schema.connect_to_write(path)
    here = lock.Owner.here()
    row = {"pid": here.pid, "born": here.born, "host": here.host, "token": "x", "beat": 0.0} | changes
    database.execute("INSERT OR REPLACE INTO writer VALUES (1, ?, ?, ?, ?, ?)", tuple(row.values()))
    return closing(database)


@pytest.mark.parametrize("changes", [{"pid": 2**22 + 5}, {"born": "1"}], ids=["dead", "number used again"])
def test_s07_a_writer_that_is_no_more_is_taken_over_with_a_notice(recorded, changes):
    with claimed(recorded, **changes) as database:
        assert "taken over" in lock.take(database, recorded)
        assert lock.owner_of(database).pid == os.getpid()


def test_s07_a_writer_on_another_machine_is_refused_by_its_name(recorded):
    with claimed(recorded, host="elsewhere") as database, pytest.raises(RecordingNotWritable, match="'elsewhere'"):
        lock.take(database, recorded)


# --- S08, S09, S11 ---


def test_s08_a_recording_that_has_gone_is_said_to_have_and_stays_readable(recorded):
    followed = open_recording(recorded, follow=True)
    recorded.unlink()
    until(lambda: any("has gone" in text for *_, text in followed.events))
    assert str(recorded) in followed.events[-1][2]
    np.testing.assert_array_equal(followed.tensor("dense", "weights", 4), in_memory().tensor("dense", "weights", 4))
    assert not recorded.exists()
    followed.close()


def test_s08_what_is_in_memory_stays_when_the_file_behind_it_has_gone(tmp_path):
    recording = open_writer(tmp_path / "a.nnv")
    recording.budget_bytes = 20_000
    run(recording, 40)
    until(lambda: recording._sink._committed == 40)
    (tmp_path / "a.nnv").unlink()
    take_step(recording, 41)
    recording.close()
    newest = recording.tensor_steps("dense", "weights")[-1]
    np.testing.assert_array_equal(
        recording.tensor("dense", "weights", newest), in_memory(40).tensor("dense", "weights", newest)
    )


def foreign(folder, kind):
    """Make a file that is no recording, or one of the future."""
    path = folder / "foreign.nnv"
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("x" * 5000)
    elif kind == "empty":
        path.touch()
    elif kind == "database":
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE t(x)")
    elif kind in ("newer", "older"):
        shutil.copy(folder / "a.nnv", path)
        with closing(sqlite3.connect(path)) as database:
            database.execute(f"PRAGMA user_version={7 if kind == 'newer' else 1}")
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "No such file"),
        ("folder", "directory"),
        ("text", "another kind"),
        ("empty", "empty"),
        ("database", "another kind"),
        ("newer", "format 7.*[Pp]lease update"),
        ("older", "format 1.*[Rr]ecord the run anew"),
    ],
)
def test_s09_what_is_no_recording_of_ours_is_refused_and_left_as_it_is(recorded, tmp_path, kind, words):
    path = foreign(tmp_path, kind)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    with pytest.raises(NotARecording, match=words):
        open_recording(path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()} == before


@pytest.mark.parametrize(
    "statement",
    ["CREATE VIEW v AS SELECT 1", "CREATE TRIGGER t AFTER INSERT ON meta BEGIN SELECT 1; END", "DROP TABLE blobs"],
)
def test_s13_tables_that_are_not_ours_are_refused(recorded, statement):
    with altered(recorded) as database:
        database.execute(statement)
    with pytest.raises(RecordingDamaged):
        open_recording(recorded)


@pytest.mark.parametrize(("column", "value"), [("shape", str(2**63)), ("dtype", "object"), ("size", 2**62)])
def test_s13_a_hostile_row_is_refused_where_it_is_read(recorded, column, value):
    with altered(recorded) as database:
        row = blob_of(database, "dense", "weights", "kernel", 4)
        database.execute(f"UPDATE blobs SET {column} = ? WHERE id = ?", (value, row))
    found = open_recording(recorded)
    with pytest.raises(RecordingDamaged, match="step 4"):
        found.tensor("dense", "weights", 4)


def test_s11_a_clock_that_jumps_back_changes_no_order(tmp_path, monkeypatch):
    clock = iter(range(10**6, 0, -3600))
    monkeypatch.setattr(schema.time, "time", lambda: float(next(clock)))
    run(open_writer(tmp_path / "a.nnv")).close()
    assert_same(open_recording(tmp_path / "a.nnv"), in_memory())


def test_a_recording_in_a_folder_that_cannot_be_written_to_is_opened(recorded, monkeypatch):
    uris, connect = [], sqlite3.connect

    def refuse(address, **options):
        uris.append(address)
        if "immutable" not in address:
            raise sqlite3.OperationalError("unable to open database file")
        return connect(address, **options)

    monkeypatch.setattr(schema.sqlite3, "connect", refuse)
    assert open_recording(recorded).steps.size == 12
    assert len(uris) == 2


# --- L03, L04 ---


def test_l03_a_forked_process_writes_nothing(tmp_path):
    recording = open_writer(tmp_path / "a.nnv")
    run(recording, 6)
    pid = os.fork()
    if not pid:
        signal.alarm(20)  # should it wait for a lock that nobody opens
        for step in range(7, 10):
            take_step(recording, step)
        recording.close()
        os._exit(0 if recording.steps.size == 9 else 1)
    assert os.waitpid(pid, 0)[1] == 0
    for step in range(7, 13):
        take_step(recording, step)
    recording.close()
    assert open_recording(tmp_path / "a.nnv").steps.tolist() == list(range(1, 13))


END = """
import sys, threading, time
from pathlib import Path
from tests.core.storage.runs import open_writer, run
from nnviz_widgets.core.storage import writer
writer.FLUSH_S = 60.0
recording = run(open_writer(Path(sys.argv[1])))
{end}
"""


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise ValueError('of the user')", "del recording"])
def test_l04_the_end_of_the_interpreter_writes_what_is_left(tmp_path, end):
    command = [sys.executable, "-c", END.format(end=end), str(tmp_path / "a.nnv")]
    began = time.monotonic()
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=50)
    assert time.monotonic() - began < 50
    assert_same(open_recording(tmp_path / "a.nnv"), in_memory())


def test_l04_so_are_large_tensors_though_no_thread_can_be_started_any_more(tmp_path):
    end = (
        "from tests.core.storage.runs import take_step\nfrom tests.core.catalogues import dense\n"
        "recording.set_catalogue(dense(400, 300))\ntake_step(recording, 14, dense(400, 300))"
    )
    command = [sys.executable, "-c", END.format(end=end), str(tmp_path / "a.nnv")]
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=50, check=True)
    found = open_recording(tmp_path / "a.nnv")
    assert found.tensor("dense", "weights", 14).shape == (400, 300)
    assert list_recordings(tmp_path)["state"].tolist() == ["complete"]


@pytest.mark.parametrize("end", ["time.sleep(0.5)", "import atexit; atexit.register(recording.close)"])
def test_l04_a_disk_that_hangs_does_not_hang_the_end_of_the_interpreter(tmp_path, end):
    hang = END.replace(
        "writer.FLUSH_S = 60.0",
        "writer.EXIT_S = 0.3\n"
        "from nnviz_widgets.core.storage.tables import Tables\nTables.write = lambda self: time.sleep(600)",
    )
    command = [sys.executable, "-c", hang.format(end=end), str(tmp_path / "a.nnv")]
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=50, check=True)
    assert open_recording(tmp_path / "a.nnv").steps.size == 0


def test_a_recording_that_nobody_has_any_more_is_closed(tmp_path):
    recording = run(open_writer(tmp_path / "a.nnv"))
    thread = recording._sink._thread
    del recording
    ended(thread)
    assert_same(open_recording(tmp_path / "a.nnv"), in_memory())


def test_a_writer_takes_options(tmp_path):
    Writer(Record(tmp_path / "a.nnv")).close()
    assert open_recording(tmp_path / "a.nnv").steps.size == 0
