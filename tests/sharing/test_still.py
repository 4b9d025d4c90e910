"""The still picture: a small PNG in the front end's colours, of weights, vitals and metrics and of nothing else."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey, TensorSpec
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.pictures.colors import SPECIAL
from nnviz_widgets.pictures.source import as_source
from nnviz_widgets.sharing import sheet
from nnviz_widgets.sharing.lettering import fitted, readable, width_of, written
from nnviz_widgets.sharing.sheet import LEVELS, PALETTE, Sheet, colors_of, ramp_colors
from nnviz_widgets.sharing.still import MAX_BYTES, WIDTH, still
from nnviz_widgets.sharing.still_timeline import axis_of, smooth
from nnviz_widgets.sharing.still_words import metric, short
from tests.widgets.fakes import FakeSession, dense_catalogue

STYLES = Path(__file__).parents[2] / "js" / "src" / "styles" / "base.css"


def trained(*sizes: int, n_steps: int = 30) -> FakeSession:
    """A session of Dense layers of these sizes that has taken some steps."""
    session = FakeSession(dense_catalogue(*sizes) if sizes else None)
    for _ in range(n_steps):
        session.take_step(full=True)
    session.state = "paused"
    return session


def image_of(png: bytes) -> np.ndarray:
    """The pixels of a PNG, shape `(height, width, 3)`."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def count(png: bytes, color: str) -> int:
    """How many pixels have a colour."""
    return int((image_of(png) == [int(color[at : at + 2], 16) for at in (1, 3, 5)]).all(axis=2).sum())


def test_it_is_a_small_png_with_words():
    made = still(as_source(trained(784, 128, 10)), "hidden")
    assert made.png[:8] == b"\x89PNG\r\n\x1a\n"
    assert image_of(made.png).shape == (2 * made.height, 2 * WIDTH, 3)
    assert len(made.png) <= MAX_BYTES
    assert "fake: paused at step 30" in made.words
    assert "the weights of hidden" in made.words


def test_it_is_the_same_for_the_same_run():
    session = trained()
    assert still(as_source(session), "hidden").png == still(as_source(session), "hidden").png


def test_it_shows_the_layer_and_the_step_that_are_looked_at():
    session = trained()
    source = as_source(session)
    hidden, digits, earlier = (still(source, *where).png for where in (("hidden", -1), ("digits", -1), ("hidden", 5)))
    assert hidden != digits
    assert hidden != earlier


def test_the_map_is_drawn_in_the_colours_of_the_front_end():
    session = FakeSession(dense_catalogue(4, 4, names=("hidden",)))
    key = session.recording.keys("hidden", "weights")[0]
    values = np.linspace(-1, 1, 16, dtype="f4").reshape(4, 4)
    session.recording.add_tensors(1, {key: values})
    png = still(as_source(session), "hidden").png
    assert count(png, "#053061") > 1000
    assert count(png, "#67001f") > 1000


@pytest.mark.parametrize(("value", "color"), [(np.nan, "nan"), (np.inf, "posinf"), (-np.inf, "neginf")])
def test_one_value_that_is_not_finite_is_seen_among_many(value, color):
    session = FakeSession(dense_catalogue(1000, 1000, names=("hidden",)))
    key = session.recording.keys("hidden", "weights")[0]
    weights = np.zeros((1000, 1000), "f4")
    weights[777, 333] = value
    session.recording.add_tensors(1, {key: weights})
    assert count(still(as_source(session), "hidden").png, SPECIAL[color]) >= 4


@pytest.mark.parametrize("sizes", [(4096, 4096), (1, 5000), (5000, 1), (3, 2), (1, 1)])
def test_any_shape_fits(sizes):
    made = still(as_source(trained(*sizes, 3, n_steps=2)), "hidden")
    assert len(made.png) <= MAX_BYTES


def test_many_layers_keep_the_chosen_one_in_sight():
    names = tuple(f"block_{number}" for number in range(200))
    session = FakeSession(dense_catalogue(*[4] * 201, names=names))
    first, last = (still(as_source(session), f"block_{n}") for n in (0, 199))
    assert first.png != last.png
    assert first.height == last.height < 900
    selected = np.argwhere((image_of(last.png)[:, 16] == [0xD6, 0x72, 0x00]).all(axis=1))
    assert selected.size


def test_without_weights_it_is_made_of_words():
    session = FakeSession()
    session.recording.set_catalogue(Catalogue((), (), {}))
    made = still(as_source(session))
    assert len(made.png) < 20_000
    assert "weights" not in made.words


def test_a_recording_without_anything_has_a_picture():
    assert still(as_source(Recording("empty"))).png


def test_P04_nothing_of_inputs_activations_or_gradients_changes_it():
    """Two runs that are the same but for what is private have the same picture, byte for byte."""

    def run(scale: float) -> bytes:
        session = trained()
        for key in [spec.key for spec in session.recording.catalogue.specs if spec.key.kind != "weights"]:
            shape = session.recording.frame(key, -1).array.shape
            session.recording.add_tensors(31, {key: np.full(shape, scale, "f4")}, labels=(f"secret {scale}",) * 4)
        return still(as_source(session), "hidden").png

    assert run(1.0) == run(7.654321)


