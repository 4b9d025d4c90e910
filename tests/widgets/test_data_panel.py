"""The data panel: a picture for whatever `standardize` takes, with the numbers of the data in it."""

from __future__ import annotations

import gc
import re
import weakref
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import nnviz_widgets as nnviz
from nnviz_widgets.core.data_summary import histogram, summarize
from nnviz_widgets.errors import InvalidArgumentError
from nnviz_widgets.widgets.data_picture import histogram_picture, maps_picture, profile_picture
from nnviz_widgets.widgets.data_style import STYLE
from nnviz_widgets.widgets.svg import round_numbers

RNG = np.random.default_rng(0)
TABLE = RNG.normal([0, 5, 100], [1, 2, 3000], (60, 3))

KINDS = {
    "table": TABLE,
    "one column": TABLE[:, :1],
    "vector": TABLE[:, 0],
    "bytes": RNG.integers(0, 256, (20, 8, 6), dtype=np.uint8),
    "colours": RNG.integers(0, 256, (9, 5, 6, 3), dtype=np.uint8),
    "large images": RNG.random((3, 130, 70), dtype=np.float32),
    "volumes": RNG.random((4, 3, 4, 5, 6)),
    "booleans": TABLE > 0,
    "many features": RNG.normal(size=(5, 500)),
    "one sample": TABLE[:1],
    "constant": np.full((7, 3), 2.5),
    "nothing finite": np.full((7, 3), np.nan),
    "a pixel without a value": np.where(np.arange(12).reshape(3, 4) == 5, np.nan, RNG.random((6, 3, 4))),
    "half": TABLE.astype(np.float16),
    "huge": np.array([[1.7e308, 1], [-1.7e308, 2]]),
    "lists": [[1, 2], [3, 5]],
}


def html(panel: nnviz.DataPanel) -> str:
    """All that a page is given to draw."""
    return "".join(child.value for child in panel.children if isinstance(child.value, str))


def pictures(text: str) -> list[ElementTree.Element]:
    """Each SVG, parsed: what is not well formed raises."""
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prepare", [None, nnviz.standardize, nnviz.normalize])
def test_whatever_can_be_scaled_has_a_picture(kind: str, prepare: Any) -> None:
    x = KINDS[kind]
    scaling = prepare(x)[1] if prepare and (kind, prepare) != ("huge", nnviz.normalize) else None
    panel = nnviz.DataPanel(x, scaling=scaling)
    drawn = pictures(html(panel))
    assert len(drawn) == (1 if panel.summary.n_features == 1 else 3) * (1 if scaling is None else 2)
    for svg in drawn:
        assert svg.get("role") == "img"
        assert svg.get("aria-label")
        assert "nan" not in "".join(svg.itertext()).lower().replace("nan,", "")


def test_the_numbers_are_those_of_the_data() -> None:
    panel = nnviz.DataPanel(TABLE, scaling=nnviz.standardize(TABLE)[1], feature_names=["a", "b", "c"])
    panel.feature = 2
    written = html(panel).replace("−", "-")
    mean, deviation = TABLE[:, 2].mean(), TABLE[:, 2].std()
    assert f"mean {mean:.4g} · deviation {deviation:.4g}" in written
    assert "mean 0 · deviation 1" in written
    assert f"<td>{mean:.4g}</td><td>{deviation:.4g}</td>" in written


def test_bars_are_as_tall_as_counts_are_many() -> None:
    (svg,) = pictures(histogram_picture(histogram(np.array([0, 0, 0, 0, 1, 1, 2])), "x"))
    heights = [float(bar.attrib["height"]) for bar in svg.iter() if bar.tag.endswith("rect")]
    np.testing.assert_allclose(np.divide(heights, heights[2]), [4, 2, 1], rtol=0.01)


def test_a_bar_that_would_dwarf_the_others_is_cut_and_has_its_share_written() -> None:
    text = histogram_picture(histogram(np.r_[np.zeros(950), np.arange(50)]), "x")
    assert "nnv-cut" in text
    assert ">95%<" in text


def test_a_profile_is_on_one_scale() -> None:
    (svg,) = pictures(profile_picture(summarize(np.array([[0.0, 0], [1, 100]])), 0, str, "x"))
    ranges = [float(bar.attrib["height"]) for bar in svg.iter() if "nnv-range" in bar.attrib.get("class", "")]
    assert ranges[1] == pytest.approx(100 * ranges[0], rel=0.05)


def test_a_map_has_each_cell_once_and_marks_what_has_no_value() -> None:
    x = KINDS["a pixel without a value"]
    paths = re.findall(r'<path class="([\w-]+)" d="([^"]*)"', maps_picture(summarize(x), 0, "x"))
    cells = sum(int(width) for _, path in paths for width in re.findall(r"h(\d+)v1", path))
    assert cells == 2 * 12
    assert [path for of, path in paths if of == "nnv-nan"] == ["M1 1h1v1H1z"] * 2


def test_maps_of_constant_pixels_are_pale_after_standardizing() -> None:
    x = RNG.normal(5, 2, (50, 4, 4))
    x[:, 0] = 3
    scaling = nnviz.standardize(x)[1]
    text = maps_picture(summarize(x, scaling), 0, "scaled")
    (svg,) = pictures(text)
    assert "4 do not vary" in svg.attrib["aria-label"]
    assert "e−" not in text


