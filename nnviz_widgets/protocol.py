"""Everything that Python and the front end say to each other, declared once.

`make protocol` writes `js/src/protocol.gen.ts` from this file; a test fails when it is stale and names that command.

Who says what:

- State that must survive a reload is in traits of the widget: `Status` (`_status`), the panels, the cursor.
- The front end sends `ClientMessage`s as custom messages. All but `Ack` and `Gone` carry an `id` and get exactly one
  `Reply` with the same id, also when they fail. A *client* is one front-end model: one open page. Two browser
  tabs on one widget are two clients; a message for one of them carries its name and the others ignore it.
- Python sends `ServerMessage`s. `Frame`, `Series` and the reply to `FetchAnnex` carry binary buffers. A frame never
  depends on the one before, at most two of those that ask for it are unacknowledged per client, and a newer frame
  replaces one that was not sent yet. A page that keeps up is asked less often.

On the wire `None` is null and means "not known" or "none", as the field says; numbers that may be NaN or infinite are
never sent in JSON, except as null, which means NaN.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from nnviz_widgets.core.frame import Kind

PROTOCOL_VERSION = 1
"""Raised, from the first release on, when a message changes: a page of another version shows nothing and says so."""

MAX_FRAME_BYTES = 1 << 20
"""No message with buffers is larger than this."""

MAX_UNACKNOWLEDGED = 2
"""How many frames that asked for an acknowledgement may be on their way to one client."""

NAN_BITS = 0x7FC0
"""The bfloat16 pattern of every NaN cell."""

GUTTER_BITS = 0x7FC1
"""The bfloat16 pattern of a cell that is no value: the gap between tiles. Drawn transparent."""

Text = Annotated[str, msgspec.Meta(max_length=4096)]
"""Longer strings from the front end are refused: layer paths fit, floods do not."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]

Pixels = Annotated[int, msgspec.Meta(ge=1, le=8192)]

StepOrNewest = Annotated[int, msgspec.Meta(ge=-1, le=2**53)]
"""A step; -1 is the newest one."""


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """The tag field `kind` tells messages apart."""


# --- from the front end ---------------------------------------------------------------------------------------------


class Ready(_Message, tag="ready"):
    """A client exists and listens. Answered with `Reply`, then `Layers`, `Series` and, once it watches, frames."""

    id: Count
    client: Text
    protocol: Count


class Gone(_Message, tag="gone"):
    """The client shows no view any more: send it nothing until it is ready again."""

    client: Text


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place in a picture before pooling."""

    row: Count
    column: Count


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The part of a picture that is zoomed into, in units: a unit of a tiled side is a tile, of any other side a cell.

    `from` and `to` as in a slice; what lies outside of the picture is cut off, and never all of it.
    """

    row_from: Count
    row_to: Count
    column_from: Count
    column_to: Count


Part = Literal["map", "incoming", "input", "product", "output", "samples"]
"""What a request draws of a tensor: all of it (`map`), or for the neuron panel what belongs to one neuron: its incoming
weights or their gradients (`incoming`), what the layer is fed of the sample (`input`), the product of both (`product`),
its own output for the sample where that is more than one number (`output`), and its activation over the samples
(`samples`)."""

ComplexPart = Literal["abs", "real", "imag", "phase"]


class MapRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One heatmap that is visible, and how many cells its screen area can show."""

    tensor: Kind
    max_rows: Pixels
    max_cols: Pixels
    variable: Text | None = None
    """Of weights and gradients; null is the one that stands for the layer."""
    output: Count = 0
    """Of activations and their gradients, for a layer of several outputs."""
    cell: Cell | None = None
    """The place whose value comes with each frame: while it runs, to ask for it by itself costs more than the frame."""
    at: Annotated[dict[Text, Count], msgspec.Meta(max_length=16)] = {}
    """Where along the axes that do not lie on the picture, by name; 0 for those that are not named."""
    window: Window | None = None
    """What is zoomed into; null is all."""
    part: Part = "map"
    complex: ComplexPart = "abs"
    """What is drawn of complex numbers."""


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the neurons are sorted in all maps of a layer: by what they were at `step`, so that the order stands still.

    `norm` is the norm of a neuron's weights (of its activations where the layer has none), `activity` its mean
    activation, both largest first; `similarity` puts neurons beside each other whose weights point the same way.
    """

    by: Literal["norm", "activity", "similarity"]
    step: StepOrNewest


Shown = Literal["first", "second", "difference"]
"""Which of two runs is shown, or by how much the values of the second are greater than those of the first. A source of
one run has only the first. Steps are always counted as the first run counts them."""


