"""What a shared file holds, declared once: `make protocol` writes `js/src/document.gen.ts` from this module.

A file is one HTML page. Its data are a `Document` in JSON and *chunks*: arrays, each deflated (raw, without a header)
and written in base64, one after the other in one text. A page finds a chunk by its place in that text and inflates it
when somebody looks at it.

Every picture was laid out by the code that draws the live view, so a page knows nothing of tensors: it crops, pools,
sorts and subtracts pictures. Headers that differ only from step to step are written once (`Document.headers`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from nnviz_widgets.core.frame import Kind
from nnviz_widgets.protocol import Cell, LayerEntry, Plane, Series, Status

DOCUMENT_VERSION = 1
"""Raised, from the first release on, when the form of a file changes."""

INDEX_ID = "nnviz-index"
"""The element whose text is the `Document`: JSON, deflated, in base64."""

DATA_ID = "nnviz-data"
"""The element whose text is all chunks."""

MANIFEST_ID = "nnviz-manifest"
"""The element whose text is the manifest in plain JSON, for people and for `nnviz.read_manifest`."""

ROOT_ID = "nnviz-root"
"""The element in which the view is shown; until then it holds a text for readers without scripts."""


class Chunk(msgspec.Struct, frozen=True):
    """Where an array is: `length` characters of base64 from `start`. They inflate to `n_bytes` bytes, little-endian."""

    start: int
    length: int
    n_bytes: int


class StoredPicture(msgspec.Struct, frozen=True):
    """The picture of one tensor, or of one part of a neuron's panel, at one step.

    It is `Document.headers[header]` with the fields that differ from step to step put in. All its cells are there, as
    if its window were everything; `rows`, `cols`, the factors and `reduce` of the header say how far it was pooled when
    the file was written.
    """

    header: int
    layer: str
    step: int
    sample: int | None
    """Null where it is the same for every sample."""
    cells: int
    """Index of the chunk with the cells; -1 where there are none, and then the header's `missing` says why, though low,
    high and a histogram may be told."""
    palette: int = -1
    """Index of the chunk of at most 256 bfloat16 patterns; then each cell is one byte, the index of its pattern. -1
    where cells are written as the header's `encoding` says, all lowest bytes first, then all second ones, and so on."""
    low: float | None = None
    high: float | None = None
    clip_low: float | None = None
    clip_high: float | None = None
    n_nan: int = 0
    n_posinf: int = 0
    n_neginf: int = 0
    first_bad: Cell | None = None
    histogram: list[int] = []


class Gather(msgspec.Struct, frozen=True):
    """Where the part of a neuron's panel is found in a picture that holds all neurons.

    Cell i of the part of neuron n is cell `map[i] + n * neuron_cols` of each `StoredPicture` of this layer whose header
    is `picture`, which is not pooled; -1 in the map is a gap. `neuron_cols` is that of the header `picture`, which has
    `full_cols / neuron_cols` neurons: of another one there is no part. A layer has several of one part where its
    pictures have several shapes. Without one of its part there may be a picture of that part with `missing`, which
    says why, or with all cells of it, as of `input`.
    """

    layer: str
    tensor: Kind
    part: Literal["incoming", "output", "samples"]
    picture: int
    """Index of the header of the picture that it is found in: of a whole tensor (`part` `map`), or of what a sample is
    reduced to (`part` `samples`, a row for each sample), which is shown in no other way."""
    header: int
    """Index of the header of the part's picture."""
    map: int
    """Index of the chunk with the map: int32, a number for each cell of the part."""


class NeuronLines(msgspec.Struct, frozen=True):
    """How all neurons of a layer changed over the steps, one statistic."""

    layer: str
    name: Literal["weights_l2", "gradients_l2", "activations_mean"]
    n_steps: int
    n_neurons: int
    first_neuron: int
    steps: int
    """Index of the chunk with the steps, float64."""
    values: int
    """Index of the chunk with the values, float32, neuron by neuron: `(n_neurons, n_steps)`."""


class Fed(msgspec.Struct, frozen=True):
    """What the neuron panel of a layer may multiply: whether weight x input has a sum, and where the bias is."""

    layer: str
    product: bool
    """Whether incoming weights and input have the same cells, and a neuron computes the sum of their products."""
    why: str | None
    """Why there is no product, if so."""
    bias_steps: int = -1
    """Index of the chunk with the steps at which biases are kept, float64; -1 without any."""
    biases: int = -1
    """Index of the chunk with the biases, float32, `(n_steps, n_neurons)`."""


class Withheld(msgspec.Struct, frozen=True):
    """What was left out of the file on purpose, for the words where it would be."""

    tensor: Kind | Literal["inputs", "labels"]
    why: str


class Document(msgspec.Struct, frozen=True):
    """Everything that a shared file shows."""

    version: int
    title: str
    status: Status
    layers: list[LayerEntry]
    series: Series
    """Its columns name chunks in place of buffers."""
    headers: list[Plane]
    pictures: list[StoredPicture]
    gathers: list[Gather]
    lines: list[NeuronLines]
    fed: list[Fed]
    withheld: list[Withheld]
    labels: dict[str, list[str]]
    """The target of each kept sample in words, by step; empty unless labels were included."""
    layer: str
    """The layer that is shown first."""
    panels: list[str]
    chunks: list[Chunk]
