"""What can be drawn of a run, before anything is drawn: which tensors, of which steps, and what of them is allowed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from nnviz_widgets.core.frame import Kind, of_batch
from nnviz_widgets.errors import NnvizError, TensorNotRecorded
from nnviz_widgets.pictures.kept import key_of
from nnviz_widgets.pictures.stack import companions
from nnviz_widgets.sharing.privacy import LEAST_APART, MOST_SIDE, MOST_STEPS, Opened, Privacy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nnviz_widgets.core.frame import LayerInfo, TensorKey
    from nnviz_widgets.core.recording import Recording

Content = Kind | Literal["inputs"]
"""What a picture tells of, whatever it is drawn of."""

Shown = Literal["cells", "histogram", "nothing"]

LEFT_OUT = "left out of this file"
OF_INPUTS = f"{LEFT_OUT}: it hands on what the model is fed"

OPENED_BY: dict[Content, Opened] = {
    "activations": "activations",
    "gradients": "gradients",
    "activation_gradients": "gradients",
    "inputs": "inputs",
}
"""Which name of `Privacy` opens what; weights are always shown, but pooled and at few steps."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One tensor, or what the neuron panel draws of one, at all its steps.

    Attributes:
        layer: The path under which a page asks for it; of a repeated call, not that of the variable.
        key: The tensor.
        together: Whether the variables that stand for the layer together are drawn, and not `key` alone.
        part: `map` of all of it, `samples` for the mean over places of each sample and neuron, or what the layer is
            fed: then `key` is the tensor that holds it.
        content: What it tells of.
        shown: All cells, only a histogram, or nothing but the words that say why.
        steps: The steps at which it is kept, ascending.
        most_steps: At how many of them it may be drawn, `None` for all.
        most_side: How many rows and columns it may have, `None` for all.
        least_apart: How far from each other the steps are at which it may be drawn.
        stands: Whether it stands for its layer, and a neuron's part is taken from it.
    """

    layer: str
    key: TensorKey
    together: bool
    part: Literal["map", "samples", "input"]
    content: Content
    shown: Shown
    steps: tuple[int, ...]
    most_steps: int | None = None
    most_side: int | None = None
    least_apart: int = 1
    stands: bool = False

    @property
    def why_not(self) -> str | None:
        """Why there are no cells, in words for the page."""
        if self.shown == "cells":
            return None
        if self.content == "inputs":
            return OF_INPUTS if self.part != "input" else f"{LEFT_OUT}: what the model is fed"
        return withheld_words(self.content)


def withheld_words(content: Content) -> str:
    """Return why something is not in the file."""
    match content:
        case "activations":
            return f"{LEFT_OUT}: activations of single samples"
        case "inputs":
            return f"{LEFT_OUT}: what the model is fed"
        case _:
            return f"{LEFT_OUT}: gradients of single batches"


def subjects_of(
    recording: Recording,
    layers: Sequence[LayerInfo],
    kinds: Sequence[Kind],
    steps: Sequence[int],
    privacy: Privacy,
    passing: frozenset[str],
) -> list[Subject]:
    """Return what can be drawn, in the order of the layers.

    Args:
        recording: Where it is read.
        layers: Of which layers.
        kinds: Of which kinds.
        steps: Of which steps.
        privacy: What may be shown.
        passing: The layers whose outputs are inputs, from `passing_layers`.
    """
    wanted = frozenset(steps)
    found: list[Subject] = []
    for layer in layers:
        for kind in kinds:
            found += _of_kind(recording, layer.path, kind, wanted, privacy, passing)
        if "activations" in kinds:
            found += _of_input(recording, layer.path, wanted, privacy, passing)
    return found


def _of_kind(
    recording: Recording, layer: str, kind: Kind, wanted: frozenset[int], privacy: Privacy, passing: frozenset[str]
) -> Iterator[Subject]:
    try:
        keys = [key for key in recording.keys(layer, kind) if kind in ("weights", "gradients") or key.variable is None]
        main = key_of(recording, layer, kind)
    except NnvizError:
        return  # the layer has none: its entry in the list says why
    content: Content = "inputs" if kind == "activations" and layer in passing else kind
    shown = _shown(content, privacy)
    whole = (kind == "weights" and privacy.allows("gradients")) or (shown == "cells" and kind != "weights")
    most_steps, most_side = None if whole else MOST_STEPS, None if whole or kind != "weights" else MOST_SIDE
    together = len(companions(recording, main)) > 1
    vectors = together and len(recording.spec(main).shape) == 1
    named = [(main, True)] if together else []
    for key, joined in [*named, *((key, False) for key in keys)]:
        of = companions(recording, key) if joined else (key,)
        subject = Subject(
            layer=layer,
            key=key,
            together=joined,
            part="map",
            content=content,
            shown=shown,
            steps=_kept(recording, of, wanted),
            most_steps=most_steps,
            most_side=most_side,
            least_apart=LEAST_APART if most_side is not None else 1,
            stands=key == main and joined == vectors,
        )
        yield subject
        if kind == "activations" and subject.stands and shown == "cells" and len(recording.spec(key).shape) > 2:
            yield replace(subject, part="samples", stands=False)


def _of_input(
    recording: Recording, layer: str, wanted: frozenset[int], privacy: Privacy, passing: frozenset[str]
) -> Iterator[Subject]:
    fed = recording.catalogue.inputs.get(layer)
    if fed is None:
        return
    content: Content = "inputs" if of_batch(fed.key) or fed.key.layer in passing else "activations"
    shown: Shown = "cells" if privacy.allows(OPENED_BY[content]) else "nothing"
    yield Subject(
        layer=layer,
        key=fed.key,
        together=False,
        part="input",
        content=content,
        shown=shown,
        steps=_kept(recording, [fed.key], wanted),
    )


def _shown(content: Content, privacy: Privacy) -> Shown:
    if content == "weights" or privacy.allows(OPENED_BY[content]):
        return "cells"
    return "nothing" if content == "inputs" else "histogram"


def _kept(recording: Recording, keys: Sequence[TensorKey], wanted: frozenset[int]) -> tuple[int, ...]:
    steps = set(wanted)
    for key in keys:
        steps &= kept_steps(recording, key)
    return tuple(sorted(steps))


def kept_steps(recording: Recording, key: TensorKey) -> set[int]:
    """Return the steps at which a tensor is kept, also one that is no layer's."""
    if not of_batch(key):
        return set(recording.tensor_steps(key.layer, key.kind, key.variable, output=key.output).tolist())
    found: set[int] = set()
    step = recording.kept_step(key)
    while step is not None:
        found.add(step)
        step = recording.kept_step(key, step - 1) if step > 0 else None
    return found


def rows_at(recording: Recording, step: int) -> int:
    """Return how many samples of the batch of a step are kept; 0 where that is not known."""
    for spec in recording.catalogue.specs:
        if spec.key.kind != "activations" or spec.key.variable is not None or spec.axes[:1] != ("sample",):
            continue
        try:
            return len(recording.frame(spec.key, step).array)
        except TensorNotRecorded:
            continue
    return 0
