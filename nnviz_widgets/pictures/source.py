"""What an Inspector shows: a session, a recording, an inspection of one batch, or two runs, behind one face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol
from weakref import ref

import numpy as np

from nnviz_widgets.core.inspection import Inspection
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.errors import InvalidArgumentError, TensorNotRecorded, TensorTooLarge
from nnviz_widgets.pictures.comparison import Comparison

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.session import Session


SourceKind = Literal["session", "recording", "inspection", "comparison"]


class Source(Protocol):
    """What an Inspector needs of what it shows."""

    @property
    def recording(self) -> Recording:
        """Where tensors and series are read."""

    @property
    def kind(self) -> SourceKind:
        """Which of them it is."""

    @property
    def session(self) -> Session | None:
        """The session that writes it, or `None`: then there is nothing to press."""

    @property
    def running(self) -> bool:
        """Whether steps are being taken."""

    @property
    def logs(self) -> dict[str, float]:
        """The newest metrics."""

    @property
    def last_step(self) -> int:
        """The newest step."""

    @property
    def newest(self) -> int:
        """The step of who follows: the newest one, or of two runs that of the newest moment that is compared."""

    @property
    def n_samples(self) -> int:
        """How many rows of the batch keep their activations."""


class SessionSource:
    """A session."""

    kind: SourceKind = "session"

    def __init__(self, session: Session) -> None:
        """Wrap `session`."""
        self.session = session

    @property
    def recording(self) -> Recording:
        """Where tensors and series are read."""
        return self.session.recording

    @property
    def running(self) -> bool:
        """Whether steps are being taken."""
        return self.session.state == "running"

    @property
    def logs(self) -> dict[str, float]:
        """The newest metrics."""
        return self.session.logs

    @property
    def last_step(self) -> int:
        """The newest step of all branches."""
        return max(self.session.step_index, *(branch.last_step for branch in self.session.branches))

    @property
    def newest(self) -> int:
        """The step at which it stands."""
        return self.session.step_index

    @property
    def n_samples(self) -> int:
        """How many rows of the batch keep their activations."""
        return self.session.n_samples


class RecordingSource:
    """A recording on its own."""

    kind: SourceKind = "recording"
    session = None

    def __init__(self, recording: Recording) -> None:
        """Wrap `recording`."""
        self.recording = recording

    @property
    def running(self) -> bool:
        """Whether another process takes steps, which are followed."""
        return self.recording.following

    @property
    def logs(self) -> dict[str, float]:
        """The newest metrics."""
        _, metrics = self.recording.metric_arrays()
        return {name: float(values[-1]) for name, values in metrics.items() if values.size}

    @property
    def last_step(self) -> int:
        """The newest step."""
        steps = self.recording.steps
        return int(steps[-1]) if steps.size else 0

    @property
    def newest(self) -> int:
        """The newest step."""
        return self.last_step

    @property
    def n_samples(self) -> int:
        """How many rows of the batch keep their activations."""
        for spec in self.recording.catalogue.specs:
            if spec.key.kind == "activations":
                try:
                    return int(np.shape(self.recording.frame(spec.key, -1).array)[0])
                except (TensorNotRecorded, TensorTooLarge, IndexError):
                    continue
        return 0


class InspectionSource:
    """One batch, without training."""

    kind: SourceKind = "inspection"
    session = None
    running = False
    last_step = newest = 0

    def __init__(self, inspection: Inspection) -> None:
        """Wrap `inspection`."""
        self.recording = inspection.recording
        self.n_samples = inspection.n_samples
        self.logs = {} if inspection.loss is None else {"loss": inspection.loss}


NOTHING_YET = "nothing was read yet: take a step"


def why_nothing(source: Source) -> str:
    """Return why no step of a tensor is kept, with what to do only where it can be done."""
    if source.session is None:
        return "nothing was read yet" if source.running else "nothing was read"
    match source.session.state:
        case "failed":
            return "nothing was read: training has failed"
        case "finished":
            return "nothing was read before training ended"
        case "running":
            return "nothing was read yet"
        case _:
            return NOTHING_YET


def as_source(value: Any) -> Source:
    """Return what an Inspector reads of `value`.

    Raises:
        InvalidArgumentError: If it is none of them.
    """
    if isinstance(value, Comparison):
        return value
    if isinstance(value, Recording):
        return RecordingSource(value)
    if isinstance(value, Inspection):
        return InspectionSource(value)
    if isinstance(getattr(value, "recording", None), Recording) and hasattr(value, "ask_run"):
        return SessionSource(value)
    raise InvalidArgumentError(
        f"`source` must be a session, a recording, its path, or an inspection. Received: {value!r:.200} of type "
        f"{type(value).__name__}. Make one with `nnviz.TrainingSession(model, x, y)` or `nnviz.inspect(model, x)`."
    )


def runs_of(source: Source) -> tuple[Source, ...]:
    """Return the runs that a source shows: itself, or both of two."""
    return (source.first, source.second) if isinstance(source, Comparison) else (source,)


def found(value: Any) -> Callable[[], Source | None]:
    """Return a way to reach a session or recording that does not keep it alive."""
    reference = ref(value)

    def find() -> Source | None:
        alive = reference()
        return None if alive is None else as_source(alive)

    return find
