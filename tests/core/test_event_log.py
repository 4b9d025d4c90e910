"""Events are told in the order of happening, and a million of them take no more room than some hundreds."""

import gc
import re
import tracemalloc

import pytest

from nnviz_widgets.core.event_log import EventLog
from nnviz_widgets.core.idle_runs import MAX_IDLE_RUNS


def log_of(steps, n_epoch=0):
    """Log that these steps updated nothing, with the end of an epoch after every `n_epoch` steps."""
    log = EventLog()
    for step in steps:
        log.add(step, "no_update", f"step {step} updated no variable")
        if n_epoch and step % n_epoch == 0:
            log.add(step, "epoch", f"end of epoch {step // n_epoch}")
    return log


def test_steps_in_a_row_that_updated_nothing_are_one_event():
    assert log_of([3, 4, 5, 9]).events() == (
        (3, "no_update", "steps 3 to 5 updated no variable"),
        (9, "no_update", "step 9 updated no variable"),
    )


def test_another_event_between_does_not_break_a_row():
    assert log_of([1, 2, 3, 4], n_epoch=2).events() == (
        (1, "no_update", "steps 1 to 4 updated no variable"),
        (2, "epoch", "end of epoch 1"),
        (4, "epoch", "end of epoch 2"),
    )


@pytest.mark.parametrize("accumulated", [2, 3])
def test_K12_a_long_run_that_accumulates_gradients_stays_small_and_every_sentence_is_true(accumulated):
    idle = [step for step in range(1, 100_001) if step % accumulated]
    log = log_of(idle)
    events = log.events()
    assert MAX_IDLE_RUNS // 2 <= len(events) <= MAX_IDLE_RUNS
    assert log.n_bytes < 100_000
    starts = [step for step, _, _ in events]
    assert starts[0] == 1
    assert starts == sorted(set(starts))
    n_meant, first, last = map(int, re.findall(r"\d+", events[0][2]))
    assert n_meant == sum(first <= step <= last for step in idle) > 1
    assert events[0][2] == f"{n_meant} of the steps {first} to {last} updated no variable"


def skipped(log, steps, scale=2.0**40):
    """Log that each of these steps was skipped, at half the loss scale of the one before."""
    for step in steps:
        log.add(step, "no_update", f"step {step} skipped: non-finite gradients, loss scale {scale:g} -> {scale / 2:g}")
        scale /= 2


def test_K11_steps_in_a_row_that_were_skipped_are_told_each_with_its_loss_scale():
    log = EventLog()
    log.add(30, "no_update", "step 30 updated no variable")
    skipped(log, [31, 32], 32768)
    log.add(33, "no_update", "step 33 updated no variable")
    assert log.events() == (
        (30, "no_update", "step 30 updated no variable"),
        (31, "no_update", "step 31 skipped: non-finite gradients, loss scale 32768 -> 16384"),
        (32, "no_update", "step 32 skipped: non-finite gradients, loss scale 16384 -> 8192"),
        (33, "no_update", "step 33 updated no variable"),
    )


def test_K11_very_many_skipped_steps_are_thinned_and_every_sentence_is_true():
    log = EventLog()
    skipped(log, range(1, 1001))
    events = log.events()
    assert MAX_IDLE_RUNS // 2 <= len(events) <= MAX_IDLE_RUNS
    n_joined = len(re.findall(r"steps \d+ to \d+ updated no variable", " ".join(text for *_, text in events)))
    n_alone = sum(text.startswith(f"step {step} skipped:") for step, _, text in events)
    assert n_joined + n_alone == len(events)
    assert n_alone >= MAX_IDLE_RUNS // 2, "the newest stand alone"
    assert log.n_bytes < 100_000


def test_what_is_counted_is_what_python_takes():
    log = EventLog()
    gc.collect()
    tracemalloc.start()
    try:
        for step in range(1000, 4000):
            log.add(step, "notice", f"something of step {step}")
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert log.n_bytes == pytest.approx(taken, rel=0.25)
