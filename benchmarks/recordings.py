"""What recording to disk costs: the training's time, the disk's room, memory, and the time until it can be read."""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import nnviz_widgets as nnviz
from benchmarks.figures import Figure, in_turns, median_ratio
from benchmarks.networks import mlp
from benchmarks.training import epochs_of
from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey, TensorSpec, VitalsReading
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.storage.writer import Writer

ROUNDS = 5
MILLION = 10**6
DIGITS = Path(__file__).parent.parent / "notebooks" / "data" / "mnist_10k.npz"


def measure() -> Iterator[Figure]:
    """Yield the figures."""
    with tempfile.TemporaryDirectory() as folder:
        yield from training(Path(folder))
        yield from writing(Path(folder))
        yield from opening(Path(folder))
        yield from memory(Path(folder))


# --- the training ---


def digits() -> tuple[Any, Any, Any, int]:
    """Return the 784-128-10 network of `mlp` with MNIST's digits: noise in the place of images does not compress."""
    model, _, _, batch_size = mlp()
    with np.load(DIGITS) as data:
        return model, (data["x"].reshape(-1, 784) / 255).astype("float32"), data["y"].astype("int64"), batch_size


def session(probe: nnviz.Probe, record: Path | None) -> tuple[Callable[[], float], nnviz.TrainingSession]:
    """Return a function that trains an epoch and returns its seconds, until all of it is on disk, and its session."""
    epoch, run = epochs_of(digits(), probe, record=record)
    return lambda: epoch()[0], run


def training(folder: Path) -> Iterator[Figure]:
    """Compare training to disk with training in memory, all tensors of every n-th step, nothing dropped."""
    for every, limit in ((10, 1.15), (1, 2.5)):
        path = folder / f"{every}.nnv"
        disk, recorded = session(nnviz.Probe(every=every), path)
        ram, kept = session(nnviz.Probe(every=every), None)
        times = in_turns({"disk": disk, "memory": ram}, ROUNDS)
        recorded.close()
        kept.close()
        ratio = median_ratio(times["disk"], times["memory"])
        rate = statistics.median(times["memory"])
        yield Figure(
            f"MLP to disk / in memory, every {every}. step", ratio, "x", limit, remark=f"{rate:.2f} s an epoch"
        )
        yield size(path, every)
        path.unlink()


def size(path: Path, every: int) -> Figure:
    """Compare the file with the numbers of its tensors."""
    found = nnviz.open_recording(path)
    n_bytes = 0
    for key in found._tensors.known():
        steps = found._tensors.steps(key)
        n_bytes += len(steps) * found._tensors.array(key, steps[-1]).nbytes
    found.close()
    share = path.stat().st_size / n_bytes
    return Figure(
        f"file / tensors in float32, MLP, every {every}. step", share, "x", 0.70, remark="MNIST; all of the file"
    )


# --- the writer ---


def real_tensors() -> tuple[Catalogue, list[dict[TensorKey, np.ndarray[Any, Any]]]]:
    """Return all tensors of some steps of the MLP."""
    model, x, y, batch_size = digits()
    with nnviz.TrainingSession(model, x, y, batch_size=batch_size, verbose=0, probe=nnviz.Probe(every=1)) as run:
        run.step(60)
        recording = run.recording
        steps = [
            {spec.key: recording.frame(spec.key, step).array for spec in recording.catalogue.specs}
            for step in range(1, 61)
        ]
        return recording.catalogue, steps


def writing(folder: Path) -> Iterator[Figure]:
    """Write the same steps again and again, as fast as the writer takes them."""
    catalogue, steps = real_tensors()
    n_bytes = sum(array.nbytes for array in steps[0].values())
    rates = []
    for turn in range(3):
        recording = Recording(budget_bytes=64 << 20, sink=Writer(nnviz.Record(folder / f"w{turn}.nnv")))
        recording.set_catalogue(catalogue)
        began = time.perf_counter()
        n_steps = 1200
        for step in range(1, n_steps + 1):
            recording.add_step(step, 0, step, {"batch_loss": 0.0})
            recording.add_tensors(step, {key: array[...] for key, array in steps[step % 60].items()})
            recording.commit()
        recording.close()
        rates.append(n_steps * n_bytes / 1e6 / (time.perf_counter() - began))
        (folder / f"w{turn}.nnv").unlink()
    yield Figure("writing real tensors until closed", statistics.median(rates), "MB/s", 250, at_least=True)


