"""A model that was made under a distribution strategy: its step as Keras runs it there, on each replica a share.

Trained weights are the same on all replicas; moving statistics are each replica's own, and read as Keras reads them.
What flows through the layers differs, and Keras would return the mean over replicas, of rows that belong to different
samples. So layers are read on one replica, if the probe names it, and there exactly: what is noted on the thread on
which the strategy traces or runs that replica.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from keras import tree
from keras.src.backend.tensorflow.trainer import reduce_per_replica

from nnviz_widgets.core.backends.tensorflow.reasons import LEFT_OUT_BY_PROBE, Reasons, explain_all
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.core.backends.tensorflow.taps import Taps
    from nnviz_widgets.core.backends.tensorflow.tree import Entry
    from nnviz_widgets.core.frame import Catalogue, Kind

_PER_REPLICA: tuple[Kind, ...] = ("activations", "gradients", "activation_gradients")


def has_strategy(model: Any) -> bool:
    """Whether `model` was made under a distribution strategy, if only one of a single replica."""
    return getattr(model, "_distribute_strategy", None) is not None


def n_replicas(model: Any) -> int:
    """Return on how many replicas `model` is trained."""
    return int(model.distribute_strategy.num_replicas_in_sync)


def reads_layers(model: Any, replica: int | None) -> bool:
    """Whether more than weights is read: there is one replica, or the probe names one."""
    return replica is not None or n_replicas(model) == 1


def check_replicas(model: Any, replica: int | None) -> None:
    """Refuse strategies that spread over processes, and a replica that there is not.

    Args:
        model: A Keras model.
        replica: What the probe names.

    Raises:
        InvalidArgumentError: The message says what is possible.
    """
    strategy, n = model.distribute_strategy, n_replicas(model)
    if n > 1 and not isinstance(strategy, tf.distribute.MirroredStrategy):
        raise InvalidArgumentError(
            "Several replicas must be those of a tf.distribute.MirroredStrategy, which trains in one process. "
            f"Received: {n} replicas of a {type(strategy).__name__}. Build the model under one of those, or under none."
        )
    if replica is not None and replica >= n:
        among = f"among the {n} replicas of the model" if n > 1 else "0 or None: the model has one replica"
        use = f"0 to {n - 1}" if n > 1 else "0"
        raise InvalidArgumentError(f"`replica` of the probe must be {among}. Received: replica={replica}. Use {use}.")


def train_step(model: Any, taps: Taps, data: Any) -> Any:
    """Run the model's `train_step` on each replica and return the mean of its logs, as Keras does.

    Args:
        model: A Keras model made under a strategy.
        taps: Notes the replica that is read.
        data: The batch, in shares.
    """

    def on_each(share: Any) -> Any:
        with taps.on_replica(share):
            return model.train_step(share)

    strategy = model.distribute_strategy
    return reduce_per_replica(strategy.run(on_each, args=(data,)), strategy, "auto")


def weights_only(catalogue: Catalogue, chosen: Sequence[Entry], n: int) -> Catalogue:
    """Return the catalogue with the reasons why nothing but weights is read of a model on `n` replicas."""
    reason = f"{n} replicas: values would be averaged. Choose weights, or replica 0: Probe(replica=0)"
    reasons: Reasons = {(entry.path, kind): reason for entry in chosen for kind in _PER_REPLICA}
    for path in {layer.path for layer in catalogue.layers} - {entry.path for entry in chosen}:
        explain_all(path, LEFT_OUT_BY_PROBE, reasons)
    return replace(catalogue, reasons=MappingProxyType({**catalogue.reasons, **reasons}))


def of_replica(catalogue: Catalogue, replica: int, n: int) -> Catalogue:
    """Say with everything that is read on one of `n` replicas that it is."""
    said = f"replica {replica} of {n}"
    specs = tuple(
        replace(spec, note=f"{spec.note}, {said}" if spec.note else said) if spec.key.kind in _PER_REPLICA else spec
        for spec in catalogue.specs
    )
    return replace(catalogue, specs=specs)


def whole(batch: Any) -> Any:
    """Return a batch in one piece: the shares of all replicas, one after the other."""
    return tree.map_structure(_joined, batch)


def share(batch: Any, replica: int) -> Any:
    """Return a replica's share of a batch; all of one that is in one piece."""
    return tree.map_structure(lambda leaf: parts(leaf)[replica] if _is_spread(leaf) else leaf, batch)


def parts(value: Any) -> tuple[Any, ...]:
    """Return what a value of several replicas is made of, or the value alone: of a variable a copy each."""
    return tuple(value.values) if _is_spread(value) else (value,)


def _is_spread(value: Any) -> bool:
    return isinstance(value, tf.distribute.DistributedValues)


def _joined(leaf: Any) -> Any:
    if not _is_spread(leaf):
        return leaf
    if isinstance(leaf.values[0], tf.SparseTensor):
        return tf.sparse.concat(0, list(leaf.values))
    return tf.concat(list(leaf.values), 0)
