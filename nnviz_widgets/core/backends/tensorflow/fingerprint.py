"""What a compiled step was made for, so that a change of the model between two runs is seen and said in words.

TensorFlow would take the old step without a word: it holds the variables, layers and optimizer that it was traced with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.core.backends.tensorflow.tree import Entry

_MOST_SENTENCES = 5


@dataclass(frozen=True, slots=True)
class _LayerMark:
    """One layer as it was. The objects themselves are kept, since the id of one that is gone may be another's."""

    layer: Any
    variables: tuple[Any, ...]
    trainable: tuple[bool, ...]
    quantization: str | None
    lora: bool


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The model as a step was traced with it.

    Attributes:
        compiled: What `compile` makes anew.
        options: What it was told of the way to run the step.
        layers: Path to layer.
    """

    compiled: tuple[Any, ...]
    options: tuple[bool, bool]
    layers: dict[str, _LayerMark]

    @classmethod
    def of(cls, model: Any, entries: Sequence[Entry]) -> Fingerprint:
        """Take the fingerprint of `model` as it stands, `entries` being its layers."""
        return cls(
            (getattr(model, "optimizer", None), model._compile_loss, model._compile_metrics),
            (bool(model.jit_compile), bool(model.run_eagerly)),
            {entry.path: _mark(entry) for entry in entries},
        )

    def compiled_anew(self, now: Fingerprint) -> bool:
        """Whether somebody has called `compile` since."""
        return self.options != now.options or not _same(self.compiled, now.compiled)

    def changes(self, now: Fingerprint) -> list[str]:
        """Say what is otherwise `now`: sentences, none if the step still fits the model."""
        found = []
        if self.compiled_anew(now):
            found.append("the model was compiled anew")
        found += [f"{path!r} was added" for path in now.layers if path not in self.layers]
        found += [f"{path!r} was removed" for path in self.layers if path not in now.layers]
        for path, mark in self.layers.items():
            if path in now.layers and (sentence := _change(path, mark, now.layers[path])):
                found.append(sentence)
        n_more = len(found) - _MOST_SENTENCES
        return found if n_more <= 1 else [*found[:_MOST_SENTENCES], f"{n_more} more changes"]


def _mark(entry: Entry) -> _LayerMark:
    variables = tuple(entry.variables.values())
    return _LayerMark(
        entry.layer,
        variables,
        tuple(bool(variable.trainable) for variable in variables),
        getattr(entry.layer, "quantization_mode", None),
        bool(getattr(entry.layer, "lora_enabled", False)),
    )


def _same(ours: tuple[Any, ...], theirs: tuple[Any, ...]) -> bool:
    return len(ours) == len(theirs) and all(one is other for one, other in zip(ours, theirs, strict=True))


def _change(path: str, mark: _LayerMark, now: _LayerMark) -> str | None:
    """Return in words how a layer changed; the first of several reasons, since one brings the others about."""
    if mark.layer is not now.layer:
        return f"{path!r} is another layer"
    if mark.quantization != now.quantization:
        return f"{path!r} now runs quantized_call ({now.quantization})"
    if mark.lora != now.lora:
        return f"{path!r} has a LoRA adapter now"
    if not _same(mark.variables, now.variables):
        return f"{path!r} has other variables"
    if mark.trainable != now.trainable:
        return f"{path!r} is {_trainable(now.trainable)} now"
    return None


def _trainable(flags: tuple[bool, ...]) -> str:
    return "trainable" if all(flags) else "trainable in part" if any(flags) else "frozen"
