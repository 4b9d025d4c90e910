"""Steps of two runs belong together by their number, or by their place within an epoch."""

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz_widgets.core.alignment import STEPS, Epochs, align, epochs_of
from nnviz_widgets.core.recording import Recording


@st.composite
def runs(draw, most=30):
    """Epochs of any length, from any number and any step on."""
    lengths = draw(st.lists(st.integers(1, most), min_size=1, max_size=5))
    first, begin = draw(st.integers(0, 3)), draw(st.integers(0, 50))
    bounds = tuple(accumulate(lengths, initial=begin))
    return Epochs(tuple(range(first, first + len(lengths))), bounds, draw(st.booleans()))


def whole(*lengths, first=0, begin=0):
    """Epochs that are all over."""
    return Epochs(tuple(range(first, first + len(lengths))), tuple(accumulate(lengths, initial=begin)), over=True)


steps = st.integers(0, 400)


@given(runs(), runs(), steps)
def test_by_step_a_step_is_that_of_the_same_number(own, other, step):
    alignment = align(own, other, "step")
    assert (alignment.to_other(step), alignment.to_own(step)) == (step, step)
    assert alignment.onto_own(np.array([step])).tolist() == [step]


@given(runs(), runs(), steps, st.integers(-2, 2))
def test_by_epoch_what_one_had_done_when_the_other_was_there_is_the_same_from_either_side(own, other, s, beside):
    alignment = align(own, other, "epoch")
    t = max(0, alignment.to_other(s) + beside)
    # A run that began later than epoch 0 has nothing for what came before it.
    if alignment.to_other(s) > 0 and alignment.to_own(t) > 0:
        assert (alignment.to_own(t) <= s) == (t <= alignment.to_other(s))


@given(runs(), runs(), steps, steps)
def test_by_epoch_who_goes_on_comes_no_less_far(own, other, s, more):
    alignment = align(own, other, "epoch")
    assert alignment.to_other(s) <= alignment.to_other(s + more)
    assert alignment.to_own(s) <= alignment.to_own(s + more)


@given(runs(), runs(), steps)
def test_a_line_lies_where_its_steps_belong(own, other, step):
    alignment = align(own, other, "epoch")
    (at,) = alignment.onto_own(np.array([step]))
    assert alignment.to_own(step) == pytest.approx(max(0, np.ceil(at - 1e-6)))


@given(runs())
def test_a_run_beside_itself_is_where_it_is(run):
    alignment = align(run, run, "epoch")
    inside = range(run.bounds[0], run.bounds[-1] + 1)
    assert [alignment.to_other(step) for step in inside] == list(inside)
    assert [alignment.to_own(step) for step in inside] == list(inside)


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=5))
def test_by_epoch_ends_of_epochs_meet(lengths):
    own, other = whole(*(one for one, _ in lengths)), whole(*(two for _, two in lengths))
    alignment = align(own, other, "epoch")
    for mine, theirs in zip(own.bounds, other.bounds, strict=True):
        assert (alignment.to_other(mine), alignment.to_own(theirs)) == (theirs, mine)


def test_by_epoch_batches_of_half_the_size_take_twice_the_steps():
    alignment = align(whole(10, 10), whole(20, 20), "epoch")
    assert [alignment.to_other(step) for step in (0, 1, 5, 10, 15, 20, 25)] == [0, 2, 10, 20, 30, 40, 50]
    assert [alignment.to_own(step) for step in (0, 1, 2, 3, 21, 40)] == [0, 1, 1, 2, 11, 20]
    assert alignment.onto_own(np.array([0, 1, 3, 40, 44])).tolist() == [0, 0.5, 1.5, 20, 22]


def test_by_epoch_a_run_that_went_on_from_another_lies_behind_it():
    alignment = align(whole(10, 10, 10, 10), whole(10, 10, first=2, begin=20), "epoch")
    assert [alignment.to_other(step) for step in (20, 33)] == [20, 33]
    renumbered = align(whole(10, 10, 10, 10), whole(10, 10, first=2), "epoch")
    assert [renumbered.to_other(step) for step in (5, 20, 33)] == [0, 0, 13]
    assert renumbered.to_own(13) == 33


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (Epochs((0, 1), (0, 10, 13), over=False), 20 + 6),  # as long as the one before it
        (Epochs((0, 1), (0, 10, 13), over=True), 20 + 20),
        (Epochs((0, 1), (0, 2, 13), over=False), 20 + 20),  # never shorter than it is already
    ],
)
def test_by_epoch_one_that_has_not_ended(own, expected):
    assert align(own, whole(20, 20), "epoch").to_other(13) == expected


def test_by_epoch_a_first_one_that_has_not_ended_is_as_long_as_the_others():
    alignment = align(Epochs((0,), (0, 3), over=False), whole(20), "epoch")
    assert alignment.to_other(3) == 3
    both = align(Epochs((0,), (0, 3), over=False), Epochs((0,), (0, 7), over=False), "epoch")
    assert both.to_other(3) == 3


def test_before_a_first_step_steps_are_what_they_are():
    alignment = align(epochs_of(Recording()), whole(3), "epoch")
    assert (alignment.own, alignment.other) == (STEPS, STEPS)


def recorded(*epochs, ended=None, first_step=1):
    """A recording with the epoch of each step."""
    recording = Recording()
    for step, epoch in enumerate(epochs, first_step):
        recording.add_step(step, epoch, 0, {"loss": 1.0})
        if step == ended:
            recording.add_event(step, "epoch", "end of an epoch")
    return recording


@pytest.mark.parametrize(
    ("recording", "expected"),
    [
        (recorded(0, 0, 0, 1, 1), Epochs((0, 1), (0, 3, 5), over=False)),
        (recorded(0, 0, 0, 1, 1, ended=5), Epochs((0, 1), (0, 3, 5), over=True)),
        (recorded(0, 0, ended=1), Epochs((0,), (0, 2), over=False)),
        (recorded(3, 3, 4, first_step=31), Epochs((3, 4), (30, 32, 33), over=False)),
        (recorded(0, 0, 1, 0, 0, 1), Epochs((0, 1, 2, 3), (0, 2, 3, 5, 6), over=False)),
    ],
)
def test_what_a_recording_knows_of_its_epochs(recording, expected):
    assert epochs_of(recording) == expected
