"""The names and meanings that users' notebooks rely on."""

from __future__ import annotations

import inspect
import re
import sys

import numpy as np
import pytest

import nnviz_widgets as nnviz
from nnviz_widgets.errors import WrongArguments

NAMES = [
    "BackendMissing",
    "Branch",
    "Branches",
    "Breakpoint",
    "Breakpoints",
    "Capsule",
    "Cursor",
    "DataPanel",
    "Entry",
    "FrontEndMissing",
    "InspectCallback",
    "Inspection",
    "Inspector",
    "InvalidArgumentError",
    "Journal",
    "LayerInfo",
    "LayerNotFound",
    "Manifest",
    "ModelAttached",
    "NnvizError",
    "NotACapsule",
    "NotACondition",
    "NotARecording",
    "NotClonable",
    "NotFailed",
    "NotResumable",
    "NothingToUndo",
    "PostMortem",
    "Privacy",
    "Probe",
    "ProtocolError",
    "Record",
    "Recording",
    "RecordingClosed",
    "RecordingDamaged",
    "RecordingNotWritable",
    "ReplayNotExact",
    "RewindPlan",
    "Scaling",
    "ScriptNotPossible",
    "SessionBusy",
    "SessionClosed",
    "Snapshots",
    "StepReport",
    "TensorNotRecorded",
    "TensorTooLarge",
    "TensorUnavailable",
    "Trace",
    "TrainingSession",
    "WhatIf",
    "compare",
    "export_html",
    "inspect",
    "list_recordings",
    "normalize",
    "open_capsule",
    "open_recording",
    "options",
    "read_manifest",
    "standardize",
]

MEMBERS = {
    "TrainingSession": (
        "run pause step stop wait close save resume speed state step_index epoch batch_index logs batch_loss history "
        "model batch error recording cursor inspector variables trace step_into post_mortem capsules"
    ),
    "Recording": "layers steps tensor tensor_steps why vitals neurons metrics figure save to_tensorboard",
    "Inspector": "PANELS source recording cursor show_static",
    "Cursor": "layer layer_index step neuron sample follow",
}

PARAMETERS = {
    "LayerInfo": "path name class_name output_shape variables n_params neuron_axis n_neurons",
    "StepReport": "step epoch batch batch_loss logs updates seconds",
    "InspectCallback": "record probe",
    "Privacy": "include",
    "Probe": "layers kinds every samples data budget replica",
    "DataPanel": "x y scaling feature_names",
    "Inspector": "source panels cursor follow",
    "compare": "a b by names panels",
    "export_html": "source path layers steps kinds max_bytes title privacy",
    "read_manifest": "path",
    "list_recordings": "folder",
    "open_capsule": "path",
    "open_recording": "path follow",
    "Record": "path dtype quota overflow",
    "inspect": "model x y loss",
    "Recording.tensor": "self layer kind step variable call output",
    "Recording.tensor_steps": "self layer kind",
    "Recording.why": "self layer kind",
    "Recording.vitals": "self layer kind variable",
    "Recording.neurons": "self layer kind statistic",
    "Recording.to_tensorboard": "self logdir",
    "TrainingSession.run": "self until",
    "TrainingSession.step": "self n",
    "TrainingSession.wait": "self timeout",
    "TrainingSession.inspector": "self panels",
    "TrainingSession.step_into": "self layer debugger",
    "TrainingSession.post_mortem": "self debugger",
}


def find(name):
    """Return what a dotted name means in the package."""
    found = nnviz
    for attribute in name.split("."):
        found = getattr(found, attribute)
    return found


def test_exported_names():
    assert sorted(nnviz.__all__) == sorted([*NAMES, "__version__"])
    assert [name for name in nnviz.__all__ if not hasattr(nnviz, name)] == []


@pytest.fixture(scope="module")
def session():
    """A session that was never run, on the smallest network there is."""
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with nnviz.TrainingSession(model, np.zeros((4, 2)), np.zeros((4, 1)), batch_size=2) as session:
        yield session


