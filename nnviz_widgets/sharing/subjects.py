"""What can be drawn of a run, before anything is drawn: which tensors, of which steps, and what of them is allowed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from nnviz_widgets.core.frame import of_batch
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.pictures.kept import key_of
from nnviz_widgets.pictures.stack import companions
from nnviz_widgets.sharing.contents import is_open
from nnviz_widgets.sharing.privacy import LEAST_APART, MOST_SIDE, MOST_STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nnviz_widgets.core.frame import Kind, LayerInfo, TensorKey
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.sharing.contents import Content, Contents
    from nnviz_widgets.sharing.privacy import Privacy

Shown = Literal["cells", "histogram", "nothing"]

LEFT_OUT = "left out of this file"
OF_INPUTS = f"{LEFT_OUT}: it hands on what the model is fed"
OF_STATISTICS = f"{LEFT_OUT}: it is not trained, and may tell of what the model is fed"


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
        if self.content != "inputs" or self.part == "input":
            return withheld_words(self.content)
        return OF_STATISTICS if self.key.kind == "weights" else OF_INPUTS


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
    contents: Contents,
) -> list[Subject]:
    """Return what can be drawn, in the order of the layers.

    Args:
        recording: Where it is read.
        layers: Of which layers.
        kinds: Of which kinds.
        steps: Of which steps.
        privacy: What may be shown.
        contents: What the tensors tell of.
    """
    wanted = frozenset(steps)
    found: list[Subject] = []
    for layer in layers:
        for kind in kinds:
            found += _of_kind(recording, layer.path, kind, wanted, privacy, contents)
        if "activations" in kinds:
            found += _of_input(recording, layer.path, wanted, privacy, contents)
    return found


def _of_kind(
    recording: Recording, layer: str, kind: Kind, wanted: frozenset[int], privacy: Privacy, contents: Contents
) -> Iterator[Subject]:
    try:
        keys = [key for key in recording.keys(layer, kind) if kind in ("weights", "gradients") or key.variable is None]
        main = key_of(recording, layer, kind)
    except NnvizError:
        return  # the layer has none: its entry in the list says why
    limited = kind == "weights" and not privacy.allows("gradients")
    together = len(companions(recording, main)) > 1
    vectors = together and len(recording.spec(main).shape) == 1
    named = [(main, True)] if together else []
    for key, joined in [*named, *((key, False) for key in keys)]:
        of = companions(recording, key) if joined else (key,)
        content = "inputs" if "inputs" in map(contents.of, of) else kind
        shown = _shown(content, privacy)
        subject = Subject(
            layer=layer,
            key=key,
            together=joined,
            part="map",
            content=content,
            shown=shown,
            steps=_kept(recording, of, wanted),
            most_steps=MOST_STEPS if limited or shown != "cells" else None,
            most_side=MOST_SIDE if limited else None,
            least_apart=LEAST_APART if limited else 1,
            stands=key == main and joined == vectors,
        )
        yield subject
        if kind == "activations" and subject.stands and shown == "cells" and len(recording.spec(key).shape) > 2:
            yield replace(subject, part="samples", stands=False)


def _of_input(
    recording: Recording, layer: str, wanted: frozenset[int], privacy: Privacy, contents: Contents
) -> Iterator[Subject]:
    fed = recording.catalogue.inputs.get(layer)
    if fed is None:
        return
    content = contents.of(fed.key)
    yield Subject(
        layer=layer,
        key=fed.key,
        together=False,
        part="input",
        content=content,
        shown="cells" if is_open(content, privacy) else "nothing",
        steps=_kept(recording, [fed.key], wanted),
    )


def _shown(content: Content, privacy: Privacy) -> Shown:
    if is_open(content, privacy):
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
    """Return how many samples of the batch of a step are kept at least; 0 where that is not known.

    Rows need not be samples where a model's own code folds other axes into the first: the fewest count.
    """
    fed = {fed.key for fed in recording.catalogue.inputs.values() if of_batch(fed.key)}
    outputs = {
        spec.key
        for spec in recording.catalogue.specs
        if spec.key.kind == "activations" and spec.key.variable is None and spec.axes[:1] == ("sample",)
    }
    rows = [n for key in fed | outputs if (n := _rows_of(recording, key, step)) is not None]
    return min(rows, default=0)


def _rows_of(recording: Recording, key: TensorKey, step: int) -> int | None:
    try:
        return len(recording.frame(key, step).array)
    except NnvizError:
        return None  # it is not kept, or damaged
