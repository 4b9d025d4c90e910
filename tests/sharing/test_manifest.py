from __future__ import annotations

import re

import pytest

from nnviz_widgets._version import __version__
from nnviz_widgets.errors import InvalidArgumentError
from nnviz_widgets.sharing.export import export_html
from nnviz_widgets.sharing.manifest import read_manifest
from nnviz_widgets.sharing.privacy import Privacy
from tests.sharing import runs


@pytest.fixture(scope="module")
def recording():
    return runs.run(3, name="mnist")


def test_it_says_what_is_in_the_file(recording, tmp_path):
    manifest = export_html(recording, tmp_path / "a.html", privacy=Privacy("gradients"))
    assert (manifest.title, manifest.model, manifest.layers, manifest.steps) == ("mnist", "mnist", 3, 3)
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", manifest.created)
    assert manifest.library == f"nnviz_widgets {__version__}"
    content = {each.kind: each for each in manifest.content}
    weights = content["weights"]
    assert (weights.steps, weights.first_step, weights.last_step, weights.pictures) == (4, 0, 3, 16)
    assert (weights.resolution, weights.number_format) == ("every value", "bfloat16")
    assert 0 < weights.n_bytes < manifest.n_bytes == (tmp_path / "a.html").stat().st_size
    assert content["activations"].pictures == 0
    assert content["activations"].histograms == 3
    assert content["gradients"].pictures == 4 * 3


def test_it_says_in_one_line_what_was_written(recording, tmp_path):
    text = repr(export_html(recording, tmp_path / "a.html"))
    assert text.startswith("<Manifest of 'mnist': ")
    assert "kB; weights at 2 steps, every value, bfloat16" in text
    assert "left out: activations of single samples, gradients of single batches, what the model is fed" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!doctype html><title>another</title>",
        b"\x89PNG\r\n\x1a\n" + bytes(1000),
        b'<script type="application/json" id="nnviz-manifest">{"version":1}</script>',
        b'<script type="application/json" id="nnviz-manifest">[[[[[</script>',
        b'<script type="application/json" id="nnviz-manifest">\xff\xfe</script>',
        b'<script type="application/json" id="nnviz-manifest">{"version":1,"library":"\xff"}</script>',
        b'<script type="application/json" id="nnviz-manifest">{"version":1',
        b'<script type="application/json" id="nnviz-manifest">' + b"[" * 100_000 + b"</script>",
    ],
)
def test_a_foreign_file_is_refused(content, tmp_path):
    path = tmp_path / "foreign.html"
    path.write_bytes(content)
    with pytest.raises(InvalidArgumentError, match=r"`path` must be a file that `nnviz\.export_html`"):
        read_manifest(path)


def test_no_more_than_its_beginning_is_read(recording, tmp_path):
    path = tmp_path / "a.html"
    manifest = export_html(recording, path)
    with path.open("ab") as file:
        file.truncate(1 << 33)  # a hole: it takes no room on the disk
    assert read_manifest(path) == manifest


def test_a_file_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_manifest(tmp_path / "none.html")