@pytest.mark.parametrize(("name", "members"), MEMBERS.items())
def test_members(name, members, session):
    made = (session, session.recording, session.cursor, session.inspector())
    (instance,) = [value for value in made if isinstance(value, find(name))]
    assert [member for member in members.split() if not hasattr(instance, member)] == []


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_parameters_begin_with_the_contract(name, parameters):
    named = parameters.split()
    assert list(inspect.signature(find(name)).parameters)[: len(named)] == named


def test_figures(session):
    assert [
        name for name in ("metrics", "histogram", "heatmap", "vitals") if not hasattr(session.recording.figure, name)
    ] == []


def test_every_public_object_has_a_docstring():
    assert [name for name in NAMES if not (getattr(nnviz, name).__doc__ or "").strip()] == []


def test_session_takes_every_argument_of_fit():
    """In Keras' order, so that `model.fit(...)` becomes a session by changing the name."""
    import keras

    of_fit = [name for name in inspect.signature(keras.Model.fit).parameters if name != "self"]
    of_session = [name for name in inspect.signature(nnviz.TrainingSession).parameters if name in of_fit]
    assert of_session == of_fit


def test_errors_are_also_what_a_user_would_catch():
    caught = {
        "BackendMissing": ImportError,
        "FrontEndMissing": RuntimeError,
        "InvalidArgumentError": ValueError,
        "LayerNotFound": LookupError,
        "ModelAttached": RuntimeError,
        "NotACapsule": ValueError,
        "NotACondition": ValueError,
        "NotARecording": ValueError,
        "NotClonable": RuntimeError,
        "NotFailed": RuntimeError,
        "NotResumable": ValueError,
        "NothingToUndo": RuntimeError,
        "ProtocolError": ValueError,
        "RecordingClosed": RuntimeError,
        "RecordingDamaged": OSError,
        "RecordingNotWritable": OSError,
        "ReplayNotExact": RuntimeError,
        "ScriptNotPossible": RuntimeError,
        "SessionBusy": RuntimeError,
        "SessionClosed": RuntimeError,
        "TensorNotRecorded": LookupError,
        "TensorTooLarge": LookupError,
        "TensorUnavailable": LookupError,
    }
    assert set(caught) == {name for name in NAMES if is_our_error(name)}
    assert [name for name, builtin in caught.items() if not issubclass(find(name), builtin)] == []


NAMESPACES = {"Editor", "Session", "Settings"}
"""What a member of a session returns that is asked for something else, and is the session's own."""


def test_what_a_session_returns_and_raises_can_be_named():
    ours = {
        name
        for path, module in sys.modules.items()
        if path.startswith(("nnviz_widgets.core.", "nnviz_widgets.errors")) and ".backends." not in path
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == path
    }
    named = set()
    for name in dir(nnviz.TrainingSession):
        member = inspect.getattr_static(nnviz.TrainingSession, name)
        function = getattr(member, "fget", None) or getattr(member, "__func__", member)
        if name.startswith("_") or not getattr(function, "__module__", "").startswith("nnviz_widgets"):
            continue
        raises = re.search(r"Raises:\n(.*?)(\n\n|\Z)", function.__doc__ or "", re.DOTALL)
        named |= set(re.findall(r"\w+", str(inspect.signature(function).return_annotation)))
        named |= set(re.findall(r"^ *(\w+):", raises[1], re.MULTILINE)) if raises else set()
    assert {"Branches", "Entry", "NothingToUndo", "RewindPlan"} <= named & ours, "it does look"
    assert sorted((named & ours) - set(nnviz.__all__) - NAMESPACES) == []


def is_our_error(name):
    """Return whether `name` is an error class below the root."""
    value = find(name)
    return isinstance(value, type) and issubclass(value, nnviz.NnvizError) and value is not nnviz.NnvizError


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda x: nnviz.standardize(x, axes=0), "axis"),
        (lambda x: nnviz.normalize(x, axes=0), "axis"),
        (lambda x: nnviz.DataPanel(x, scalling=None), "scaling"),
        (lambda x: nnviz.inspect(None, x, sample_weights=None), "sample_weight"),
    ],
)
def test_a_misspelt_argument_is_named_with_the_one_that_was_meant(call, meant):
    with pytest.raises(WrongArguments, match=rf"Did you mean `{meant}`\?"):
        call([[1.0], [2.0]])
