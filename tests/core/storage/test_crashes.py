"""S01, S02: whatever ends the process or the power, a prefix of whole steps is read, bit by bit."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.storage import schema, writer
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.errors import NotARecording
from tests.core.storage.crash import LOG_BYTES, Disk, connecting
from tests.core.storage.runs import assert_same, begin, open_writer, run, take_step
from tests.waiting import until

ROOT = Path(__file__).parents[3]


def assert_prefix(path):
    """Assert that a file holds the first steps of `run` as they were, and return how many."""
    found = open_recording(path)
    n_steps = found.steps.size
    if n_steps:
        assert_same(found, prefix(n_steps, is_amended(found, n_steps)))
    found.close()
    return n_steps


@functools.cache
def prefix(n_steps, last_is_amended):
    """Return the first steps of `run` in memory."""
    expected = Recording("run")
    begin(expected)
    for step in range(1, n_steps + 1):
        take_step(expected, step)
        if step % 4 == 0 and (step < n_steps or last_is_amended):
            expected.amend_step(step, {"val_loss": step / 7})
    return expected


def is_amended(found, step):
    """Whether the metrics that came after a step are there; they need not be, as they are no part of it."""
    column = found.metric_arrays()[1].get("val_loss")
    return column is not None and not np.isnan(column[step - 1])


def kill_at_every_write(folder, n_steps):
    """Return how many steps were read back for each n."""
    command = [sys.executable, "-m", "tests.core.storage.crash", str(folder), str(n_steps)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    told = json.loads(answer.stdout)
    assert told["status"] == 0
    return [assert_prefix(folder / f"{n}.nnv") for n in range(1, told["n_writes"] + 1)]


@pytest.mark.parametrize("n_steps", [4, pytest.param(40, marks=pytest.mark.soak)])
def test_s01_killed_in_any_write_a_prefix_of_whole_steps_is_left(tmp_path, n_steps):
    left = kill_at_every_write(tmp_path, n_steps)
    assert len(left) > 10 * n_steps
    assert set(left) == set(range(n_steps + 1))


def test_s02_a_head_that_was_torn_is_read_from_the_log(tmp_path, monkeypatch):
    recording = run(open_writer(tmp_path / "a.nnv"), 60)
    until(lambda: recording._sink._committed == 60)
    (tmp_path / "b").mkdir()
    for name in ("a.nnv", "a.nnv-wal"):
        (tmp_path / "b" / name).write_bytes((tmp_path / name).read_bytes())
    recording.close()
    torn = tmp_path / "b" / "a.nnv"
    torn.write_bytes(b"torn" * 128 + torn.read_bytes()[512:])
    assert assert_prefix(torn) == 60
    (tmp_path / "b" / "a.nnv-wal").unlink()
    with pytest.raises(NotARecording):
        open_recording(torn)


class PoweredDisk:
    """What a disk does between two moments at which it is asked to keep things."""

    def __init__(self, path):
        self.path, self.events = path, []
        self.committed = lambda: 0

    def hear(self, name, what, *values):
        """Note what happened, and how many steps had been committed then."""
        self.events.append((Path(name).name, what, values[:2], self.committed()))

    def after_power_cut(self, n_events, image, folder, rng):
        """Write what may be left after so many events; return how many steps must be among it."""
        kept, pending, begun = {self.path.name: bytearray(image)}, {}, {}
        promised = 0
        for number, (name, what, values, committed) in enumerate(self.events[:n_events]):
            if what == "delete":
                kept.pop(name, None)
                pending.pop(name, None)
            elif what == "syncing":
                begun[values[0]] = number, committed
            elif what == "synced":  # of what another thread wrote meanwhile nothing is known
                began, committed = begun.pop(values[0])
                for written, *change in pending.get(name, []):
                    if written < began:
                        apply(kept.setdefault(name, bytearray()), *change)
                pending[name] = [change for change in pending.get(name, []) if change[0] > began]
                promised = max(promised, committed) if name.endswith("-wal") else promised
            else:
                pending.setdefault(name, []).append((number, what, values))
        for name, changes in pending.items():
            for _, what, values in changes:
                fate = rng.integers(3)
                if what == "write" and fate == 1:
                    values = (values[0], garbled(values[1], rng))
                if fate:
                    apply(kept.setdefault(name, bytearray()), what, values)
        for name, content in kept.items():
            (folder / name).write_bytes(content)
        return promised


def apply(content, what, values):
    """Do to some bytes what was done to a file."""
    if what == "truncate":
        del content[values[0] :]
        return
    offset, data = values
    content.extend(bytes(max(0, offset + len(data) - len(content))))
    content[offset : offset + len(data)] = data


def garbled(data, rng):
    """Return what is written when only some sectors of 512 bytes arrive, and one of them wrong."""
    sectors = [data[start : start + 512] for start in range(0, len(data), 512)]
    wrong = int(rng.integers(len(sectors)))
    sectors[wrong] = rng.bytes(len(sectors[wrong]))
    return b"".join(sectors)


@pytest.mark.parametrize("n_cuts", [60, pytest.param(1500, marks=pytest.mark.soak)])
def test_s02_what_the_disk_was_asked_to_keep_survives_a_power_cut_and_nothing_wrong_is_shown(
    tmp_path, monkeypatch, n_cuts
):
    monkeypatch.setattr(writer, "BATCH_BYTES", 1)
    monkeypatch.setattr(schema, "LOG_BYTES", LOG_BYTES)
    path = tmp_path / "a.nnv"
    power, images = PoweredDisk(path), []
    disk = Disk("power", power.hear)

    def connect(made):
        images.append(made.read_bytes())
        return connecting(disk)(made)

    recording = open_writer(path, connect=connect)
    power.committed = lambda: recording._sink._committed
    run(recording, 24).close()
    rng, promises = np.random.default_rng(0), []
    for cut in range(n_cuts):
        folder = tmp_path / str(cut)
        folder.mkdir()
        promised = power.after_power_cut(int(rng.integers(len(power.events) + 1)), images[0], folder, rng)
        assert assert_prefix(folder / "a.nnv") >= promised
        promises.append(promised)
    assert max(promises) > 12
