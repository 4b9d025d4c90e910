"""A tensor that stays on its device until it is asked for: read once, in part, or refused for its size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnviz_widgets.core import deferred as deferred_module
from nnviz_widgets.core.deferred import MAX_COPY_BYTES, Deferred
from nnviz_widgets.core.frame import TensorKey
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.tensor_store import ARRAY_BYTES, STEP_BYTES
from nnviz_widgets.errors import InvalidArgumentError, TensorNotRecorded, TensorTooLarge
from tests.core.catalogues import dense

KERNEL = TensorKey("dense", "weights", "kernel")
VALUES = np.arange(12, dtype=np.float32).reshape(4, 3)


class Device:
    """Memory that counts how often it is read, and what."""

    def __init__(self, values: np.ndarray = VALUES) -> None:
        self.values = values
        self.asked: list[Any] = []

    def __call__(self, index: Any) -> np.ndarray:
        self.asked.append(index)
        return self.values[index].copy()


def recorded(tensor: Any) -> Recording:
    recording = Recording()
    recording.set_catalogue(dense(4, 3))
    recording.add_tensors(0, {KERNEL: tensor})
    return recording


def huge(device: Any) -> Deferred:
    """4 GiB of float32, if anybody fetched it."""
    return Deferred((1 << 15, 1 << 15), np.float32, device)


def test_nothing_is_read_before_it_is_asked_for_and_then_once() -> None:
    device = Device()
    recording = recorded(Deferred((4, 3), np.float32, device))
    assert recording.tensor_steps("dense", "weights", "kernel").tolist() == [0]
    assert recording.kept_step(KERNEL) == 0
    assert device.asked == []
    np.testing.assert_array_equal(recording.tensor("dense", "weights"), VALUES)
    array = recording.tensor("dense", "weights")
    assert device.asked == [...]
    assert not array.flags.writeable


def test_a_part_fetches_no_more() -> None:
    device = Device()
    recording = recorded(Deferred((4, 3), np.float32, device))
    np.testing.assert_array_equal(recording.tensor("dense", "weights", part=np.s_[1:3, 0]), VALUES[1:3, 0])
    assert device.asked == [np.s_[1:3, 0]]
    recording.tensor("dense", "weights")
    recording.tensor("dense", "weights", part=np.s_[0])
    assert device.asked == [np.s_[1:3, 0], ...]


def test_a_part_of_an_array() -> None:
    np.testing.assert_array_equal(recorded(VALUES).tensor("dense", "weights", part=np.s_[:, 1]), VALUES[:, 1])


@pytest.mark.parametrize("part", [np.s_[1:3], [2, 0], np.s_[[1], [0]], VALUES > 1, (0, 0)], ids=str)
@pytest.mark.parametrize("read", [False, True])
@pytest.mark.parametrize("deferred", [False, True])
def test_a_part_is_read_only_however_it_is_named(part: Any, deferred: bool, read: bool) -> None:
    held = Deferred(VALUES.shape, VALUES.dtype, lambda index: VALUES[index]) if deferred else VALUES
    recording = recorded(held)
    if read:
        recording.tensor("dense", "weights")
    found = recording.tensor("dense", "weights", part=part)
    np.testing.assert_array_equal(found, VALUES[part])
    with pytest.raises(ValueError, match="read-only"):
        found[...] = 0


def test_its_memory_counts_as_if_it_was_read() -> None:
    recording = recorded(Deferred((4, 3), np.float32, Device()))
    before = recording.n_bytes
    assert before == STEP_BYTES + ARRAY_BYTES + VALUES.nbytes
    recording.tensor("dense", "weights")
    assert recording.n_bytes == before
    recording.add_tensors(0, {KERNEL: VALUES.copy()})
    assert recording.n_bytes == before


def test_K18_four_gigabytes_are_refused_before_the_fetch_with_what_can_be_read() -> None:
    device = Device(np.broadcast_to(np.float32(2), (1 << 15, 1 << 15)))
    recording = recorded(huge(device))
    with pytest.raises(TensorTooLarge) as caught:
        recording.tensor("dense", "weights")
    assert device.asked == []
    assert "shape (32768, 32768) of float32, 4.29 GB" in str(caught.value)
    assert 'recording.tensor("dense", "weights", variable="kernel", part=np.s_[:100])' in str(caught.value)
    assert recording.tensor("dense", "weights", variable="kernel", part=np.s_[:2, :3]).tolist() == [[2, 2, 2]] * 2
    assert recording.n_bytes == STEP_BYTES + ARRAY_BYTES


def test_K18_what_was_not_even_kept_offers_its_statistics() -> None:
    recording = recorded(huge(None))
    for part in (None, np.s_[:2]):
        with pytest.raises(TensorTooLarge, match=r"recording\.vitals\(\"dense\", \"weights\", variable=\"kernel\"\)"):
            recording.tensor("dense", "weights", part=part)
    assert issubclass(TensorTooLarge, TensorNotRecorded)


def test_the_limit_itself_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Deferred((MAX_COPY_BYTES,), np.int8, Device()).readable
    assert not Deferred((MAX_COPY_BYTES + 1,), np.int8, Device()).readable
    monkeypatch.setattr(deferred_module, "MAX_COPY_BYTES", 47)
    assert not Deferred((4, 3), np.float32, Device()).readable


def test_text_is_refused_as_of_an_array() -> None:
    with pytest.raises(InvalidArgumentError, match="numeric"):
        recorded(Deferred((2,), "U3", Device()))
