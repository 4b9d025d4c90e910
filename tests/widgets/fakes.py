"""A session without Keras and a comm without a page, for the widgets to stand between."""

from __future__ import annotations

import json
from threading import RLock
from typing import Any

import numpy as np
from comm.base_comm import BaseComm

from nnviz_widgets import protocol
from nnviz_widgets.core.branches import Branches
from nnviz_widgets.core.conditions.breakpoints import Breakpoints
from nnviz_widgets.core.frame import VITALS, Catalogue, LayerInfo, TensorKey, TensorSpec, VitalsReading
from nnviz_widgets.core.journal import Entry, Journal
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.settings import Settings
from nnviz_widgets.core.stats import neuron_statistics, vitals
from nnviz_widgets.core.time_travel import RewindPlan
from nnviz_widgets.errors import InvalidArgumentError, NothingToUndo, SessionClosed
from tests.waiting import until

N_SAMPLES = 4


def dense_catalogue(*sizes: int, names: tuple[str, ...] = ("hidden", "digits")) -> Catalogue:
    """A chain of Dense layers; the last one is no part of `why`."""
    layers, specs = [], []
    for name, n_in, n_out in zip(names, sizes, sizes[1:], strict=False):
        layers.append(LayerInfo(name, name, "Dense", (None, n_out), ("kernel", "bias"), n_in * n_out + n_out, 1, n_out))
        for kind in ("weights", "gradients"):
            specs += [
                TensorSpec(TensorKey(name, kind, "kernel"), (n_in, n_out), "float32", ("in", "neuron"), 1),
                TensorSpec(TensorKey(name, kind, "bias"), (n_out,), "float32", ("neuron",), 0),
            ]
        specs.append(TensorSpec(TensorKey(name, "activations"), (None, n_out), "float32", ("sample", "neuron"), 1))
    reasons = {(name, "activation_gradients"): "the fake has none" for name in names}
    return Catalogue(tuple(layers), tuple(specs), reasons)


