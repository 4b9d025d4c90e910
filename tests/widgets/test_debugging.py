"""The debugger of a session, as a page asks for it: breakpoints, going back, branches shown and compared."""

import gc
import weakref

import numpy as np
import pytest

from nnviz_widgets.core.conditions.condition import Condition
from nnviz_widgets.core.session import Session
from tests.waiting import until
from tests.widgets import networks
from tests.widgets.fakes import Page


def debugging(page):
    return page.inspector._status["debugging"]


def listed(page):
    return [
        (row["number"], row["condition"], row["enabled"], row["hits"], row["guard"])
        for row in debugging(page)["breakpoints"]
    ]


def test_breakpoints_are_added_switched_and_removed_and_the_status_tells(session, page):
    assert page.reply(page.ask("add breakpoint", condition="loss > 3"))["ok"]
    assert page.reply(page.ask("add breakpoint", condition="nan"))["ok"]
    until(lambda: listed(page) == [(1, "loss > 3", True, 0, False), (2, "nan", True, 0, True)])
    assert page.reply(page.ask("change breakpoint", number=1, to="disabled"))["ok"]
    until(lambda: not listed(page)[0][2])
    assert page.reply(page.ask("change breakpoint", number=1, to="enabled"))["ok"]
    until(lambda: listed(page)[0][2])
    assert page.reply(page.ask("change breakpoint", number=2, to="removed"))["ok"]
    until(lambda: len(listed(page)) == 1)
    gone = page.reply(page.ask("change breakpoint", number=2, to="enabled"))
    assert "in the list: 1" in gone["error"]


def test_a_breakpoint_waits_for_several_steps_and_goes_after_its_first_hit(session, page):
    assert page.reply(page.ask("add breakpoint", condition="loss > 3", for_steps=3, once=True))["ok"]
    (added,) = session.breakpoints
    assert (added.for_steps, added.once) == (3, True)
    until(lambda: [(row["for_steps"], row["once"]) for row in debugging(page)["breakpoints"]] == [(3, True)])


@pytest.mark.parametrize("for_steps", [0, 1_000_001])
def test_a_number_of_steps_that_is_none_is_refused_with_what_it_must_be(session, page, for_steps):
    reply = page.reply(page.ask("add breakpoint", condition="loss > 3", for_steps=for_steps))
    assert not reply["ok"]
    assert "from 1 to 1,000,000" in reply["error"]
    assert len(session.breakpoints) == 0


def test_a_broken_breakpoint_and_a_hit_are_told(session, page):
    added = session.breakpoints.add("loss > 3")
    added._hits = 2
    added.note_broken(7, "'lozz' is not known")
    session.paused_by = added
    session.turn("paused")
    until(lambda: debugging(page)["paused_by"] == "loss > 3")
    (row,) = debugging(page)["breakpoints"]
    assert (row["hits"], row["broken"]) == (2, "step 7: 'lozz' is not known")
    assert row["told"].startswith("2 hits")


@pytest.mark.parametrize("kind", ["add breakpoint", "run until"])
def test_what_is_no_condition_is_refused_with_its_column(session, page, kind):
    reply = page.reply(page.ask(kind, condition="loss > > 3"))
    assert (reply["ok"], reply["column"]) == (False, 8)
    assert reply["error"].endswith("(col 8)")
    assert session.asked == []
    assert len(session.breakpoints) == 0


def test_run_until_asks_for_the_condition(session, page):
    assert page.reply(page.ask("run until", condition="nan"))["ok"]
    assert session.asked == [("run", Condition("nan"))]


def test_completion_names_layers_and_what_they_have(session, page):
    session.take_step(full=True)
    reply = page.reply(page.ask("complete", condition="l2(hid", cursor=6))
    assert reply["completion"] == {"start": 3, "end": 6, "candidates": [{"text": "hidden", "sort": "layer"}]}
    reply = page.reply(page.ask("complete", condition="accu", cursor=4))
    assert [each["text"] for each in reply["completion"]["candidates"]] == ["accuracy"]