class Watch(_Message, tag="watch"):
    """What the client shows now; replaces what it watched before. No maps means that nothing is visible."""

    id: Count
    client: Text
    layer: Text
    step: StepOrNewest
    sample: Count
    maps: Annotated[list[MapRequest], msgspec.Meta(max_length=16)]
    order: Order | None = None
    compare: Count | None = None
    """A step: the maps show by how much their values are greater than at that one."""
    neuron: Count = 0
    """The neuron of the parts that belong to one."""
    run: Shown = "first"
    """With a difference `compare` is not looked at."""
    branch: Text | None = None
    """Of a session with branches: the one that is shown; null is the current one, and so is one that there is not."""
    beside: Text | None = None
    """Another branch of it: then `branch` is the first of two runs, and this one the second."""


class Ack(_Message, tag="ack"):
    """The frame that asked for this, or a later one, was painted. No reply."""

    client: Text
    seq: Count


class Run(_Message, tag="run"):
    """Start or resume; `until` as in `session.run`."""

    id: Count
    client: Text
    until: Count | Literal["epoch"] | None = None


class RunUntil(_Message, tag="run until"):
    """Start or resume, and pause as soon as a condition holds. If it is none, `Reply.column` says where."""

    id: Count
    client: Text
    condition: Text


class Pause(_Message, tag="pause"):
    """Pause after one last step that is read in full."""

    id: Count
    client: Text


class TakeSteps(_Message, tag="step"):
    """Take exactly `n` steps and pause."""

    id: Count
    client: Text
    n: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1


class Stop(_Message, tag="stop"):
    """End training."""

    id: Count
    client: Text


class SetSpeed(_Message, tag="speed"):
    """Steps a second at most; null for no limit."""

    id: Count
    client: Text
    steps_per_second: Annotated[float, msgspec.Meta(gt=0, le=1e6)] | None


class ReadValues(_Message, tag="read"):
    """The exact value at one place, for the readout: `Reply.values` has its text under the kind's name.

    `row` and `column` are those of a `Cell`.
    """

    id: Count
    client: Text
    layer: Text
    step: StepOrNewest
    sample: Count
    tensor: Kind
    row: Count
    column: Count
    variable: Text | None = None
    output: Count = 0
    at: Annotated[dict[Text, Count], msgspec.Meta(max_length=16)] = {}
    complex: ComplexPart = "abs"
    order: Order | None = None
    compare: Count | None = None
    run: Shown = "first"
    branch: Text | None = None
    beside: Text | None = None


class AddBreakpoint(_Message, tag="add breakpoint"):
    """Pause training whenever a condition holds. If it is none, `Reply.column` says where."""

    id: Count
    client: Text
    condition: Text
    for_steps: Count = 1
    """At how many steps in a row it must hold."""
    once: bool = False
    """Whether it is removed after its first hit."""


class ChangeBreakpoint(_Message, tag="change breakpoint"):
    """Switch a breakpoint, or take it out of the list."""

    id: Count
    client: Text
    number: Count
    to: Literal["enabled", "disabled", "removed"]


class Complete(_Message, tag="complete"):
    """What may stand at a place of a condition that is being typed: answered with `Reply.completion`."""

    id: Count
    client: Text
    condition: Text
    cursor: Count
    """The index of the character before which the cursor stands, as in `Completion`."""


class PlanRewind(_Message, tag="plan"):
    """What going back to a step would be: answered with `Reply.plan`, and nothing is done."""

    id: Count
    client: Text
    step: Count
    branch: Text | None = None
    """Null is the current one."""


class Rewind(_Message, tag="rewind"):
    """Go back to where the session was after a step, as in `session.rewind`."""

    id: Count
    client: Text
    step: Count
    branch: Text | None = None
    state_only: bool = False


Index = Annotated[list[Count], msgspec.Meta(max_length=8)]
"""A place in a tensor: an index for each axis."""


class Edit(_Message, tag="edit"):
    """Change something between two steps, as `session.edit` does; `weights` sets the kernel, or a neuron of it."""

    id: Count
    client: Text
    name: Literal[
        "learning_rate",
        "batch_size",
        "trainable",
        "dropout",
        "weights",
        "reinitialize",
        "hyperparameter",
        "class_weight",
    ]
    value: float | bool | None = None
    layer: Text | None = None
    neuron: Count | None = None
    variable: Text | None = None
    index: Index | None = None
    """The place of a single weight."""
    hyperparameter: Text | None = None
    class_weight: Annotated[dict[Text, float], msgspec.Meta(max_length=1000)] | None = None
    """Numbers of classes, as text, to weights."""


