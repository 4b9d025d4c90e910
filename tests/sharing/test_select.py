"""What a person means by layers and steps."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey, TensorSpec
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.errors import InvalidArgumentError
from nnviz_widgets.sharing.select import chosen_steps

KEY = TensorKey("d", "weights", "kernel")
KEPT = (0, 7, 48, 103, 149, 200)


@pytest.fixture
def recording() -> Recording:
    recording = Recording()
    layer = LayerInfo("d", "d", "Dense", (None, 2), ("kernel",), 4, 1, 2)
    recording.set_catalogue(Catalogue((layer,), (TensorSpec(KEY, (2, 2), "float32", ("in", "neuron"), 1),)))
    for step in KEPT:
        recording.add_tensors(step, {KEY: np.zeros((2, 2), np.float32)})
    return recording


@pytest.mark.parametrize(
    ("steps", "chosen"),
    [
        (None, KEPT),
        (-1, (200,)),
        ([7, 0], (0, 7)),
        (range(201), KEPT),
        (range(0, 200, 50), (0, 48, 48, 149)),
        (range(1, 201, 50), (48, 149)),
        (range(200, -1, -100), (0, 48, 200)),
        (range(100, 150), (103, 149)),
    ],
)
def test_of_a_range_the_newest_kept_step_at_each_of_its_steps_is_meant(recording, steps, chosen):
    assert chosen_steps(recording, steps, 200) == tuple(sorted(set(chosen)))


@pytest.mark.parametrize("steps", [range(8, 40), range(0), [3], 201])
def test_what_is_not_kept_is_refused(recording, steps):
    with pytest.raises(InvalidArgumentError, match="`steps` must be steps of which tensors are kept"):
        chosen_steps(recording, steps, 200)
