"""The shared place: two names of a layer stay one, limits hold, and following ends when a person takes over."""

import threading

import ipywidgets
import pytest
import traitlets

from nnviz_widgets.errors import LayerNotFound, UnknownAttribute, WrongArguments
from nnviz_widgets.pictures.source import found
from nnviz_widgets.widgets.cursor import Cursor, cursor_of
from tests.waiting import ended


@pytest.fixture
def cursor(session):
    cursor = Cursor()
    cursor.attach(found(session))
    return cursor


def test_it_needs_no_script_of_ours(cursor):
    assert cursor._model_module == "@jupyter-widgets/base"
    assert cursor._model_name == "WidgetModel"


def test_it_begins_on_the_first_layer_and_follows(cursor):
    assert (cursor.layer, cursor.layer_index, cursor.step, cursor.follow) == ("hidden", 0, 0, True)


@pytest.mark.parametrize(("name", "near"), [("layr", "layer"), ("neurn", "neuron"), ("x", "layer")])
def test_a_misspelt_name_is_refused_with_the_nearest(cursor, name, near):
    with pytest.raises(UnknownAttribute, match=f"a Cursor must be.*Received: `{name}`. Nearest: .*`{near}`"):
        setattr(cursor, name, 1)
    with pytest.raises(WrongArguments, match=f"Received: `{name}`. Nearest: .*`{near}`"):
        Cursor(**{name: 1})


def test_what_traitlets_and_ipywidgets_set_is_not_refused(cursor):
    cursor.add_traits(mine=traitlets.Int())
    cursor.mine = 3
    page, cursor.comm = cursor.comm, None
    assert (cursor.mine, cursor.comm) == (3, None)
    cursor.comm = page  # ipywidgets lists it for every later notebook that is saved


def test_layer_and_index_stay_equal(cursor):
    cursor.layer_index = 1
    assert cursor.layer == "digits"
    cursor.layer = "hidden"
    assert cursor.layer_index == 0


def test_a_change_of_both_at_once_from_the_page(cursor):
    cursor.set_state({"layer": "digits", "layer_index": 1, "neuron": 2, "step": 0, "follow": False})
    assert (cursor.layer, cursor.layer_index, cursor.neuron, cursor.follow) == ("digits", 1, 2, False)


def test_an_unknown_layer_names_the_nearest_and_changes_nothing(cursor):
    cursor.layer = "digits"
    with pytest.raises(LayerNotFound, match="hidden"):
        cursor.layer = "hiden"
    with pytest.raises(traitlets.TraitError):
        cursor.set_state({"layer": "nowhere", "neuron": 1})
    assert (cursor.layer, cursor.layer_index, cursor.neuron) == ("digits", 1, 0)


def test_values_beyond_the_limits_are_moved(cursor, session):
    for _ in range(3):
        session.take_step()
    cursor.step = 99
    assert cursor.step == 3
    cursor.layer_index = 99
    assert (cursor.layer_index, cursor.layer) == (1, "digits")
    cursor.neuron = 99
    assert cursor.neuron == 2
    cursor.sample = 99
    assert cursor.sample == session.n_samples - 1
    for name in ("step", "layer_index", "neuron", "sample"):
        setattr(cursor, name, -5)
        assert getattr(cursor, name) == 0


def test_a_layer_with_fewer_neurons_moves_the_neuron(cursor):
    cursor.neuron = 7
    cursor.layer = "digits"
    assert cursor.neuron == 2


def test_setting_the_step_ends_following_and_following_catches_up(cursor, session):
    session.take_step()
    cursor.refresh()
    assert (cursor.step, cursor.follow) == (1, True)
    cursor.step = 0
    assert not cursor.follow
    session.take_step()
    cursor.refresh()
    assert cursor.step == 0
    cursor.follow = True
    assert (cursor.step, cursor.follow) == (2, True)


def test_sliders_of_the_users_own_drive_it(cursor, session):
    slider = ipywidgets.IntSlider(max=7)
    ipywidgets.link((slider, "value"), (cursor, "neuron"))
    slider.value = 5
    assert cursor.neuron == 5
    cursor.neuron = 3
    assert slider.value == 3
    assert ipywidgets.jslink((slider, "value"), (cursor, "neuron")).get_state()["target"][1] == "neuron"


def test_a_linked_slider_does_not_end_following(cursor, session):
    slider = ipywidgets.IntSlider(max=100)
    ipywidgets.link((slider, "value"), (cursor, "step"))
    session.take_step()
    cursor.refresh()
    assert (slider.value, cursor.follow) == (1, True)


def test_a_free_cursor_takes_what_it_is_given():
    cursor = Cursor(layer="anything", step=12)
    assert (cursor.layer, cursor.step, cursor.follow) == ("anything", 12, False)
    assert Cursor().follow


def test_a_cursor_that_waits_for_its_layer(session):
    cursor = Cursor(layer="digits")
    cursor.attach(found(session))
    assert cursor.layer_index == 1
    lost = Cursor(layer="nowhere")
    lost.attach(found(session))
    assert lost.layer == "hidden"


def test_a_recording_has_one_cursor(session):
    cursor = cursor_of(session.recording)
    assert cursor_of(session.recording) is cursor
    cursor.close()
    assert cursor_of(session.recording) is not cursor


def test_C13_steps_of_the_training_against_messages_of_the_page(cursor, session):
    def train():
        for _ in range(300):
            session.take_step()
            cursor.refresh()

    thread = threading.Thread(target=train)
    thread.start()
    for turn in range(300):
        cursor.set_state({"layer_index": turn % 2, "neuron": turn % 3})
    ended(thread)
    assert cursor.layer == ("hidden", "digits")[cursor.layer_index]
    cursor.refresh()
    assert cursor.step == 300