class TryWeight(_Message, tag="try"):
    """What the loss of the last batch would be with another weight: answered with `Reply.tried`; nothing is changed."""

    id: Count
    client: Text
    layer: Text
    variable: Text
    index: Index
    value: float


class ReadVariables(_Message, tag="variables"):
    """All variables with their statistics, as `session.variables`: answered with `Reply.variables`."""

    id: Count
    client: Text


class Undo(_Message, tag="undo"):
    """Take back the last edit that was made since the last step."""

    id: Count
    client: Text


class ReadSettings(_Message, tag="settings"):
    """What may be edited, as it is now: answered with `Reply.settings`."""

    id: Count
    client: Text
    layer: Text


class FetchAnnex(_Message, tag="annex"):
    """What the front end loads only when it is first asked for. The buffer of the reply is the script, UTF-8."""

    id: Count
    client: Text


ClientMessage = (
    Ready
    | Gone
    | Watch
    | Ack
    | Run
    | RunUntil
    | Pause
    | TakeSteps
    | Stop
    | SetSpeed
    | ReadValues
    | AddBreakpoint
    | ChangeBreakpoint
    | Complete
    | PlanRewind
    | Rewind
    | Edit
    | Undo
    | TryWeight
    | ReadVariables
    | ReadSettings
    | FetchAnnex
)

# --- from Python ----------------------------------------------------------------------------------------------------


class Candidate(msgspec.Struct, frozen=True):
    """One way to go on in a condition."""

    text: str
    sort: str
    """What it is: a name, a metric, a function, a layer, a kind, a word or a sign."""


class Completion(msgspec.Struct, frozen=True):
    """All ways to go on, each in the place of the characters from `start` to before `end`.

    Characters are code points, as Python counts them.
    """

    start: int
    end: int
    candidates: list[Candidate]


class Plan(msgspec.Struct, frozen=True):
    """What going back will be."""

    step: int
    branch: str
    again: int
    """How many steps are taken again."""
    exact: bool
    """Whether all will be as it was, bit by bit; else the data are not, and begin their epoch anew."""
    remarks: list[str]
    """What to know of it, in sentences."""


class Settings(msgspec.Struct, frozen=True):
    """What may be edited; null is what cannot, or what the layer does not have."""

    learning_rate: float | None
    batch_size: int | None
    trainable: bool | None
    dropout: float | None
    hyperparameters: dict[str, float | None] = {}
    """Of the optimizer, besides the learning rate; null is one that is turned off."""
    class_weight: dict[str, float] | None = None
    """Weights of the classes by their number, as the next epoch has them."""
    weights: dict[str, list[int]] = {}
    """The variables of the layer with their shapes, the kernel first."""


class Tried(msgspec.Struct, frozen=True):
    """The loss of the last batch, as it is and with another weight; not a number is null.

    `value` is the weight as it is.
    """

    before: float | None
    after: float | None
    value: float | None


class VariableRow(msgspec.Struct, frozen=True):
    """One variable; numbers are text, as they are shown."""

    path: str
    variable: str
    shape: str
    dtype: str
    trainable: bool
    mean: str
    std: str
    norm: str
    n_nonfinite: int
    slots: str


class Reply(_Message, tag="reply"):
    """The one answer to a client message that carried `id`."""

    client: str
    id: int
    ok: bool
    error: str | None = None
    values: dict[str, str] | None = None
    column: int | None = None
    """Of a text that is no condition: where, counted in characters from 1."""
    completion: Completion | None = None
    plan: Plan | None = None
    settings: Settings | None = None
    tried: Tried | None = None
    variables: list[VariableRow] | None = None


class LayerEntry(msgspec.Struct, frozen=True):
    """A row of the layer list."""

    path: str
    name: str
    class_name: str
    summary: str
    """The shape in words: `Dense 784 → 128`."""
    n_neurons: int
    n_params: int
    n_samples: int
    """How many rows of the batch keep their activations."""
    tensors: list[Kind]
    """The kinds that can be read."""
    reasons: dict[str, str]
    """For the other kinds: why not."""
    variables: list[str] = []
    """Whose weights can be read; the first one stands for the layer unless one is called `kernel`."""
    outputs: list[str] = []
    """Names of the outputs of a layer that has several."""
    together: str = ""
    """What several variables are called that are drawn in one picture where none is chosen: `all`, or their names.

    Empty where one of them is drawn."""


class Layers(_Message, tag="layers"):
    """All layers, in call order. Sent to every client when the model is first known and when it changes."""

    layers: list[LayerEntry]


