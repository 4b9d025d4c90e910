"""The script and the README of a capsule: plain Keras, so that whoever gets it needs nothing of ours."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnviz_widgets.core.capsule_contents import Contents

_MAKE = '''\
def make_model():
    """Return the model as it was, not compiled."""
    return keras.models.model_from_json((FOLDER / "model.json").read_text(encoding="utf-8"))
'''
_FILL_MAKE = '''\
def make_model():
    """FILL IN: return the model as your code makes it. There is no model.json: $why_not."""
    raise NotImplementedError("make_model: return the model as your code makes it")
'''
_COMPILE = '''\
def compile_model(model):
    """Compile the model as it was."""
    model.compile_from_config(json.loads((FOLDER / "compile.json").read_text(encoding="utf-8")))
'''
_FILL_COMPILE = '''\
def compile_model(model):
    """FILL IN: compile the model as your code does. There is no compile.json: $why_not."""
    raise NotImplementedError("compile_model: call model.compile as your code does")
'''

_SCRIPT = Template('''\
"""Repeats step $step of the training of $name, at which values were not finite any more.

$why

It needs keras and tensorflow, and the files beside it. Run it: python reproduce.py
It ends with 0 if the values are not finite here, too.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

FOLDER = Path(__file__).parent
FACTS = json.loads((FOLDER / "capsule.json").read_text(encoding="utf-8"))
BATCH = np.load(FOLDER / "batch.npz")
STATE = np.load(FOLDER / "state.npz")


$make

$compile

def array(stored, name):
    """Return a stored array; numpy knows the bytes of bfloat16 and the like, but not their name."""
    value, dtype = stored[name], FACTS["dtypes"][name]
    return value.view(tf.as_dtype(dtype).as_numpy_dtype) if value.dtype.kind == "V" else value


def batch(part):
    """Put the batch together as the training had it."""
    if part is None:
        return None
    if "dict" in part:
        return {key: batch(value) for key, value in part["dict"].items()}
    if "list" in part:
        return [batch(value) for value in part["list"]]
    if "tuple" in part:
        return tuple(batch(value) for value in part["tuple"])
    if "ragged" in part:
        splits = [array(BATCH, name) for name in part["splits"]]
        return tf.RaggedTensor.from_nested_row_splits(array(BATCH, part["ragged"]), splits)
    if "sparse" in part:
        return tf.SparseTensor(**{key: array(BATCH, name) for key, name in part["sparse"].items()})
    return tf.constant(array(BATCH, part["array"]))


def put_back(model):
    """Give the model and its optimizer all values that they had before the step."""
    optimizer = model.optimizer
    if optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)
    lists = [(model.variables, FACTS["model_variables"])]
    lists += [(optimizer.variables, FACTS["optimizer_variables"])] if optimizer is not None else []
    for variables, names in lists:
        for variable, name in zip(variables, names, strict=True):
            if name is not None:
                variable.assign(array(STATE, name))


FOUND = []


def look(what, name, value):
    """Note a tensor whose values are not all finite."""
    for tensor in tf.nest.flatten(value, expand_composites=True):
        tensor = tf.convert_to_tensor(tensor)
        if tensor.dtype.is_floating and not bool(tf.reduce_all(tf.math.is_finite(tensor))):
            n_nan = int(tf.reduce_sum(tf.cast(tf.math.is_nan(tensor), tf.int32)))
            n_inf = int(tf.reduce_sum(tf.cast(tf.math.is_inf(tensor), tf.int32)))
            print(f"{what} of {name}: {n_nan} NaN and {n_inf} Inf among {int(tf.size(tensor))} values")
            FOUND.append((what, name))


def watch(model):
    """Look at each output of a layer, and at each gradient that an optimizer is given."""
    for layer in model._flatten_layers(include_self=False):
        def call(*args, _call=layer.call, _name=layer.name, **kwargs):
            outputs = _call(*args, **kwargs)
            look("output", _name, outputs)
            return outputs

        object.__setattr__(layer, "call", call)

    def apply(grads, trainable_variables=None, _apply=getattr(model.optimizer, "apply", None)):
        grads = list(grads)
        variables = list(trainable_variables or model.optimizer._trainable_variables)
        for gradient, variable in reversed(list(zip(grads, variables))):
            if gradient is not None:
                look("gradient", variable.path, tf.convert_to_tensor(gradient))
        return _apply(grads, variables)

    if model.optimizer is not None:
        object.__setattr__(model.optimizer, "apply", apply)


def main():
    """Take the step once."""
    model, data = make_model(), batch(FACTS["batch"])
    if not model.compiled:
        compile_model(model)
    if not model.built:
        model(data[0] if isinstance(data, tuple) else data)
    put_back(model)
    watch(model)
    logs = model.train_step(data)
    for name, value in logs.items():
        look("loss" if name == "loss" else "metric", name, value)
    print("\\nThe training said:", FACTS["why"])
    if not FOUND:
        print("Here, every value is finite.")
    sys.exit(0 if FOUND else 1)


if __name__ == "__main__":
    main()
''')

_README = Template("""\
# Step $step of the training of $name

**This folder holds training data**: the very batch of this step, and weights that were trained on all of them. Give it
only to somebody who may see both.

$why

| file | what |
| --- | --- |
$files

Read it with `nnviz_widgets.open_capsule(path)`, which needs no TensorFlow, or repeat the step with
`python reproduce.py`, which needs only Keras with TensorFlow.$fill

Random numbers that the step draws elsewhere than from seed generators of the model are others there.

Written with $versions. Opening it runs no code of it; `reproduce.py` is to be read before it is run, as any script.
""")


def script(facts: Mapping[str, Any], contents: Contents) -> str:
    """Return `reproduce.py`."""
    make = _MAKE if contents.model.text is not None else _filled(_FILL_MAKE, contents.model.why_not)
    compiled = _COMPILE if contents.compiled.text is not None else _filled(_FILL_COMPILE, contents.compiled.why_not)
    return _SCRIPT.substitute(
        step=facts["step"], name=_plain(facts["model"]), why=_plain(facts["why"]), make=make, compile=compiled
    )


def readme(facts: Mapping[str, Any], contents: Contents) -> str:
    """Return `README.md`, which names what is in the folder."""
    files = {
        "`batch.npz`": f"the batch of the step, {len(contents.batch)} arrays: training data",
        "`state.npz`": f"all {len(contents.state)} variables before the step, of optimizer and metrics too",
        "`model.json`": "the model's configuration" if contents.model.text else f"not there: {contents.model.why_not}",
        "`compile.json`": "what it was compiled with"
        if contents.compiled.text
        else f"not there: {contents.compiled.why_not}",
        "`capsule.json`": "where and how it went wrong, and how the arrays belong together",
        "`reproduce.py`": "repeats the step in plain Keras",
    }
    missing = [
        f"`{function}`"
        for function, source in (("make_model", contents.model), ("compile_model", contents.compiled))
        if source.text is None
    ]
    return _README.substitute(
        step=facts["step"],
        name=facts["model"],
        why=facts["why"],
        files="\n".join(f"| {name} | {_plain(what).replace('|', '/')} |" for name, what in files.items()),
        fill=f" Fill in {' and '.join(missing)} in it first." if missing else "",
        versions=", ".join(f"{name} {version}" for name, version in facts["versions"].items()),
    )


def _filled(function: str, why_not: str) -> str:
    return Template(function).substitute(why_not=_plain(why_not))


def _plain(text: str) -> str:
    """Return a text that ends no string of Python's around it."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())