def test_R04_a_plan_is_told_and_nothing_done(session, page):
    for _ in range(8):
        session.take_step(full=True)
    plan = page.reply(page.ask("plan", step=7))["plan"]
    assert plan == {"step": 7, "branch": "main", "again": 2, "exact": True, "remarks": []}
    session.replay_grade = "state only"
    plan = page.reply(page.ask("plan", step=7, branch="main"))["plan"]
    assert (plan["exact"], plan["remarks"]) == (False, ["the data come once"])
    assert "was taken" in page.reply(page.ask("plan", step=99))["error"]
    assert session.asked == []
    assert page.reply(page.ask("rewind", step=7, state_only=True))["ok"]
    assert session.asked == [("rewind", 7, None, True)]


def test_after_going_back_the_newest_step_is_where_the_session_stands_and_later_ones_are_still_seen(session, page):
    for _ in range(6):
        session.take_step(full=True)
    session.turn("paused")
    page.reply(page.watch("weights"))
    until(lambda: page.poll() and page.frames[-1][0]["step"] == 6)
    page.reply(page.ask("rewind", step=3))
    until(lambda: page.poll() and page.frames[-1][0]["step"] == 3)
    assert page.frames[-1][0]["newest"]
    page.reply(page.watch("weights", step=5))
    until(lambda: page.poll() and page.frames[-1][0]["step"] == 5)
    until(lambda: page.inspector.cursor.step == 3)
    page.inspector.cursor.step = 6  # a step of the future is no step too many
    assert page.inspector.cursor.step == 6


def test_a_step_that_a_guard_refused_is_shown_while_the_session_stands_before_it(session, page):
    for _ in range(4):
        session.take_step(full=True)
    session.paused_by, session.step_index = session.breakpoints.add("nan"), 3
    session.turn("paused")
    page.reply(page.watch("weights"))
    until(lambda: page.poll() and page.frames[-1][0]["step"] == 4)
    assert debugging(page)["refused"] == 4


@pytest.fixture
def forked(session, page):
    """Six steps of main, and after its third two of another branch."""
    for _ in range(6):
        session.take_step(full=True)
    session.turn("paused")
    session.ask_rewind(3)
    session.begin_branch()
    for _ in range(2):
        session.take_step(full=True)
    session.turn("paused")
    return session


def frame(page, **fields):
    maps = [{"tensor": "weights", "max_rows": 64, "max_cols": 64}]
    asked = {"layer": "hidden", "step": -1, "sample": 0, **fields}
    seen = len(page.poll())
    page.reply(page.ask("watch", maps=maps, **asked))
    until(lambda: len(page.poll()) > seen)
    message, buffers = page.frames[-1]
    plane = message["planes"][0]
    cells = np.frombuffer(buffers[plane["buffer"]], "<f4").reshape(plane["rows"], plane["cols"])
    return message, cells


def test_the_status_lists_the_branches(forked, page):
    until(lambda: debugging(page)["branch"] == "branch 1")
    assert debugging(page)["branches"] == [
        {"name": "main", "parent": None, "step": 0, "last_step": 6},
        {"name": "branch 1", "parent": "main", "step": 3, "last_step": 5},
    ]


def test_R07_each_branch_is_shown_and_both_beside_each_other(forked, page):
    main, ours = (forked.branches[name].recording for name in ("main", "branch 1"))
    kernel = {name: of.tensor("hidden", "weights", step=5) for name, of in (("main", main), ("ours", ours))}
    for fields, step, expected in [
        ({}, 5, kernel["ours"]),
        ({"branch": "main"}, 6, main.tensor("hidden", "weights", step=6)),
        ({"branch": "main", "step": 5}, 5, kernel["main"]),
        ({"branch": "main", "beside": "branch 1", "run": "second", "step": 5}, 5, kernel["ours"]),
        ({"branch": "main", "beside": "branch 1", "run": "difference", "step": 5}, 5, kernel["ours"] - kernel["main"]),
        ({"beside": "main", "run": "difference", "step": 2}, 2, np.zeros_like(kernel["main"])),
        ({"branch": "nowhere"}, 5, kernel["ours"]),
    ]:
        message, cells = frame(page, **fields)
        assert message["step"] == step, fields
        np.testing.assert_array_equal(cells, expected, err_msg=str(fields))


