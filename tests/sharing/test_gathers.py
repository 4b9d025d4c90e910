"""A neuron's part taken from the picture of all neurons is the part that the live view is sent."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.protocol import GUTTER_BITS, MapRequest
from tests.sharing import runs
from tests.sharing.files import values
from tests.sharing.test_collect import live, opened, zoo_run  # noqa: F401  a fixture


def gathered(shared, gather, picture, neuron):
    """The patterns of a part as a page takes them."""
    cells = shared.cells(picture).ravel()
    places = shared.array(gather.map, "<i4")
    header = shared.document.headers[gather.header]
    moved = places + neuron * shared.document.headers[gather.picture].neuron_cols
    return np.where(places < 0, GUTTER_BITS, cells[moved]).reshape(header.rows, header.cols)


def assert_parts(shared, recording):
    """Compare each part of each neuron; returns the parts that there are."""
    found = set()
    for gather in shared.document.gathers:
        plane = shared.document.headers[gather.picture]
        for picture in shared.pictures(gather.layer, part=None):
            if picture.header != gather.picture:
                continue
            for neuron in range(plane.full_cols // plane.neuron_cols):
                request = MapRequest(tensor=gather.tensor, max_rows=999, max_cols=999, part=gather.part)
                wanted, bits = live(recording, gather.layer, picture.step, request, picture.sample or 0, neuron)
                assert shared.document.headers[gather.header].row_axes == wanted.row_axes
                assert np.array_equal(gathered(shared, gather, picture, neuron), bits)
                found.add((gather.layer, gather.tensor, gather.part))
    return found


def test_the_parts_of_dense_neurons():
    recording = runs.run(2)
    assert assert_parts(opened(recording), recording) == {
        *((layer, kind, "incoming") for layer in ("hidden", "digits") for kind in ("weights", "gradients")),
        *((layer, "activations", "samples") for layer in ("flatten", "hidden", "digits")),
    }


def test_the_parts_of_filters_and_of_a_normalization(zoo_run):  # noqa: F811
    assert assert_parts(opened(zoo_run), zoo_run) == {
        ("conv", "weights", "incoming"),
        ("conv", "gradients", "incoming"),
        ("conv", "activations", "output"),
        ("conv", "activations", "samples"),
        ("norm", "weights", "incoming"),
        ("norm", "gradients", "incoming"),
    }


def test_the_weights_of_a_neuron_are_the_image_that_it_was_fed():
    shared = opened(runs.run(1))
    (gather,) = [each for each in shared.document.gathers if (each.layer, each.tensor) == ("hidden", "weights")]
    header = shared.document.headers[gather.header]
    assert (header.rows, header.cols) == (runs.SIDE, runs.SIDE)


@pytest.mark.parametrize("privacy", [None])
def test_of_a_pooled_picture_there_are_no_parts_and_it_says_why(privacy):
    shared = opened(runs.run(1, known=runs.catalogue(n_hidden=300, side=20)), privacy=privacy)
    (why,) = shared.pictures("hidden", "weights", part="incoming")
    assert "is pooled" in shared.document.headers[why.header].missing
    assert [gather.layer for gather in shared.document.gathers] == []


def test_a_batch_of_another_size_has_a_map_of_its_own():
    recording = runs.run(1)
    known = recording.catalogue
    recording.add_step(2, 0, 1, {"loss": 1.0, "batch_loss": 1.0})
    recording.add_tensors(2, runs.arrays_at(known, 2, n_samples=3))
    shared = opened(recording)
    samples = [each for each in shared.document.gathers if (each.layer, each.part) == ("hidden", "samples")]
    assert sorted(shared.array(each.map, "<i4").size for each in samples) == [3, 12]
    assert assert_parts(shared, recording)


def test_the_mean_over_places_is_a_picture_of_its_own(zoo_run):  # noqa: F811
    shared = opened(zoo_run)
    (picture,) = shared.pictures("conv", part="samples", step=1)
    wanted = zoo_run.tensor("conv", "activations", 1).mean(axis=(1, 2), dtype="f8")
    assert np.allclose(values(shared.cells(picture)), wanted, rtol=1e-2, atol=1e-3)
