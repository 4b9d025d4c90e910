"""Batches of any structure: training is `fit`'s, and what is read has the structure of what was given."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from tests.core import networks
from tests.core.backends import structures
from tests.core.backends.structures import STRUCTURES
from tests.core.backends.test_parity import assert_same, fitted, watched
from tests.core.networks import BATCH_SIZE


@pytest.mark.parametrize("name", STRUCTURES)
def test_K13_any_structure_of_a_batch_trains_as_in_fit(name: str) -> None:
    """Everything is read at every second step."""
    make = STRUCTURES[name]
    assert_same(watched(make(), Probe(every=2), epochs=2), fitted(make(), epochs=2))


def test_K13_ragged_rows_are_padded_for_the_view() -> None:
    with structures.ragged().session(probe=Probe(every=1)) as session:
        session.step()
        recording = session.recording
        assert recording.tensor("embedding", "activations").shape == (BATCH_SIZE, 5, 3)
        assert recording.tensor("embedding", "gradients").shape == (9, 3)
        x, y, weight = session.batch
        expected = networks.sentences()[:BATCH_SIZE]
        assert [list(row) for row in x] == [[token for token in row if token] for row in expected.tolist()]
        assert y.shape == (BATCH_SIZE, 1)
        assert weight is None
        assert [text for _, name, text in recording.events if name == "notice"] == []


def test_K13_sparse_rows_are_given_back_dense() -> None:
    with structures.sparse().session(probe=Probe(every=1)) as session:
        session.step()
        x, _, _ = session.batch
        values = np.where(networks.features() > 0.8, networks.features(), 0)[:BATCH_SIZE]
        np.testing.assert_array_equal(x, values)
        expected = values @ session.recording.tensor("out", "weights", 0)
        np.testing.assert_allclose(session.recording.tensor("out", "activations"), expected, rtol=1e-5, atol=1e-6)
        assert [text for _, name, text in session.recording.events if name == "notice"] == []


def test_K13_batch_and_targets_keep_their_structure() -> None:
    with structures.nested_outputs().session(shuffle=False) as session:
        session.step()
        x, y, _ = session.batch
        assert x.shape == (BATCH_SIZE, 5)
        assert [part.shape[1] for part in y["pair"]] == [2, 1]
        assert y["third"].shape == (BATCH_SIZE, 3)
    with structures.without_targets().session() as session:
        session.step()
        assert session.batch[1] is None
        assert session.batch_loss == pytest.approx(session.logs["loss"])