@pytest.mark.parametrize(
    "fields",
    [{"beside": "main"}, {"branch": "main", "beside": "branch 1"}, {"beside": "main", "run": "second"}],
    ids=["the one of the session first", "second", "the other one shown"],
)
def test_who_follows_two_branches_is_where_the_session_stands(forked, page, fields):
    assert frame(page, **fields)[0]["step"] == 5  # of main there are 6
    forked.ask_rewind(4)
    until(lambda: page.poll() and page.frames[-1][0]["step"] == 4)
    assert page.frames[-1][0]["newest"]


def test_who_follows_two_branches_that_were_left_is_at_the_end_of_the_first(forked, page):
    forked.ask_rewind(4)
    forked.begin_branch()
    forked.turn("paused")
    for first, second, end in [("main", "branch 1", 6), ("branch 1", "main", 5)]:
        assert frame(page, branch=first, beside=second)[0]["step"] == end


def test_a_page_that_shows_a_branch_that_goes_gets_the_current_one(forked, page):
    ours = forked.recording.tensor("hidden", "weights", step=5)
    forked.ask_rewind(5)
    forked.begin_branch()
    forked.take_step(full=True)
    forked.turn("paused")
    now = forked.recording.tensor("hidden", "weights", step=6)
    forked.branches.rename("main", "first")
    forked.branches.rename("branch 1", "second")
    forked.turn("paused")
    until(lambda: [one["name"] for one in debugging(page)["branches"]] == ["first", "second", "branch 2"])
    assert debugging(page)["branches"][1]["parent"] == "first"
    np.testing.assert_array_equal(frame(page, branch="second")[1], ours)
    np.testing.assert_array_equal(frame(page, branch="branch 1")[1], now, err_msg="it is called otherwise now")
    assert frame(page, branch="first", beside="second", run="second")[0]["step"] == 5


def test_a_page_that_shows_a_branch_that_was_dropped_gets_the_current_one(forked, page):
    forked.ask_rewind(6, "main")
    main = forked.recording.tensor("hidden", "weights", step=6)
    ours = forked.branches["branch 1"].recording.tensor("hidden", "weights", step=5)
    np.testing.assert_array_equal(frame(page, branch="branch 1")[1], ours)
    assert frame(page, branch="main", beside="branch 1", run="second", step=5)[0]["step"] == 5
    dropped = weakref.ref(forked.branches["branch 1"].recording)
    forked.branches.drop("branch 1")
    forked.turn("paused")
    until(lambda: len(debugging(page)["branches"]) == 1)
    for fields in ({"branch": "branch 1"}, {"branch": "main", "beside": "branch 1", "run": "second"}):
        message, cells = frame(page, **fields)
        assert message["step"] == 6
        np.testing.assert_array_equal(cells, main, err_msg=str(fields))
    assert page.reply(page.ask("read", layer="hidden", step=6, sample=0, tensor="weights", row=3, column=5))["ok"]
    gc.collect()
    assert dropped() is None, "no view holds what it has shown"


def runs_of_the_lines(page):
    return {column["run"] for message, _ in page.comm.customs("series")[-1:] for column in message["columns"]}


def test_the_lines_of_a_dropped_branch_are_sent_no_more(forked, page):
    forked.ask_rewind(6, "main")
    until(lambda: runs_of_the_lines(page) == {0, 1})
    forked.branches.drop("branch 1")
    forked.turn("paused")
    until(lambda: runs_of_the_lines(page) == {0})


def test_a_step_that_only_one_of_two_branches_has_is_kept(forked, page):
    assert frame(page, branch="main", beside="branch 1", step=6)[0]["step"] == 6
    second = frame(page, branch="main", beside="branch 1", run="second", step=6)
    assert second[0]["step"] == 5
    np.testing.assert_array_equal(second[1], forked.branches["branch 1"].recording.tensor("hidden", "weights", step=5))


