"""Targets in words."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.core.labels import labels_of


@pytest.mark.parametrize(
    ("targets", "labels"),
    [
        (None, ()),
        (np.array(3), ()),
        (np.array([3, 1, 2]), ("3", "1")),
        (np.array([[3], [1], [2]]), ("3", "1")),
        (np.array([True, False]), ("True", "False")),
        (np.array([0.5, 1e-9]), ("0.5", "1e-09")),
        (np.eye(3, dtype="float32")[[2, 0, 1]], ("2", "0")),
        (np.array([[0, 1, 1], [1, 0, 0]]), ()),
        (np.array([[0.1, 0.9], [1.0, 0.0]]), ()),
        (np.zeros((2, 3, 4)), ()),
        (np.array(["a", "b"]), ()),
        (np.zeros((0,)), ()),
        (np.zeros((0, 3)), ()),
        (np.array([1]), ("1",)),
    ],
)
def test_targets_are_said_for_the_first_samples(targets: np.ndarray | None, labels: tuple[str, ...]) -> None:
    assert labels_of(targets, 2) == labels