# --- the reader ---


def small() -> Catalogue:
    """Return the layers of a 2-16-1 network."""
    layers, specs = [], []
    for path, n_in, n_out in (("dense", 2, 16), ("dense_1", 16, 1)):
        layers.append(LayerInfo(path, path, "Dense", (None, n_out), ("kernel", "bias"), n_in * n_out + n_out, 1, n_out))
        for kind in ("weights", "gradients"):
            specs.append(TensorSpec(TensorKey(path, kind, "kernel"), (n_in, n_out), "float32", ("in", "neuron"), 1))
            specs.append(TensorSpec(TensorKey(path, kind, "bias"), (n_out,), "float32", ("neuron",), 0))
        specs.append(TensorSpec(TensorKey(path, "activations"), (None, n_out), "float32", ("sample", "neuron"), 1))
    return Catalogue(tuple(layers), tuple(specs))


def long_run(path: Path, n_steps: int) -> None:
    """Record metrics and vitals of many steps."""
    catalogue = small()
    width = 4 * sum(spec.n_neurons or 0 for spec in catalogue.specs)
    rng = np.random.default_rng(0)
    tables = rng.normal(size=(1000, len(catalogue.specs), 9))
    neurons = rng.normal(size=(1000, width)).astype(np.float32)
    recording = Recording(budget_bytes=64 << 20, sink=Writer(nnviz.Record(path)))
    recording.set_catalogue(catalogue)
    for step in range(1, n_steps + 1):
        recording.add_step(step, step // 1000, step % 1000, {"batch_loss": 1 / step, "loss": 2 / step})
        recording.add_vitals(step, VitalsReading(tables[step % 1000], neurons[step % 1000]))
        recording.commit()
    recording.close()


def opening(folder: Path, n_steps: int = MILLION) -> Iterator[Figure]:
    """Open a run of a million steps, and read all vitals of one tensor at a step far away."""
    path = folder / "long.nnv"
    long_run(path, n_steps)
    began = time.perf_counter()
    found = nnviz.open_recording(path)
    assert found.steps.size == n_steps
    opened = time.perf_counter() - began
    key, seeks = TensorKey("dense", "weights", "kernel"), []
    for step in np.random.default_rng(0).integers(n_steps, size=20).tolist():
        began = time.perf_counter()
        block = next(block for block in found.readings().blocks if block.last >= step)
        block.rows(block.segment.rows[key])
        block.neuron_values(key, slice(None))
        seeks.append(1000 * (time.perf_counter() - began))
    remark = f"{path.stat().st_size / 1e6:.0f} MB"
    yield Figure("open a recording of 1,000,000 steps of vitals", opened, "s", 2, remark=remark)
    yield Figure("seek in it: all statistics of a tensor and its neurons", max(seeks), "ms", 100, remark="worst of 20")
    began = time.perf_counter()
    found.vital_arrays(key, "l2")
    yield Figure("a whole series of it", 1000 * (time.perf_counter() - began), "ms")
    found.close()
    path.unlink()


def memory(folder: Path, n_steps: int = 100_000) -> Iterator[Figure]:
    """Record all tensors of a small network, and see how memory grows once the recording's own budget is full."""
    catalogue = small()
    rng = np.random.default_rng(0)
    shapes = [[16 if n is None else n for n in spec.shape] for spec in catalogue.specs]
    recording = Recording(budget_bytes=8 << 20, sink=Writer(nnviz.Record(folder / "flat.nnv")))
    recording.set_catalogue(catalogue)
    marks = []
    for step in range(1, n_steps + 1):
        recording.add_step(step, 0, step, {"batch_loss": 1 / step})
        arrays = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
        recording.add_tensors(step, dict(zip((spec.key for spec in catalogue.specs), arrays, strict=True)))
        recording.commit()
        if step % 10_000 == 0:
            marks.append((step / 10_000, resident()))
    recording.close()
    slope = np.polyfit(*zip(*marks[3:], strict=True), 1)[0]
    yield Figure("memory per 10,000 steps of a 2-16-1 network, all tensors", float(slope), "MB", 1)


def resident() -> float:
    """Return the memory of this process, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
