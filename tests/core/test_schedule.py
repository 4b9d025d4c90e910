"""When tensors are read: as `every` says, or as often as the budget allows."""

from __future__ import annotations

import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.schedule import CostMeter, Schedule, Variant

STEP_S = 0.001


def taken(schedule: Schedule, n_steps: int, costs: dict[Variant, float]) -> list[Variant]:
    """Let time go by as if each step cost what its variant costs."""
    variants = []
    for step in range(1, n_steps + 1):
        variant = schedule.variant(step)
        assert schedule.last is variant
        schedule.meter.add(variant, costs[variant])
        variants.append(variant)
    return variants


def costs(vitals: float, full: float) -> dict[Variant, float]:
    """Return seconds a step, given how many times an unwatched step the readings take."""
    return {
        Variant.PLAIN: STEP_S,
        Variant.SENTINEL: STEP_S,
        Variant.VITALS: STEP_S * vitals,
        Variant.FULL: STEP_S * full,
    }


def test_no_layers_mean_the_plain_step() -> None:
    schedule = Schedule(Probe(layers=(), every=1))
    assert [schedule.variant(step) for step in (1, 2, 3)] == [Variant.PLAIN] * 3


def test_every_n_reads_at_the_multiples_and_watches_the_sentinel_between() -> None:
    schedule = Schedule(Probe(every=3))
    expected = [Variant.SENTINEL, Variant.SENTINEL, Variant.FULL] * 2
    assert [schedule.variant(step) for step in range(1, 7)] == expected


def test_no_kinds_mean_vitals() -> None:
    assert Schedule(Probe(kinds=(), every=1)).variant(1) is Variant.VITALS
    assert Schedule(Probe(kinds=(), budget=None)).variant(1) is Variant.VITALS


def test_function_of_the_step_decides() -> None:
    schedule = Schedule(Probe(every=lambda step: step in (2, 5)))
    assert [step for step in range(1, 8) if schedule.variant(step) is Variant.FULL] == [2, 5]


def test_unlimited_budget_reads_every_step() -> None:
    assert Schedule(Probe(budget=None)).variant(1) is Variant.FULL


def test_budget_of_nothing_reads_nothing() -> None:
    variants = taken(Schedule(Probe(budget=0)), 200, costs(1.3, 2.0))
    assert set(variants) == {Variant.SENTINEL}


@pytest.mark.parametrize("budget", [0.02, 0.05, 0.2])
@pytest.mark.parametrize("kinds", [("weights",), ()])
def test_budget_is_used_and_kept(budget: float, kinds: tuple[str, ...]) -> None:
    """What is spent over many steps is the budget, and never more."""
    schedule = Schedule(Probe(budget=budget, kinds=kinds))
    price = costs(1.5, 3.0)
    variants = taken(schedule, 4000, price)
    extra = sum(price[variant] - STEP_S for variant in variants)
    share = extra / sum(price[variant] for variant in variants)
    assert 0.8 * budget < share <= 1.05 * budget
    assert schedule.meter.share == pytest.approx(share, rel=0.2)
    if kinds:
        assert {Variant.VITALS, Variant.FULL} < set(variants)


def test_expensive_reading_comes_less_often_than_a_cheap_one() -> None:
    cheap = taken(Schedule(Probe(budget=0.05)), 2000, costs(1.1, 2.0)).count(Variant.FULL)
    dear = taken(Schedule(Probe(budget=0.05)), 2000, costs(1.1, 20.0)).count(Variant.FULL)
    assert 0 < dear < cheap / 5


def test_reading_that_costs_nothing_is_made_all_the_time() -> None:
    variants = taken(Schedule(Probe(budget=0.05)), 500, costs(1.0, 1.0))
    assert variants.count(Variant.FULL) > 400


def test_meter_leaves_out_the_step_that_traces_and_tames_a_stall() -> None:
    meter = CostMeter()
    meter.add(Variant.SENTINEL, 5.0)
    assert meter.base_s is None
    assert meter.share is None
    for _ in range(20):
        meter.add(Variant.SENTINEL, STEP_S)
    meter.add(Variant.VITALS, 5.0)
    assert meter.extra_s(Variant.VITALS) is None
    for _ in range(20):
        meter.add(Variant.VITALS, 2 * STEP_S)
    assert meter.extra_s(Variant.VITALS) == pytest.approx(STEP_S)
    meter.add(Variant.SENTINEL, 60.0)
    assert meter.base_s < 2 * STEP_S