def test_P04_means_of_the_inputs_are_no_weights_to_draw():
    dense = dense_catalogue(6, 4, names=("hidden",))
    layer = LayerInfo("scaled", "scaled", "Normalization", (None, 6), ("mean", "variance"), 12, 1, 6)
    specs = [
        TensorSpec(TensorKey("scaled", "weights", name), (6,), "float32", ("neuron",), 0)
        for name in ("mean", "variance")
    ]
    session = FakeSession(Catalogue((layer, *dense.layers), (*specs, *dense.specs), dense.reasons))
    session.take_step(full=True)
    assert "the weights of hidden" in still(as_source(session), "scaled").words
    session.recording.set_catalogue(Catalogue((layer,), tuple(specs), {}))
    assert "the weights" not in still(as_source(session), "scaled").words


def test_P01_hostile_names_are_drawn_as_text():
    names = ("</script><img src=x onerror=alert(1)>", "\u202eright to left", "x" * 10_000, "🙂中é")
    session = FakeSession(dense_catalogue(*[6] * 5, names=names), name="\x00\n" + "y" * 10_000)
    made = still(as_source(session), names[2])
    assert image_of(made.png).shape[1] == 2 * WIDTH


def test_a_failed_session_says_so_and_not_why():
    session = trained()
    session.state = "failed"
    plain = still(as_source(session)).png
    session.failure_title, session.failure_text = "ValueError: secret", "File secret.py"
    assert still(as_source(session)).png == plain
    assert "secret" not in still(as_source(session)).words


def test_theme_is_that_of_the_front_end():
    light = STYLES.read_text(encoding="utf-8").split(".nnv-root.nnv-dark")[0]
    for name, color in sheet.THEME.items():
        assert re.search(rf"--nnv-{name}: [^;]*{color}\)*;", light), name
    for name, share in sheet.MIXED.items():
        assert f"--nnv-{name}: color-mix(in srgb, var(--nnv-text) {100 * share:g}%" in light, name


def test_palette_is_full_and_each_ink_has_its_colour():
    assert len(PALETTE) == 3 * 256
    drawn = Sheet(10, 10)
    drawn.rect(0, 0, 10, 10, "accent")
    assert count(drawn.png(), "#1565c0") == 400


def test_colours_rise_with_the_values():
    bits = np.array([[-2, -1, 0, 1, 2]], "f4").view(np.uint32)
    found = colors_of(bits, 1.0)[0].astype(int)
    low, high = ramp_colors()[[0, -1]].astype(int)
    assert list(found[[0, 1, 3, 4]]) == [low, low, high, high]
    assert abs(found[2] - (low + high) / 2) <= 0.5
    assert high - low + 1 == LEVELS > 100


def test_a_line_that_becomes_infinite_is_drawn_up_to_there() -> None:
    """Where a loss had been infinite for several steps, numpy warned in red above the picture of every such run."""
    both = []
    for end in (np.inf, np.nan):
        drawn = Sheet(100, 50)
        x, y = np.linspace(0, 1, 8), np.array([0.1, 0.2, 0.3, 0.2, end, end, -end, 0.5])
        with np.errstate(all="raise"):
            drawn.curve((0, 0, 100, 50), x, y, "accent")
        both.append(drawn.pixels)
    assert both[0].any()
    np.testing.assert_array_equal(*both)


def test_a_curve_goes_where_its_points_are():
    drawn = Sheet(100, 50)
    drawn.curve((0, 5, 100, 40), np.array([0.0, 0.5, 1.0]), np.array([0.0, 1.0, np.nan]), "accent", width=2)
    inked = drawn.pixels > 0
    assert not inked[:, 104:].any()
    centres = [np.flatnonzero(inked[:, column]).mean() for column in (2, 50, 98)]
    np.testing.assert_allclose(centres, [88.4, 50, 11.6], atol=1.5)


def test_a_lonely_point_is_a_dot():
    drawn = Sheet(100, 50)
    drawn.curve((0, 5, 100, 40), np.array([0.0, 0.5, 1.0]), np.array([np.nan, 0.5, np.nan]), "accent", width=2)
    rows, columns = np.nonzero(drawn.pixels)
    np.testing.assert_allclose([rows.mean(), columns.mean()], [50, 100], atol=1)


def test_words_that_do_not_fit_end_with_an_ellipsis():
    words = fitted("a rather long name of a layer", 20, 100)
    assert words.endswith("…")
    assert width_of(words, 20) <= 100 < width_of(words[:-1] + "ab…", 20)
    assert fitted("short", 20, 100) == "short"


def test_signs_that_the_font_lacks_are_drawn():
    assert readable("784 → 128 × 3 − Δ é 中") == "784 → 128 × 3 − Δ e ▯"
    pictures = {sign: written(sign, 26).tobytes() for sign in "→×−Δ▯"}
    assert len(set(pictures.values())) == len(pictures)
    assert all(any(picture) for picture in pictures.values())


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.71234, "0.71"), (0, "0"), (1235.4, "1235"), (9.2e-4, "9.2e−4"), (-0.13, "−0.13"), (3e9, "3e9"), (12, "12")],
)
def test_short_numbers(value, text):
    assert short(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.2864, "0.286"), (None, "NaN"), (123.4, "123"), (45.678, "45.68")])
def test_metrics(value, text):
    assert metric(value) == text


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [(0, 2.4, (0, 3)), (0, 1, (0, 1)), (-0.3, 0.9, (-0.5, 1)), (0, 0, (0, 1)), (0, 7e8, (0, 8e8))],
)
def test_axes_end_at_round_numbers(low, high, ends):
    axis = axis_of(low, high)
    np.testing.assert_allclose((axis.low, axis.high), ends)
    assert len(axis.ticks()) <= 5


def test_smoothing_keeps_gaps():
    np.testing.assert_array_equal(smooth(np.array([1.0, np.nan, 3.0, 5.0]), 2), [1, np.nan, 4, 4])
