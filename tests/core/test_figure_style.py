"""A figure can be read on the white of a light theme and on the #111 of JupyterLab's dark one."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from nnviz_widgets.core.figure_style import CLEAR, HOVER, HOVER_INK, INK, LINES, finish
from nnviz_widgets.core.frame import Catalogue, TensorKey, TensorSpec
from nnviz_widgets.core.recording import Recording
from tests.core.catalogues import arrays_of, dense, layer, reading_of

LIGHT, DARK = "#ffffff", "#111111"


def contrast(one: str, other: str) -> float:
    """Return the ratio of two colours' luminances, as WCAG 2 defines it."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    channels = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.fixture(scope="module")
def figures() -> dict[str, go.Figure]:
    """One of each figure, some of them with nothing to draw."""
    catalogue = dense(6, 4, 3)
    recording = Recording("small")
    recording.set_catalogue(catalogue)
    for step in range(1, 5):
        arrays = arrays_of(catalogue, seed=step)
        recording.add_step(step, step // 3, step % 3, {"batch_loss": 1.0 / step, "gradient_l2": 0.1})
        recording.add_vitals(step, reading_of(catalogue, arrays))
        recording.add_tensors(step, arrays)
    return {
        "metrics": recording.figure.metrics(),
        "vitals": recording.figure.vitals(),
        "histogram": recording.figure.histogram("dense", "weights"),
        "heatmap": recording.figure.heatmap("dense", "weights"),
        "nothing": Recording().figure.metrics(),
    }


def colours(node: Any, name: str) -> list[str]:
    """Return what is called `name`, anywhere in a figure that was made into dicts and lists."""
    if isinstance(node, dict):
        here = [node[name]] if isinstance(node.get(name), str) else []
        return here + [colour for inner in node.values() for colour in colours(inner, name)]
    return [colour for inner in node for colour in colours(inner, name)] if isinstance(node, (list, tuple)) else []


def test_measure_of_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("ground", [LIGHT, DARK])
def test_text_and_lines_can_be_read_on_light_and_dark(ground: str) -> None:
    assert contrast(INK, ground) > 4.2
    assert [line for line in LINES if contrast(line, ground) < 3.8] == []
    assert len(set(LINES)) == len(LINES)


def test_label_of_the_cursor_brings_its_own_ground() -> None:
    assert contrast(HOVER, HOVER_INK) > 7
    assert [line for line in LINES if contrast(line, HOVER) < 3] == []
    label = finish(go.Figure(), "title").layout.hoverlabel
    assert (label.bgcolor, label.font.color) == (HOVER, HOVER_INK)


@pytest.mark.parametrize("name", ["metrics", "vitals", "histogram", "heatmap", "nothing"])
def test_figure_has_no_ground_and_no_colour_for_one_theme_only(figures: dict[str, go.Figure], name: str) -> None:
    figure = figures[name].to_dict()
    assert set(colours(figure, "paper_bgcolor") + colours(figure, "plot_bgcolor")) == {CLEAR}
    assert figure["layout"]["font"]["color"] == INK
    assert {colour for colour in colours(figure, "color") if colour.startswith("#")} <= {INK, HOVER_INK, *LINES}


def test_buttons_of_a_figure_have_no_ground_either(figures: dict[str, go.Figure]) -> None:
    modebar = figures["metrics"].layout.modebar
    assert (modebar.bgcolor, modebar.color) == (CLEAR, INK)


def test_ground_shows_through_only_where_no_cell_is_missing() -> None:
    key = TensorKey("dense", "weights", "kernel")
    recording = Recording()
    spec = TensorSpec(key, (1, 2), "float32", ("in", "neuron"), 1)
    recording.set_catalogue(Catalogue((layer("dense", 2),), (spec,)))
    recording.add_tensors(1, {key: np.array([[np.nan, 1.0]], np.float32)})
    assert recording.figure.heatmap("dense", "weights").layout.plot_bgcolor == "#ff00ff"