class FakeSession:
    """Takes steps when told to, on the caller's thread; a real session's face towards the widgets."""

    def __init__(self, catalogue: Catalogue | None = None, name: str = "fake") -> None:
        self.name = name
        self.recording = Recording(name)
        self.recording.set_catalogue(catalogue or dense_catalogue(12, 8, 3))
        self.state: Any = "idle"
        self.breakpoints = Breakpoints(lambda condition: None, self.notify)
        self.branches = Branches(self.recording)
        self.paused_by: Any = None
        self.replay_grade: Any = "exact"
        self.journal = Journal(lambda path, data: None)
        self.n_to_undo = 0
        self.now = Settings(0.001, 32, True, None)
        self.step_index = 0
        self.epoch = 0
        self.batch_index = 0
        self.total_steps: int | None = 1000
        self.epochs = 5
        self.steps_per_epoch: int | None = 200
        self.logs: dict[str, float] = {}
        self.steps_per_second: float | None = None
        self.watch_cost: float | None = None
        self.speed: float | None = None
        self.activity: str | None = None
        self.error: BaseException | None = None
        self.failure_text: str | None = None
        self.failure_title: str | None = None
        self.n_samples = N_SAMPLES
        self.viewers: list[Any] = []
        self.asked: list[tuple[Any, ...]] = []
        self.stopped = False
        self.controls = True
        self.closed = False
        self._lock = RLock()
        self._owners = 0
        self.most_owners = 0
        self.rng = np.random.default_rng(0)
        self.recording.add_tensors(0, self._tensors("weights"))

    def add_viewer(self, viewer: Any) -> None:
        self.viewers.append(viewer)

    def remove_viewer(self, viewer: Any) -> None:
        self.viewers.remove(viewer)

    def _ask(self, *command: Any) -> None:
        if self.closed:
            raise SessionClosed("The session was closed. Make a new one.")
        self._owners += 1
        self.most_owners = max(self.most_owners, self._owners)
        self.asked.append(command)
        self._owners -= 1
        self.notify()

    def ask_run(self, until: Any = None) -> None:
        self._ask("run", until)

    def ask_pause(self) -> None:
        self._ask("pause")

    def ask_steps(self, n: int) -> None:
        self._ask("step", n)

    def ask_stop(self) -> None:
        self._ask("stop")

    def settings(self, layer: str | None = None) -> Settings:
        return self.now

    def ask_edit(self, name: str, /, **arguments: Any) -> None:
        self._ask("edit", name, arguments)
        self.journal.add(Entry(self.step_index, "main", name))
        self.n_to_undo += 1
        self.notify()

    def ask_undo(self) -> None:
        if not self.n_to_undo:
            raise NothingToUndo("There must be an edit since the last step to undo. Received: none.")
        self._ask("undo")
        self.journal[-1].undone = True
        self.n_to_undo -= 1
        self.notify()

    def rewind_plan(self, step: int, branch: str | None = None) -> RewindPlan:
        name = branch or self.branches.current.name
        if step > self.branches[name].last_step:
            raise InvalidArgumentError(f"`step` must be a step that was taken. Received: step={step}.")
        remarks = () if self.replay_grade == "exact" else ("the data come once",)
        return RewindPlan(step, name, step // 5 * 5, self.replay_grade, remarks)

    def ask_rewind(self, step: int, branch: str | None = None, *, state_only: bool = False) -> None:
        self._ask("rewind", step, branch, state_only)
        self.branches.go_to(branch or self.branches.current.name)
        self.recording, self.step_index = self.branches.current.recording, step
        self.turn("paused")

    def begin_branch(self) -> None:
        """Leave the branch at the step at which it stands, as the worker does before it steps on."""
        before, step = self.recording, self.step_index
        self.recording = self.branches.fork(step, lambda name: before.fork(step, name)).recording

    def notify(self) -> None:
        for viewer in list(self.viewers):
            viewer.notify()

    def turn(self, state: str) -> None:
        """Change the state and tell."""
        self.state = state
        self.notify()

    def take_step(self, full: bool | None = None) -> frozenset[TensorKey]:
        """Take a step as the worker does: ask the viewers, record, tell them. Returns what they wanted."""
        wanted = frozenset().union(*(viewer.wanted() for viewer in list(self.viewers)))
        self.step_index += 1
        self.logs = {"loss": 1 / self.step_index, "accuracy": 0.5}
        self.recording.fed_by.note(self.step_index, self)
        self.recording.add_step(self.step_index, self.epoch, self.batch_index, {**self.logs, "batch_loss": 1.0})
        if full or (full is None and wanted):
            arrays = self._tensors()
            self.recording.add_tensors(self.step_index, arrays, labels=tuple("0123"))
            self.recording.add_vitals(self.step_index, self._reading(arrays))
        self.notify()
        return wanted

    def _tensors(self, *kinds: str) -> dict[TensorKey, np.ndarray]:
        return {
            spec.key: self.rng.standard_normal([N_SAMPLES if n is None else n for n in spec.shape]).astype("f4")
            for spec in self.recording.catalogue.specs
            if not kinds or spec.key.kind in kinds
        }

    def _reading(self, arrays: dict[TensorKey, np.ndarray]) -> VitalsReading:
        specs = self.recording.catalogue.specs
        table = np.full((len(specs), len(VITALS) + 1), np.nan)
        neurons = []
        for row, spec in enumerate(specs):
            table[row, :-1] = vitals(arrays[spec.key])
            if spec.neuron_axis is not None:
                neurons.append(neuron_statistics(arrays[spec.key], spec.neuron_axis).ravel())
        return VitalsReading(table, np.concatenate(neurons))


class FakeComm(BaseComm):
    """Keeps what is sent; `fault` may raise or change it."""

    def __init__(self, **kwargs: Any) -> None:
        self.sent: list[tuple[str, dict[str, Any], list[bytes]]] = []
        self.fault: Any = None
        super().__init__(**kwargs)

    def publish_msg(self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any):
        if self.fault is not None:
            self.fault(msg_type, data, buffers)
        json.dumps(data, allow_nan=False)  # what is no plain JSON must not reach a page
        self.sent.append((msg_type, data or {}, list(buffers or [])))

    def customs(self, kind: str | None = None) -> list[tuple[dict[str, Any], list[bytes]]]:
        """The custom messages sent so far."""
        contents = [
            (data["content"], buffers) for _, data, buffers in list(self.sent) if data.get("method") == "custom"
        ]
        return [(content, buffers) for content, buffers in contents if kind is None or content["kind"] == kind]


class Page:
    """A front end: answers frames as the real one does, unless told otherwise."""

    def __init__(self, inspector: Any, client: str = "page", *, acks: bool = True) -> None:
        self.inspector, self.client, self.acks = inspector, client, acks
        self.n_asked = 0
        self.frames: list[tuple[dict[str, Any], list[bytes]]] = []
        self._read = 0
        self._acked = 0

    @property
    def comm(self) -> FakeComm:
        return self.inspector.comm

    def say(self, content: Any) -> None:
        """Hand over a message as the kernel does."""
        self.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})

    def ask(self, kind: str, **fields: Any) -> int:
        self.n_asked += 1
        self.say({"kind": kind, "id": self.n_asked, "client": self.client, **fields})
        return self.n_asked

    def ready(self) -> int:
        return self.ask("ready", protocol=protocol.PROTOCOL_VERSION)

    def watch(self, *kinds: str, layer: str = "hidden", step: int = -1, sample: int = 0, **size: int) -> int:
        limits = {"max_rows": 64, "max_cols": 64, **size}
        maps = [{"tensor": kind, **limits} for kind in kinds]
        return self.ask("watch", layer=layer, step=step, sample=sample, maps=maps)

    def poll(self) -> list[tuple[dict[str, Any], list[bytes]]]:
        """Take in the frames that came; paint them, and acknowledge those that ask for it."""
        mine = [(frame, buffers) for frame, buffers in self.comm.customs("frame") if frame["client"] == self.client]
        self.frames = mine
        while self.acks and self._acked < len(mine):
            frame = mine[self._acked][0]
            self._acked += 1
            if frame["acknowledge"]:
                self.say({"kind": "ack", "client": self.client, "seq": frame["seq"]})
        return mine

    def replies(self) -> list[dict[str, Any]]:
        return [reply for reply, _ in self.comm.customs("reply") if reply["client"] == self.client]

    def reply(self, number: int) -> dict[str, Any]:
        """Wait for the one reply to a message."""
        until(lambda: any(reply["id"] == number for reply in self.replies()))
        (reply,) = [reply for reply in self.replies() if reply["id"] == number]
        return reply

    def buffers_of_reply(self, number: int) -> list[bytes]:
        """Wait for what came beside the one reply to a message."""
        self.reply(number)
        (buffers,) = [buffers for reply, buffers in self.comm.customs("reply") if reply["id"] == number]
        return buffers


class Clock:
    """Stands for the module `time`: it moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Turns:
    """The turns of one publisher, taken by hand: what comes after a second, or never comes, is seen at once."""

    def __init__(self, inspector: Any, session: FakeSession, clock: Clock) -> None:
        self.inspector, self.session, self.clock = inspector, session, clock
        inspector._publisher._urgent.set()  # so that it does not wait after a fault

    def take(self, seconds: float = 0.0) -> None:
        """Let time pass, then let the publisher do what is due."""
        self.clock.now += seconds
        self.inspector._publisher._turn()

    def train(self, n_steps: int, seconds: float = 0.04) -> list[frozenset[TensorKey]]:
        """Take steps, with a turn right after each and one after a while. Returns what the pages wanted of each."""
        wanted = []
        for _ in range(n_steps):
            wanted.append(self.session.take_step())
            self.take()
            self.take(seconds)
        return wanted
