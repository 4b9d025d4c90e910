"""Record a short real training run for the demo page: `python demo/record.py DIGITS.npz OUTPUT_FOLDER`.

The digits are an `npz` file with `x` (uint8, n x 28 x 28) and `y`. Writes `mlp.json` and `cnn.json`: the messages
that a kernel would send, the cells in base64. Gradients are a plain `GradientTape`'s; nothing here uses a training
session.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import msgspec
import numpy as np
import tensorflow as tf

from nnviz_widgets.core.frame import Frame, TensorKey
from nnviz_widgets.pictures.picture import Look, picture

if TYPE_CHECKING:
    import numpy.typing as npt

BATCH = 32
EPOCHS = 5
SAMPLES = 16
KEPT = {1, 25, 50, 100, 150, 200, 250, 300, 350, 400, 412}
AXES = {
    ("Dense", "weights"): (("in", "neuron"), 1),
    ("Dense", "activations"): (("sample", "neuron"), 1),
    ("Conv2D", "weights"): (("y", "x", "in", "filter"), 3),
    ("Conv2D", "activations"): (("sample", "y", "x", "filter"), 3),
}


def mlp() -> keras.Model:
    """Return the model of the visual target."""
    layers = [keras.layers.Dense(128, activation="relu", name="hidden"), keras.layers.Dense(10, name="digits")]
    return keras.Sequential([keras.Input((784,)), *layers])


def cnn() -> keras.Model:
    """Return a small convolutional network."""
    return keras.Sequential([
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="edges"),
        keras.layers.Conv2D(16, 3, strides=2, activation="relu", name="parts"),
        keras.layers.Flatten(name="flat"),
        keras.layers.Dense(10, name="digits"),
    ])  # fmt: skip


def _base64(array: npt.NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _planes(layer: keras.layers.Layer, step: int, kind: str, array: npt.NDArray[Any]) -> list[dict[str, Any]]:
    """Return the picture of one tensor, or one for each sample."""
    family = "weights" if kind in ("weights", "gradients") else "activations"
    axes, neuron_axis = AXES[type(layer).__name__, family]
    one_per_sample = family == "activations" and array.ndim > 2
    found = []
    for sample in range(array.shape[0]) if one_per_sample else [0]:
        made = picture(Frame(TensorKey(layer.name, kind), step, array, axes, neuron_axis), look=Look(sample))
        plane, cells = made.draw(1024, 1024, "bf16", thorough=True)
        found.append({
            "layer": layer.name,
            "step": step,
            "sample": sample if one_per_sample else None,
            "plane": msgspec.to_builtins(plane),
            "cells": base64.b64encode(cells).decode(),
        })  # fmt: skip
    return found


def _entry(layer: keras.layers.Layer) -> dict[str, Any]:
    drawn = hasattr(layer, "kernel")
    kinds = ["weights", "activations", "gradients", "activation_gradients"]
    sizes = f"{layer.kernel.shape[-2]} → {layer.kernel.shape[-1]}" if drawn else ""
    return {
        "path": layer.name,
        "name": layer.name,
        "class_name": type(layer).__name__,
        "summary": f"{type(layer).__name__} {sizes}".rstrip(),
        "n_neurons": int(layer.kernel.shape[-1]) if drawn else 0,
        "n_params": layer.count_params(),
        "n_samples": SAMPLES,
        "tensors": kinds if drawn else [],
        "variables": ["kernel"] if drawn else [],
        "outputs": [],
        "reasons": {} if drawn else dict.fromkeys(kinds, f"a {type(layer).__name__} layer has no variables"),
    }


def record(model: keras.Model, x: npt.NDArray[Any], y: npt.NDArray[Any], n_steps: int) -> dict[str, Any]:
    """Train `model` for `n_steps` batches and return the run."""
    layers = [layer for layer in model.layers if hasattr(layer, "kernel")]
    optimizer = keras.optimizers.Adam(1e-3)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    planes: list[dict[str, Any]] = []
    losses, accuracies, norms, right, seen = [], [], {layer.name: [] for layer in layers}, 0, 0
    health: dict[str, tuple[float, float, float]] = {}
    for layer in layers:
        planes += _planes(layer, 0, "weights", layer.kernel.numpy())
    for step in range(1, n_steps + 1):
        start = (step - 1) * BATCH % len(x)
        batch, target = x[start : start + BATCH], y[start : start + BATCH]
        with tf.GradientTape() as tape:
            value, outputs = tf.convert_to_tensor(batch), {}
            for layer in model.layers:
                value = layer(value)
                outputs[layer.name] = value
            loss = loss_of(target, value)
        variables = model.trainable_variables
        gradients = tape.gradient(loss, [*variables, *outputs.values()])
        before = {layer.name: layer.kernel.numpy() for layer in layers}
        optimizer.apply_gradients(zip(gradients[: len(variables)], variables, strict=True))
        by_variable = dict(zip([id(each) for each in variables], gradients, strict=False))
        by_layer = dict(zip(outputs, gradients[len(variables) :], strict=True))
        right, seen = (0, 0) if start == 0 else (right, seen)
        right, seen = right + int((value.numpy().argmax(1) == target).sum()), seen + len(batch)
        losses.append(float(loss))
        accuracies.append(right / seen)
        for layer in layers:
            gradient = by_variable[id(layer.kernel)].numpy()
            norms[layer.name].append(float(np.linalg.norm(gradient)))
            if step not in KEPT:
                continue
            output = outputs[layer.name].numpy()
            planes += _planes(layer, step, "weights", layer.kernel.numpy())
            planes += _planes(layer, step, "gradients", gradient)
            planes += _planes(layer, step, "activations", output[:SAMPLES])
            planes += _planes(layer, step, "activation_gradients", by_layer[layer.name].numpy()[:SAMPLES])
            change = np.linalg.norm(layer.kernel.numpy() - before[layer.name]) / np.linalg.norm(before[layer.name])
            dead = float((output.reshape(-1, output.shape[-1]) <= 0).all(0).mean()) if layer is not layers[-1] else 0.0
            health[layer.name] = (norms[layer.name][-1], float(change), dead)
    steps = _base64(np.arange(1, n_steps + 1, dtype=np.float64))
    lines = [("batch_loss", None, losses), ("accuracy", None, accuracies)]
    lines += [("gradient_l2", name, values) for name, values in norms.items()]
    per_epoch = -(-len(x) // BATCH)
    epoch = (n_steps - 1) // per_epoch
    labels = y[((n_steps - 1) * BATCH) % len(x) :][:SAMPLES]
    return {
        "status": {
            "name": "digits", "source": "session", "state": "paused", "step": n_steps,
            "total_steps": per_epoch * EPOCHS, "epoch": epoch, "epochs": EPOCHS,
            "batch": (n_steps - 1) % per_epoch, "steps_per_epoch": per_epoch,
            "logs": {"loss": float(np.mean(losses[epoch * per_epoch :])), "accuracy": accuracies[-1]},
            "steps_per_second": 612.0, "watch_cost": 0.03, "speed": None, "activity": None, "failure": None,
            "samples": SAMPLES,
        },
        "layers": [_entry(layer) for layer in model.layers],
        "labels": [str(label) for label in labels],
        "steps": steps,
        "lines": [
            {"name": name, "layer": layer, "values": _base64(np.asarray(values, np.float32))}
            for name, layer, values in lines
        ],
        "health": [
            {"layer": name, "gradient_l2": g, "update_ratio": u, "dead_share": d or None, "non_finite": []}
            for name, (g, u, d) in health.items()
        ],
        "planes": planes,
    }  # fmt: skip


def main(digits: str, folder: str) -> None:
    """Record both models into `folder`."""
    with np.load(digits) as data:
        x, y = data["x"].astype(np.float32) / 255, data["y"].astype(np.int64)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, build, inputs in (("mlp", mlp, x.reshape(len(x), -1)), ("cnn", cnn, x[..., None])):
        keras.utils.set_random_seed(0)
        run = record(build(), inputs, y, max(KEPT))
        Path(folder, f"{name}.json").write_bytes(msgspec.json.encode(run))


if __name__ == "__main__":
    main(*sys.argv[1:])