def test_branches_that_keep_no_step_of_their_own_in_common_are_compared_at_the_nearest(session, page):
    for full in (True, True, False, True, False):  # 4 is kept of main
        session.take_step(full=full)
    session.turn("paused")
    session.ask_rewind(2)
    session.begin_branch()
    for full in (True, False, True):  # 3 and 5 of the branch
        session.take_step(full=full)
    session.turn("paused")
    main, ours = (session.branches[name].recording for name in ("main", "branch 1"))
    message, cells = frame(page, beside="main", run="difference")
    expected = main.tensor("hidden", "weights", step=4) - ours.tensor("hidden", "weights", step=5)
    np.testing.assert_array_equal(cells, expected)
    assert "step 4 minus step 5" in message["planes"][0]["note"]
    message, cells = frame(page, beside="main", run="difference", step=2)
    assert message["step"] == 2
    assert not cells.any()


def test_a_value_is_read_of_the_branch_that_is_shown(forked, page):
    place = {"layer": "hidden", "step": 5, "sample": 0, "tensor": "weights", "row": 3, "column": 5}
    main, ours = (forked.branches[name].recording.tensor("hidden", "weights", step=5) for name in ("main", "branch 1"))
    assert page.reply(page.ask("read", **place))["values"] == {"weights": str(ours[3, 5])}
    assert page.reply(page.ask("read", **place, branch="main"))["values"] == {"weights": str(main[3, 5])}
    apart = page.reply(page.ask("read", **place, branch="main", beside="branch 1", run="difference"))
    assert float(apart["values"]["weights"]) == pytest.approx(float(ours[3, 5] - main[3, 5]))


def test_branches_take_the_same_batches_and_nothing_else_is_said(forked, page):
    maps = [{"tensor": "activations", "max_rows": 64, "max_cols": 64}]
    asked = {"layer": "hidden", "step": 5, "sample": 0, "maps": maps, "branch": "main", "beside": "branch 1"}
    seen = len(page.poll())
    page.reply(page.ask("watch", **asked, run="difference"))
    until(lambda: len(page.poll()) > seen)
    assert page.frames[-1][0]["planes"][0]["note"] is None


def test_series_have_the_lines_of_every_branch_and_reach_the_end_of_the_longest(forked, page):
    until(lambda: page.comm.customs("series") and page.comm.customs("series")[-1][0]["last_step"] == 6)
    until(lambda: len({column["run"] for column in page.comm.customs("series")[-1][0]["columns"]}) == 2)
    message, buffers = page.comm.customs("series")[-1]
    steps = {
        (column["name"], column["run"]): np.frombuffer(buffers[column["x_buffer"]], "<f8").tolist()
        for column in message["columns"]
        if column["layer"] is None
    }
    assert steps["loss", 0] == [1, 2, 3, 4, 5, 6]
    assert steps["loss", 1] == [1, 2, 3, 4, 5]


def test_what_is_noted_while_a_session_rests_is_told(forked, page):
    until(lambda: page.inspector._status["state"] == "paused")
    forked.recording.add_event(5, "notice", "the disk is full")
    forked.notify()
    until(lambda: page.comm.customs("notice"))
    assert [message["text"] for message, _ in page.comm.customs("notice")] == ["the disk is full"]


def test_what_was_noted_before_a_branch_is_told_once(forked, page):
    forked.recording.add_event(5, "notice", "a weight became NaN")
    forked.turn("running")
    forked.turn("paused")
    until(lambda: page.comm.customs("notice"))
    assert [message["text"] for message, _ in page.comm.customs("notice")] == ["a weight became NaN"]
    forked.ask_rewind(4, "main")
    forked.begin_branch()
    forked.recording.add_event(4, "notice", "another")
    forked.turn("running")
    until(lambda: len(page.comm.customs("notice")) == 2)
    assert page.comm.customs("notice")[-1][0]["text"] == "another"


def test_a_page_that_does_not_know_of_it_is_answered_as_ever(forked, inspector):
    old = Page(inspector, "old")
    old.reply(old.ready())
    message, _ = frame(old)
    assert message["step"] == 5


