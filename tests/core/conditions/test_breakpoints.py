"""Breakpoints count what holds, whoever changes the list meanwhile, and whatever their conditions do."""

import math
import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz_widgets.core.conditions.breakpoint import Breakpoint
from nnviz_widgets.core.conditions.breakpoints import MAX_FOR_STEPS, Breakpoints, Needs, Outcome
from nnviz_widgets.core.conditions.condition import Condition
from nnviz_widgets.core.conditions.known import Known, check
from nnviz_widgets.core.lookup import Lookup
from nnviz_widgets.core.report import StepReport
from nnviz_widgets.errors import InvalidArgumentError, NotACondition, UnknownAttribute, WrongArguments
from tests.core.catalogues import dense
from tests.core.conditions.texts import Step


def at(loss=0.0, **more):
    """Make the values of a step with this loss."""
    return Step({"loss": loss, **more}, non_finite=not math.isfinite(loss))


@pytest.fixture
def breakpoints():
    return Breakpoints()


def test_a_breakpoint_is_hit_where_its_condition_holds(breakpoints):
    high = breakpoints.add("loss > 3")
    assert breakpoints.ask(1, at(2.0)) == Outcome()
    outcome = breakpoints.ask(2, at(4.0))
    assert outcome.hit is high
    assert breakpoints.ask(3, at(4.0)).hits == (high,)
    assert high.hits == 2


def test_all_that_hold_count_and_the_first_is_told(breakpoints):
    high, low, guard = breakpoints.add("loss > 3"), breakpoints.add("loss < 3"), breakpoints.add("nan or loss > 2")
    outcome = breakpoints.ask(1, at(4.0))
    assert outcome.hits == (high, guard)
    assert outcome.hit is high
    assert (high.hits, low.hits, guard.hits) == (1, 0, 1)


def test_guards_are_asked_before_the_update_and_the_others_after(breakpoints):
    high, guard = breakpoints.add("loss > 3"), breakpoints.add("nan or loss > 2")
    assert breakpoints.ask(1, at(4.0), "guards").hits == (guard,)
    assert high.hits == 0
    assert breakpoints.ask(1, at(4.0), "guards", without={guard}) == Outcome()
    assert breakpoints.ask(1, at(4.0), "others").hits == (high,)
    assert (high.hits, guard.hits) == (1, 1)


