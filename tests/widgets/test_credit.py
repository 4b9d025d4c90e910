"""How many frames may be on their way to a page."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz_widgets.protocol import MAX_FRAME_BYTES, MAX_UNACKNOWLEDGED
from nnviz_widgets.widgets.credit import LONGEST_BURST, PROMPT_S, Credit

SMALL = 1000


def send(credit, seqs, n_bytes=SMALL, now=0.0):
    """Launch frames while there is credit, and return those that ask for an acknowledgement and those that do not."""
    asked, silent = [], []
    for seq in seqs:
        if not credit.left:
            break
        (asked if credit.launch(seq, n_bytes, now, last=False) else silent).append(seq)
    return asked, silent


def grown():
    """Return the credit of a page that always kept up, and the number of its last frame."""
    credit = Credit()
    seq = 0
    for _ in range(10 * LONGEST_BURST):
        seq += 1
        if credit.launch(seq, SMALL, 0.0, last=False):
            credit.acknowledge(seq, 0.01)
    return credit, seq


def test_C03_a_page_that_never_answers_gets_two():
    assert send(Credit(), range(1, 50)) == ([1, 2], [])


def test_a_page_that_keeps_up_is_asked_ever_less_often():
    credit = Credit()
    asked = []
    for seq in range(1, 200):
        if credit.launch(seq, SMALL, 0.0, last=False):
            asked.append(seq)
            credit.acknowledge(seq, PROMPT_S)
    gaps = [later - seq for seq, later in itertools.pairwise(asked)]
    assert gaps[:6] == [2, 4, 8, 16, 32, 32]


def test_a_page_that_falls_behind_is_asked_each_time():
    credit, seq = grown()
    (first, _), _ = send(credit, range(seq + 1, seq + 500))
    credit.acknowledge(first, PROMPT_S + 0.01)
    asked, silent = send(credit, range(seq + 500, seq + 600))
    assert (asked, silent) == ([seq + 500], [])


def test_large_frames_are_never_sent_in_bursts():
    credit, seq = grown()
    assert send(credit, range(seq + 1, seq + 50), MAX_FRAME_BYTES)[1] == []


@pytest.mark.parametrize("now", [0.0, 10.0])
def test_the_last_frame_is_always_acknowledged(now):
    credit, seq = grown()
    assert credit.launch(seq + 1, SMALL, now, last=True)


def test_what_was_lost_is_forgotten_together_with_the_trust():
    credit, seq = grown()
    send(credit, range(seq + 1, seq + 500))
    assert credit.used
    credit.reset()
    assert not credit.used
    assert send(credit, range(1, 50)) == ([1, 2], [])


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("send"), st.integers(0, 2 * MAX_FRAME_BYTES), st.booleans()),
            st.tuples(st.just("ack"), st.integers(0, 300), st.booleans()),
            st.tuples(st.just("wait"), st.integers(0, 1000), st.booleans()),
        ),
        max_size=300,
    )
)
def test_C02_whatever_is_answered_never_more_than_two_are_owed(actions):
    credit, seq, now = Credit(), 0, 0.0
    owed, unasked = set(), 0
    for action, number, flag in actions:
        if action == "wait":
            now += number / 1000
        elif action == "ack":
            credit.acknowledge(number, now)
            if number in owed:
                owed = {later for later in owed if later > number}
        elif credit.left:
            seq += 1
            if credit.launch(seq, number, now, last=flag):
                owed.add(seq)
                unasked = 0
            else:
                unasked += 1
        assert credit.left == (len(owed) < MAX_UNACKNOWLEDGED)
        assert credit.used == bool(owed)
        assert unasked < LONGEST_BURST
