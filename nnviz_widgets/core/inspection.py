"""One batch of a model, without training: weights, activations and, with targets, gradients."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.attached import attached_to
from nnviz_widgets.core.attributes import NamedAttributes
from nnviz_widgets.core.backends import load_tensorflow_backend
from nnviz_widgets.core.labels import labels_of
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from nnviz_widgets.core.backends.tensorflow import Inspected


class Inspection(NamedAttributes):
    """What one batch showed of a model; `nnviz.inspect` makes one and shows it.

    Attributes:
        model: The Keras model, unchanged.
        name: What to call it.
        recording: Layers and tensors; all of them under step 0, the state before any training.
        loss: The loss of the batch in inference mode, `None` without targets or without a loss.
        n_samples: Rows of the batch.
    """

    model: Any
    name: str
    recording: Recording
    loss: float | None
    n_samples: int

    def __init__(
        self,
        model: Any,
        x: Any,
        y: Any = None,
        *,
        loss: Any = None,
        sample_weight: Any = None,
        name: str | None = None,
    ) -> None:
        """Run the batch through the model, as `nnviz.inspect` says.

        Raises:
            InvalidArgumentError: If `model` is no Keras model, `x` no batch of at least one row, or `loss` no loss,
                or one without `y`.
            SessionBusy: If a session is training the model now.
            BackendMissing: If Keras with TensorFlow cannot be imported.
        """
        session = attached_to(model)
        backend = load_tensorflow_backend()
        if x is None:
            raise InvalidArgumentError("`x` must be one batch of inputs. Received: x=None. Give an array of samples.")
        with nullcontext() if session is None else session.standing_still():
            read: Inspected = backend.inspect(model, x, y, sample_weight, loss)
        self.model = model
        self.name = name if name is not None else model.name
        self.loss = read.loss
        self.n_samples = read.n_samples
        self.recording = Recording(self.name, about={"model": type(model).__name__})
        self.recording.set_catalogue(read.catalogue)
        self.recording.add_tensors(0, read.tensors, labels=labels_of(read.targets, read.n_samples), pinned=True)

    def __repr__(self) -> str:
        """Say in one line what was inspected."""
        loss = "" if self.loss is None else f", loss {self.loss:.4g} in inference mode"
        samples = "1 sample" if self.n_samples == 1 else f"{self.n_samples:,} samples"
        return f"<Inspection of {self.name!r}: {len(self.recording.layers):,} layers, {samples}{loss}>"
