"""P01: whatever a title, a layer, a class, a metric or a label is called, it is text in the file and nothing else."""

from __future__ import annotations

import pytest

from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey, TensorSpec
from nnviz_widgets.sharing.export import export_html
from nnviz_widgets.sharing.manifest import read_manifest
from nnviz_widgets.sharing.privacy import Privacy
from tests.sharing import runs
from tests.sharing.files import SCRIPT, STYLE, SharedFile

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "</title><script>alert(1)</script>",
    "<!--<script>",
    "]]></style></noscript><svg onload=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "&lt;img src=x&gt; &#x3c;b&#x3e;",
    "javascript:alert(1)",
    "\u202egnp.exe\u2066 \u200f",
    "\u2028alert(1)\u2029",
    "line\nbreak\ttab \x00\x07\x1b[31m",
    "😀 ünï\ud7ff",
    "x" * 10_000,
    "",
    "{{7*7}} ${7*7} `",
    '<script type="application/json" id="nnviz-manifest">{}</script>',
]

PLAIN = {"html", "head", "meta", "title", "style", "body", "div", "h1", "p", "noscript", "dl", "dt", "dd", "table"}
PLAIN |= {"caption", "tr", "th", "td", "ul", "li", "script"}
IDS = ["nnviz-root", "nnviz-manifest", "nnviz-index", "nnviz-data"]


def hostile_run(name):
    """A run in which everything that may be called something is called `name`."""
    import numpy as np

    path = name or "empty"  # Keras has no layers and variables without a name
    spec = TensorSpec(TensorKey(path, "weights", path), (3, 4), "float32", (name, "neuron"), 1, note=name)
    layer = LayerInfo(path, name, name, None, (path,), 12, 1, 4)
    recording = runs.Recording(name)
    recording.set_catalogue(Catalogue((layer,), (spec,), {(path, "activations"): name}))
    recording.add_tensors(0, {spec.key: np.zeros((3, 4), "f4")}, labels=(name,) * 12)
    recording.add_step(1, 0, 0, {name: 1.0, "batch_loss": 1.0})
    recording.add_event(1, "notice", name)
    return recording


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_p01_a_hostile_name_is_text(name, tmp_path):
    path = tmp_path / "run.html"
    manifest = export_html(hostile_run(name), path, title=name, privacy=Privacy(include=tuple(Privacy.REVEALS)))
    shared = SharedFile(path.read_bytes().decode())
    assert set(shared.tags) <= PLAIN
    assert shared.tags.count("script") == 4
    assert [value for _, name, value in shared.attributes if name == "id"] == IDS
    assert not [name for _, name, _ in shared.attributes if name.startswith("on") or name in ("src", "href", "style")]
    assert shared.scripts[""] == SCRIPT
    assert STYLE in shared.text
    # The names themselves come through whole, where they are no tags.
    assert shared.document.title == manifest.title == read_manifest(path).title == name
    assert shared.document.layers[0].class_name == name
    assert not set("\u202e\u2066\u2028\x00\x07\x1b") & set(shared.text)


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.isprintable() and len(name) < 100 and name])
def test_p01_a_reader_without_scripts_sees_the_characters_themselves(name, tmp_path):
    path = tmp_path / "run.html"
    export_html(hostile_run(name), path, title=name)
    text = SharedFile(path.read_text(encoding="utf-8")).text
    assert text.count(" ".join(name.split())) >= 3  # the title twice, the model, the metric


def test_p01_half_a_character_in_a_title_is_no_error(tmp_path):
    path = tmp_path / "run.html"
    assert export_html(hostile_run("a"), path, title="half \ud83d").title == "half ?"
    assert SharedFile(path.read_bytes().decode()).document.title == "half ?"