def test_the_slider_chooses_the_feature_and_python_may_too() -> None:
    panel = nnviz.DataPanel(TABLE, feature_names=["age", "dose", "income"])
    slider = panel.children[2]
    assert (slider.min, slider.max, slider.description) == (0, 2, "feature")
    assert "<h4>age" in html(panel)
    slider.value = 2
    assert panel.feature == 2
    assert "<h4>income" in html(panel)
    panel.feature = 1
    assert slider.value == 1
    with pytest.raises(InvalidArgumentError, match=r"from 0 to 2\. Received: feature=3"):
        panel.feature = 3


def test_no_name_is_read_as_html() -> None:
    evil = "<script>alert(1)</script>"
    x = np.array([[1.0, 2], [1, np.nan]])
    text = html(nnviz.DataPanel(x, [evil, '" onload="x'], feature_names=[evil, "'&"]))
    assert "<script" not in text
    assert 'onload="' not in text
    assert "&lt;script&gt;" in text
    pictures(text)


def test_names_come_from_a_table() -> None:
    panel = nnviz.DataPanel(pd.DataFrame({"age": [1, 2], "dose": [3.0, 5]}))
    assert [panel.name(i) for i in range(2)] == ["age", "dose"]
    assert nnviz.DataPanel(KINDS["bytes"]).name(7) == "(1, 1)"


def test_images_begin_where_they_vary_most() -> None:
    x = np.zeros((5, 4, 6, 1))
    x[:, 2, 3, 0] = np.arange(5)
    panel = nnviz.DataPanel(x)
    assert panel.feature == 2 * 6 + 3
    assert "<h4>(2, 3)" in html(panel)
    assert "5 samples of 4 × 6 features" in html(panel)


def test_equal_values_are_one_thin_bar() -> None:
    (svg,) = pictures(histogram_picture(histogram(np.full(9, 0.5)), "x"))
    assert svg.attrib["aria-label"] == "x: all 9 values are 0.5"
    assert [bar.attrib["width"] for bar in svg.iter() if bar.tag.endswith("rect")] == ["10.00"]


def test_what_is_amiss_is_shown_and_can_be_read() -> None:
    panel = nnviz.DataPanel(TABLE, (np.arange(60) > 57).astype(int))
    assert len(panel.remarks) == 2
    assert "<code>nnviz.standardize(x)</code>" in html(panel)
    assert "29 times as frequent" in html(panel)
    assert repr(panel) == "<DataPanel of 60 samples of 3: 2 remarks>"


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.arange(60) % 3, ">20</text>"),
        (np.eye(4)[np.arange(60) % 4], ">25.0%<"),
        (TABLE[:, 0], "Labels: histogram of 60 values"),
        (np.arange(60) // 2, "and 10 more, 2 to 2 each"),
        (np.array(["yes", "no"])[np.arange(60) % 2], ">yes<"),
    ],
)
def test_labels_are_counted(y: Any, words: str) -> None:
    text = html(nnviz.DataPanel(TABLE, y))
    assert words in text
    pictures(text)


def test_many_values_are_drawn_from_some_samples_and_none_is_kept() -> None:
    x = RNG.random((3000, 1000), dtype=np.float32)
    alive = weakref.ref(x)
    panel = nnviz.DataPanel(x)
    text = html(panel)
    assert "drawn from 1,000 of 3,000 samples" in text
    assert "The first 200 of 1,000 features" in text
    assert len(text) < 250_000
    del x
    gc.collect()
    assert alive() is None


def test_colours_are_the_pages_own() -> None:
    panel = nnviz.DataPanel(KINDS["bytes"], np.arange(20) % 2)
    style, drawn = html(panel).split("</style>", 1)
    assert "var(--jp-layout-color0" in style
    assert re.findall(r"#[0-9a-f]{3,6}\b|rgb", drawn) == []
    assert set(re.findall(r"nnv-[\w]+", drawn)) - set(re.findall(r"nnv-[\w]+", style)) <= {"nnv-columns"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": ["a", "b"]}, "must hold integers or floats"),
        ({"x": 3.0}, r"samples along its first axis.*shape \(\)"),
        ({"x": np.zeros((0, 3))}, r"at least one sample"),
        ({"x": TABLE, "y": [1, 2]}, "each of the 60 samples"),
        ({"x": TABLE, "scaling": nnviz.standardize(TABLE)}, "second value.*Received: tuple"),
        ({"x": TABLE, "scaling": nnviz.standardize(TABLE[:, :2])[1]}, "must have the features"),
        ({"x": TABLE, "feature_names": ["a", "b"]}, "each of the 3 features. Received: 2 names"),
        ({"x": TABLE, "feature_names": "abc"}, "a name for each"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        nnviz.DataPanel(**arguments)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-3.2, 3.1, [-2, 0, 2]), (7, 7, [7]), (0, 1680, [0, 500, 1000, 1500])],
)
def test_axes_have_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert round_numbers(low, high) == pytest.approx(expected)


def test_its_style_sheet_touches_nothing_of_the_inspector():
    rules = [line for line in STYLE.splitlines() if ".nnv-" in line]
    assert rules
    assert all(".nnv-prep" in rule for rule in rules)
    front_end = Path(__file__).parents[2] / "js" / "src"
    assert not any("nnv-prep" in path.read_text(encoding="utf-8") for path in front_end.rglob("*.ts*"))


def test_a_scaling_of_other_data_is_said_to_be_one():
    _, scaling = nnviz.standardize(RNG.normal(size=(200, 2)))
    said = " ".join(nnviz.DataPanel(RNG.normal(size=(200, 2)) * 100, None, scaling).remarks)
    assert "made of other data" in said
    assert "hardly ever varies" not in said