@pytest.mark.parametrize(
    ("fields", "arguments"),
    [
        ({"name": "learning_rate", "value": 0.01}, {"value": 0.01}),
        ({"name": "batch_size", "value": 64}, {"n": 64}),
        ({"name": "trainable", "value": False, "layer": "hidden"}, {"layer": "hidden", "flag": False}),
        ({"name": "dropout", "value": 0.25, "layer": "drop"}, {"layer": "drop", "rate": 0.25}),
        (
            {"name": "weights", "value": 0, "layer": "hidden", "neuron": 3},
            {"layer": "hidden", "value": 0, "neuron": 3},
        ),
        ({"name": "reinitialize", "layer": "hidden", "neuron": 3}, {"layer": "hidden", "neuron": 3}),
        ({"name": "hyperparameter", "hyperparameter": "beta_1", "value": 0.5}, {"name": "beta_1", "value": 0.5}),
        ({"name": "hyperparameter", "hyperparameter": "clipnorm"}, {"name": "clipnorm", "value": None}),
        ({"name": "class_weight", "class_weight": {"0": 1, "1": 5}}, {"mapping": {0: 1, 1: 5}}),
        ({"name": "class_weight"}, {"mapping": None}),
        (
            {"name": "weights", "value": 2, "layer": "hidden", "variable": "bias", "index": [3]},
            {"layer": "hidden", "value": 2, "neuron": None, "variable": "bias", "index": (3,)},
        ),
    ],
)
def test_an_edit_is_asked_for_and_written_to_the_journal(session, page, fields, arguments):
    session.take_step(full=True)
    session.turn("paused")
    assert page.reply(page.ask("edit", **fields))["ok"]
    assert session.asked == [("edit", fields["name"], arguments)]
    assert type(session.asked[0][2].get("n", 0)) is int
    until(lambda: debugging(page)["n_to_undo"] == 1)
    assert debugging(page)["journal"] == [{"step": 1, "branch": "main", "text": fields["name"], "undone": False}]
    assert page.reply(page.ask("undo"))["ok"]
    until(lambda: debugging(page)["journal"][0]["undone"])
    assert "since the last step" in page.reply(page.ask("undo"))["error"]


def test_weights_of_classes_without_numbers_are_refused(session, page):
    reply = page.reply(page.ask("edit", name="class_weight", class_weight={"cat": 1}))
    assert "numbers of classes" in reply["error"]
    assert session.asked == []


@pytest.fixture
def trained(make_inspector):
    """A real session at step 2, and a page that looks at it."""
    model, x, y = networks.digits()
    with Session(model, x, y, batch_size=networks.BATCH_SIZE, verbose=0) as session:
        session.step(2)
        page = Page(make_inspector(session))
        page.reply(page.ready())
        yield session, page


def test_a_weight_is_tried_and_nothing_changes(trained):
    session, page = trained
    before = session._training.digest()
    layer = session.recording.layers[0]
    found = page.reply(page.ask("try", layer=layer.path, variable="kernel", index=[1, 0], value=5.0))["tried"]
    assert found["before"] != found["after"]
    assert found["value"] == float(session.recording.tensor(layer, "weights")[1, 0])
    same = page.reply(page.ask("try", layer=layer.path, variable="kernel", index=[1, 0], value=found["value"]))["tried"]
    assert same["after"] == found["before"]
    assert session._training.digest() == before
    wrong = page.reply(page.ask("try", layer=layer.path, variable="kernel", index=[1], value=5.0))
    assert "2 whole numbers" in wrong["error"]


def test_variables_are_listed_with_their_statistics(trained):
    session, page = trained
    rows = page.reply(page.ask("variables"))["variables"]
    table = session.variables()
    assert [(row["path"], row["variable"]) for row in rows] == list(zip(table.path, table.variable, strict=True))
    assert rows[0]["norm"] == f"{table.norm[0]:.4g}"
    assert rows[0]["mean"] == f"{table['mean'][0]:.4g}".replace("-", "−")
    assert rows[0]["shape"] == " × ".join(map(str, table["shape"][0]))


def test_an_edit_of_no_layer_is_refused(session, page):
    assert "`layer` must be named" in page.reply(page.ask("edit", name="dropout", value=0.1))["error"]
    assert session.asked == []


def test_settings_are_told_while_the_session_rests(session, page):
    session.turn("paused")
    told = page.reply(page.ask("settings", layer="hidden"))["settings"]
    assert {name: told[name] for name in ("learning_rate", "batch_size", "trainable", "dropout")} == {
        "learning_rate": 0.001,
        "batch_size": 32,
        "trainable": True,
        "dropout": None,
    }
    session.turn("running")
    assert "while it rests" in page.reply(page.ask("settings", layer="hidden"))["error"]