class Dimension(msgspec.Struct, frozen=True):
    """One axis of the tensor that lies along a side of the picture; the last one in a list varies fastest."""

    name: str
    size: int
    labels: list[str] = []
    """Names of its indices, such as the gates of an LSTM; empty where they are numbers."""


class Further(msgspec.Struct, frozen=True):
    """An axis that does not lie on the picture, and at which of its indices the picture is."""

    name: str
    size: int
    index: int
    labels: list[str] = []


class Value(msgspec.Struct, frozen=True):
    """The exact value at a place of a picture, as text; empty in a gap or outside of the tensor."""

    row: int
    column: int
    text: str


class Plane(msgspec.Struct, frozen=True):
    """The header of one heatmap in a frame. Its cells are the buffer at `buffer`, row by row.

    The picture of a tensor is a matrix of `full_rows` x `full_cols` values, pooled by whole factors to `rows` x
    `cols` cells. Along each side lie the tensor's axes (`row_axes`, `col_axes`); where a side has two axes or
    more and `gutter` is set, one gutter cell follows each run of the last axis.
    """

    tensor: Kind
    variable: str | None
    dtype: str
    shape: list[int]
    axes: list[str]
    row_axes: list[Dimension]
    col_axes: list[Dimension]
    gutter: bool
    full_rows: int
    full_cols: int
    rows: int
    cols: int
    row_factor: int
    col_factor: int
    neuron_cols: int
    """Columns of the full picture per neuron, gutter included; 0 if columns are not neurons."""
    reduce: Literal["none", "absmax", "max"]
    encoding: Literal["bf16", "f32"]
    buffer: int
    """Index into the message's buffers; -1 if there is nothing to draw, and then `missing` says why."""
    missing: str | None
    note: str | None
    """What a reader must know, such as "with respect to the logits"."""
    low: float | None
    """Smallest finite value of the whole tensor; null if there is none."""
    high: float | None
    clip_low: float | None
    """First percentile of the finite cells that are drawn (of a sample, if they are many).

    Where one of two runs is drawn the smaller one of both, and `clip_high` the greater: they are on one scale."""
    clip_high: float | None
    """99th percentile."""
    n_nan: int
    n_posinf: int
    n_neginf: int
    value: Value | None = None
    """What is at the cell that the request named."""
    output: int = 0
    part: Part = "map"
    row_start: int = 0
    """The first row and column of the full picture that is drawn, and how many of them: all, or the window."""
    col_start: int = 0
    shown_rows: int = 0
    shown_cols: int = 0
    further: list[Further] = []
    """The axes that do not lie on the picture, but for the samples'."""
    compared: int | None = None
    """The step whose values were taken off, if any."""
    other: int | None = None
    """Of a difference of two runs, where `compared` is the first one's: the step of the second, as that counts."""
    histogram: list[int] = []
    """Counts of finite values in bins of equal width from `low` to `high` (of a sample, if they are many). Empty while
    it runs."""
    first_bad: Cell | None = None
    """Where in the full picture the first value is that is not finite."""


class Column(msgspec.Struct, frozen=True):
    """One line of the timeline, of a health strip or of the neuron panel."""

    name: str
    layer: str | None
    """The layer's path for a health strip or a neuron; null for a metric."""
    n: int
    x_buffer: int
    """Index of the buffer with the steps, float64, `n` of them."""
    y_buffer: int
    """Index of the buffer with the values, float32; NaN is a gap."""
    run: int = 0
    """1 for the second of two runs; its steps are where they lie between those of the first. Of a session the place of
    the branch in `Debugging.branches`."""


class Neuron(msgspec.Struct, frozen=True):
    """What a frame tells of one neuron in numbers, beside the planes of its parts."""

    index: int
    weighted: float | None = None
    """The sum of what it is fed of the sample, each value times its weight; null where it has no such sum."""
    bias: float | None = None
    weights_step: int | None = None
    """The step of the weights in it: the one before the frame's, with which its activation was computed, if they are
    kept."""
    lines: list[Column] | None = None
    """How it changed over the steps: `weights_l2`, `gradients_l2`, `activations_mean`. Null in most frames while it
    runs: then the ones before are still good."""


class Frame(_Message, tag="frame"):
    """All visible heatmaps of one layer at one step."""

    client: str
    seq: int
    layer: str
    step: int
    newest: bool
    """Whether this is the newest step (and not one that the cursor asked for)."""
    sample: int
    labels: list[str]
    """The target of each kept sample in words, empty if there is none."""
    planes: list[Plane]
    acknowledge: bool = False
    """Whether the client must send an `Ack` of it once it, or a later frame, is painted."""
    nth: int = 0
    """How many frames have left for the client since it was ready, with this one: a gap tells that some were lost."""
    order_buffer: int = -1
    """Index of the buffer with the neuron at each place, int32, where the neurons are sorted; -1 where they are not."""
    neuron: Neuron | None = None
    """Null where no part of one was asked for."""