def test_a_condition_can_be_asked_to_hold_for_steps_in_a_row(breakpoints):
    high = breakpoints.add("loss > 3", for_steps=3)
    losses = [4.0, 4.0, 1.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    assert [breakpoints.ask(step, at(loss)).hit is high for step, loss in enumerate(losses, 1)] == [
        False, False, False, False, False, True, False, False, True, False,
    ]  # fmt: skip
    assert (high.hits, high.steps_held) == (2, 1)


@given(st.text("TF?!", max_size=60), st.integers(1, 4))
def test_hits_are_those_of_the_rows(answers, for_steps):
    breakpoints = Breakpoints()
    one = breakpoints.add("value > 0", for_steps=for_steps)
    values = {"T": 1.0, "F": -1.0, "?": None, "!": "no number"}
    hits = [bool(breakpoints.ask(step, Step({"value": values[a]})).hits) for step, a in enumerate(answers, 1)]
    rows = re.findall("T+", answers.replace("?", ""))
    assert one.hits == sum(hits) == sum(len(row) // for_steps for row in rows)
    assert (one.broken is not None) == (answers[-1:] == "!")


def test_steps_after_a_rewind_count_as_what_they_are_then(breakpoints):
    high = breakpoints.add("loss > 3", for_steps=3)
    assert [breakpoints.ask(step, at(4.0)).hit for step in (1, 2)] == [None, None]
    assert breakpoints.ask(2, at(4.0)).hit is None  # taken again
    assert high.steps_held == 2
    assert breakpoints.ask(2, at(1.0)).hit is None
    assert [breakpoints.ask(step, at(4.0)).hit for step in (3, 4)] == [None, None]
    assert breakpoints.ask(5, at(4.0)).hit is high
    assert [breakpoints.ask(step, at(4.0)).hit for step in (4, 5)] == [None, None]
    assert breakpoints.ask(6, at(4.0)).hit is high


def test_once_is_once(breakpoints):
    kept, once = breakpoints.add("loss > 3"), breakpoints.add("loss > 3", once=True)
    assert breakpoints.ask(1, at(4.0)).hits == (kept, once)
    assert list(breakpoints) == [kept]
    assert breakpoints.needs.others == (kept,)
    assert breakpoints.ask(2, at(4.0)).hits == (kept,)
    assert once.hits == 1


def test_the_list_can_be_changed(breakpoints):
    first, second, third = (breakpoints.add(f"loss > {n}") for n in range(3))
    breakpoints.remove(second)
    breakpoints.disable(3)
    assert [one.number for one in breakpoints] == [1, 3]
    assert not third.enabled
    assert breakpoints.ask(1, at(9.0)).hits == (first,)
    breakpoints.enable(third)
    breakpoints.remove(1)
    assert breakpoints.ask(2, at(9.0)).hits == (third,)
    breakpoints.clear()
    assert len(breakpoints) == 0
    assert breakpoints.needs == Needs()
    assert breakpoints.add("nan").number == 4


def test_a_disabled_breakpoint_begins_its_row_anew(breakpoints):
    high = breakpoints.add("loss > 3", for_steps=2)
    breakpoints.ask(1, at(9.0))
    breakpoints.enable(high)  # it is: nothing changes
    assert high.steps_held == 1
    breakpoints.disable(high)
    breakpoints.enable(high)
    assert breakpoints.ask(2, at(9.0)).hit is None
    assert breakpoints.ask(3, at(9.0)).hit is high


def test_the_needs_are_those_of_the_enabled(breakpoints):
    breakpoints.add("accuracy > 3 and max(dense.activations) > 1")
    guard = breakpoints.add("nan or l2(dense.gradients) > 1")
    needs = breakpoints.needs
    assert breakpoints.needs is needs
    assert needs.names == {"accuracy", "nan"}
    assert needs.tensors == {("max", "dense", "activations"), ("l2", "dense", "gradients")}
    assert needs.guards == (guard,)
    breakpoints.disable(guard)
    assert breakpoints.needs.names == {"accuracy"}
    assert breakpoints.needs.guards == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b: b.add("loss"), "loss is a number; compare it"),
        (lambda b: b.add(3), "`condition` must be a text"),
        (lambda b: b.add("nan", for_steps=0), "`for_steps` must be a whole number of steps from 1 to 1,000,000"),
        (lambda b: b.add("nan", for_steps=MAX_FOR_STEPS + 1), "for_steps=1000001"),
        (lambda b: b.add("nan", for_steps=1.5), "for_steps=1.5"),
        (lambda b: b.add("nan", for_steps=True), "for_steps=True"),
        (lambda b: b.add("nan", once=1), "`once` must be True or False. Received: once=1"),
        (lambda b: b.remove(7), "`breakpoint` must be one in the list, or its number. Received: 7; in the list: 1."),
        (lambda b: b.remove(True), "Received: True"),
        (lambda b: b.enable("nan"), "Received: 'nan'"),
        (lambda b: b.disable(Breakpoint(1, Condition("nan"))), "Received: <Breakpoint 1: nan, 0 hits>"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(breakpoints, change, said):
    breakpoints.add("loss > 3")
    with pytest.raises(InvalidArgumentError, match=re.escape(said)):
        change(breakpoints)
    assert [str(one.condition) for one in breakpoints] == ["loss > 3"]


def test_misspelt_words_are_refused(breakpoints):
    with pytest.raises(WrongArguments, match=r"`session\.breakpoints\.add` must get arguments that it takes"):
        breakpoints.add("nan", for_step=3)
    with pytest.raises(UnknownAttribute, match="pause_when_broken"):
        breakpoints.pause_when_brokn = True


def test_r03_an_unknown_name_is_refused_when_it_is_added():
    known = Known(Lookup(dense(4, 3)), ("accuracy",))
    breakpoints = Breakpoints(lambda condition: check(condition, known))
    with pytest.raises(NotACondition, match=r"'los' is not known; did you mean 'loss'\?"):
        breakpoints.add("los > 3")
    assert len(breakpoints) == 0
    breakpoints.add("accuracy > l2(dense.weights)")


def test_r03_a_condition_that_fails_is_marked_and_the_others_go_on(breakpoints):
    broken, high = breakpoints.add("accuracy > 3"), breakpoints.add("loss > 3")
    outcome = breakpoints.ask(7, at(4.0, accuracy="high"))
    assert outcome == Outcome((high,), (broken,))
    assert broken.broken == "step 7: accuracy is no number but a str"
    assert breakpoints.ask(8, at(4.0, accuracy="high")) == Outcome((high,), ())  # it is told once
    assert breakpoints.ask(9, at(1.0, accuracy=4.0)) == Outcome((broken,), ())
    assert broken.broken is None


def test_r03_a_function_that_raises_is_marked(breakpoints):
    step = at()
    step.report = StepReport(1, 0, 0, 0.0, {}, 1, 0.1)
    one = breakpoints.add(lambda report: report.logs["acuracy"] > 1)
    assert breakpoints.ask(1, step).broken == (one,)
    assert one.broken == "step 1: <lambda>(report) raised KeyError: 'acuracy'"


def test_r03_nan_is_marked_where_it_keeps_a_condition_from_holding(breakpoints):
    high, guarded = breakpoints.add("loss > 3"), breakpoints.add("loss > 3 or nan")
    outcome = breakpoints.ask(5, at(math.nan))
    assert outcome == Outcome((guarded,), (high,))
    assert high.broken == "step 5: loss is NaN, and a comparison with NaN is never true; add `or nan` to stop there"
    assert guarded.broken is None
    breakpoints.ask(6, at(1.0))
    assert high.broken is None


def test_r03_an_error_of_ours_breaks_no_training(breakpoints, caplog):
    class Wrong(Step):
        def number(self, name):
            raise LookupError("no row")

    one = breakpoints.add("loss > 3")
    assert breakpoints.ask(1, Wrong()).broken == (one,)
    assert one.broken == "step 1: LookupError: no row"
    assert "the condition of breakpoint 1 could not be answered" in caplog.text


def test_a_value_that_comes_later_breaks_nothing(breakpoints):
    one = breakpoints.add("val_loss > 3", for_steps=2)
    asked = [breakpoints.ask(step, at(val_loss=4.0 if step % 10 == 0 else None)) for step in range(1, 21)]
    assert [step for step, outcome in enumerate(asked, 1) if outcome.hit] == [20]
    assert one.broken is None


def test_every_change_that_shows_is_told():
    told = []
    breakpoints = Breakpoints(on_change=lambda: told.append(repr(breakpoints).count("\n")))
    one = breakpoints.add("loss > 3", once=True)
    breakpoints.ask(1, at(1.0))
    assert told == [1]
    breakpoints.ask(2, at(math.nan))
    breakpoints.disable(one)
    breakpoints.enable(one)
    assert told == [1, 1, 1, 1]
    breakpoints.ask(3, at(4.0))
    assert told == [1, 1, 1, 1, 0]
    breakpoints.add("nan")
    breakpoints.remove(2)
    breakpoints.clear()
    assert told == [1, 1, 1, 1, 0, 1, 0, 0]


def test_the_listing_is_a_table(breakpoints):
    assert repr(breakpoints) == '<Breakpoints: none; add one, for example session.breakpoints.add("loss > 3")>'
    breakpoints.add("loss > 3")
    breakpoints.add("l2(dense.gradients) > 100", for_steps=3, once=True)
    breakpoints.add("nan or " * 30 + "nan")
    breakpoints.disable(2)
    breakpoints.ask(1, at(4.0))
    breakpoints.ask(2, at(math.nan))
    shown = "nan or " * 8 + "n..."
    assert repr(breakpoints).splitlines() == [
        "<Breakpoints: 3>",
        f"    1  {'loss > 3':60}  1 hit, broken: step 2: loss is NaN, and a comparison with NaN is never true; "
        "add `or nan` to stop there",
        f"    2  {'l2(dense.gradients) > 100':60}  0 hits, for 3 steps, once, disabled",
        f"    3  {shown[:57] + '...' if len(shown) > 60 else shown}  1 hit",
    ]


def test_a_condition_may_change_the_list_that_asks_it(breakpoints):
    step = at()
    step.report = StepReport(1, 0, 0, 0.0, {}, 1, 0.1)

    def last_wish(report):
        breakpoints.remove(one)
        breakpoints.add("loss > 3")
        return True

    one = breakpoints.add(last_wish)
    assert breakpoints.ask(1, step) == Outcome()
    assert one.hits == 0
    assert [str(other.condition) for other in breakpoints] == ["loss > 3"]


def test_any_thread_may_change_the_list_while_it_is_asked(breakpoints):
    kept = breakpoints.add("loss > 3")
    n_asked, n_threads, n_rounds = 3_000, 4, 150
    failures = []

    def change():
        try:
            for index in range(n_rounds):
                mine = breakpoints.add("loss > 3" if index % 2 else "nan or loss > 3", once=index % 3 == 0)
                breakpoints.disable(mine) if mine in list(breakpoints) and not mine.once else None
                repr(breakpoints)
                try:
                    breakpoints.remove(mine)
                except InvalidArgumentError:
                    if not (mine.once and mine.hits == 1):
                        raise
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=change) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    outcomes = [breakpoints.ask(step, at(4.0)) for step in range(1, n_asked + 1)]
    for thread in threads:
        thread.join()
    assert failures == []
    assert kept.hits == n_asked
    assert all(outcome.hit is kept for outcome in outcomes)
    assert list(breakpoints) == [kept]
    assert breakpoints.needs.others == (kept,)
    assert breakpoints.add("nan").number == n_threads * n_rounds + 2
