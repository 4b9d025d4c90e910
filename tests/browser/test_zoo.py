"""A picture for each kind of layer, in a real JupyterLab."""

from __future__ import annotations

import pytest

from tests.browser.inspector import Shown
from tests.browser.zoo import MODELS, prepare

PATHS = "print(*(layer.path for layer in session.recording.layers), sep='\\n')"
UNREAD = "print(*(f'{layer.path} {kind}' for layer in session.recording.layers for kind in {KINDS!r} if "
UNREAD += "session.recording.why(layer.path, kind) is not None), sep='\\n')"
KINDS = ("activations", "weights", "gradients")
WORDS = ".nnv-map[data-tensor={}] .nnv-missing"


@pytest.mark.parametrize("name", MODELS)
def test_every_layer_has_pictures_or_the_reason_why_not(lab, name):
    cells = [prepare(), MODELS[name], "session", PATHS, UNREAD.replace("{KINDS!r}", repr(KINDS))]
    with lab.open(cells) as notebook:
        notebook.run_all()
        shown = Shown(notebook, notebook.cell(2))
        paths, unread = notebook.text(3).split(), {line.strip() for line in notebook.text(4).split("\n")}
        pictures = set()
        for index, path in enumerate(paths):
            shown.move("layer", index)
            for kind in KINDS:
                if f"{path} {kind}" in unread:
                    words = shown.root.locator(WORDS.format(kind))
                    shown.wait_until(
                        lambda w=words: w.count() and w.inner_text().strip(), f"why {path} has no {kind}", 10
                    )
                    continue
                name_of_map = f"{kind} of {path}"
                shown.root.get_by_role("application", name=name_of_map, exact=True).wait_for(timeout=10_000)
                shown.wait_until(lambda kind=kind: shown.n_colors(kind) > 1, f"{name_of_map} are drawn", 10)
            pictures.add(tuple(shown.pixels("activations")))
        assert len(pictures) > len(paths) / 2, "layers look different"
        assert notebook.complaints == []