class Event(msgspec.Struct, frozen=True):
    """A mark on the timeline."""

    step: int
    name: Literal["epoch", "weights_averaged", "no_update", "breakpoint", "notice"]
    text: str


class NonFinite(msgspec.Struct, frozen=True):
    """How many values of a tensor are NaN or infinite."""

    tensor: Kind
    variable: str | None
    count: int
    size: int | None
    """Of how many; null where that is not known."""


class Health(msgspec.Struct, frozen=True):
    """The newest figures of one layer for its row in the list; null where they are not known."""

    layer: str
    gradient_l2: float | None
    update_ratio: float | None
    dead_share: float | None
    non_finite: list[NonFinite]
    """The tensors that are not finite; empty if all is well."""


class Series(_Message, tag="series"):
    """The whole run so far, thinned so that it fits a screen; minima and maxima are kept."""

    first_step: int
    last_step: int
    columns: list[Column]
    events: list[Event]
    health: list[Health]


class Notice(_Message, tag="notice"):
    """A sentence for the person, shown until dismissed."""

    level: Literal["info", "warning", "error"]
    text: str


ServerMessage = Reply | Layers | Frame | Series | Notice

# --- traits ---------------------------------------------------------------------------------------------------------


class Failure(msgspec.Struct, frozen=True):
    """Why a session failed, with the user's own traceback."""

    title: str
    traceback: str


class BreakpointEntry(msgspec.Struct, frozen=True):
    """A row of the list of breakpoints."""

    number: int
    condition: str
    told: str
    """How it stands in a few words."""
    enabled: bool
    hits: int
    broken: str | None
    """Why it could not be answered when it was asked last."""
    guard: bool
    """Whether it pauses training before the update of a step."""
    for_steps: int
    """At how many steps in a row it must hold."""
    once: bool
    """Whether it is removed after its first hit."""


class BranchEntry(msgspec.Struct, frozen=True):
    """One future of a training."""

    name: str
    parent: str | None
    step: int
    """The last step that it shares with its parent."""
    last_step: int


class JournalEntry(msgspec.Struct, frozen=True):
    """An edit."""

    step: int
    """The step after which it was made."""
    branch: str
    text: str
    undone: bool


class Debugging(msgspec.Struct, frozen=True):
    """How the debugger of a session stands."""

    breakpoints: list[BreakpointEntry]
    paused_by: str | None
    """The condition that has paused training."""
    refused: int | None
    """The step that it has refused: it was computed and can be looked at, and is still to be taken."""
    branches: list[BranchEntry]
    """In the order of their beginnings."""
    branch: str
    """The one in which the session stands."""
    rewinds: bool
    """Whether it can go back, and be edited, at all: a `fit` of the user's cannot."""
    journal: list[JournalEntry]
    """The newest edits, the oldest of them first."""
    n_to_undo: int
    """How many of them can be taken back."""


class Status(msgspec.Struct, frozen=True):
    """How the session stands: the `_status` trait of the Inspector."""

    name: str
    source: Literal["session", "recording", "inspection", "comparison"]
    state: Literal["idle", "running", "paused", "finished", "failed"]
    step: int
    total_steps: int | None
    epoch: int
    """0-based."""
    epochs: int
    batch: int
    steps_per_epoch: int | None
    logs: dict[str, float | None]
    steps_per_second: float | None
    watch_cost: float | None
    """The share of the training time that watching takes, 0.03 for 3 %."""
    speed: float | None
    activity: str | None
    """What takes long just now ("building the model", "validating"), if anything."""
    failure: Failure | None
    samples: int
    stopped: bool
    """Whether a person ended training before its last step."""
    controls: bool
    """Whether what a page says can reach the session now; a `fit` that blocks its cell must first hear from a page."""
    runs: list[str] = []
    """What the two runs of a comparison are called; empty of any other source."""
    debugging: Debugging | None = None
    """Null where there is no session."""


# --- reading --------------------------------------------------------------------------------------------------------


def parse_client_message(content: object) -> Any:
    """Return the `ClientMessage` that `content` is.

    Raises:
        msgspec.ValidationError: If a field is missing, unknown, of the wrong type or out of bounds; the message
            names the field.
    """
    return msgspec.convert(content, type=ClientMessage, strict=True)
