"""A notebook as it is saved and sent on: small, without the data, a picture everywhere, and views that still move."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter, MarkdownExporter
from PIL import Image

from tests.browser.inspector import PIXELS, setup
from tests.sharing.files import SharedFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
CANARY = np.linspace(0.1234567, 0.7654321, 64)
PLANT = "x[:, :64] = np.linspace(0.1234567, 0.7654321, 64)  # as if it were secret"
KEEP = """
np.savez({path!r}, **{{
    f"{{kind}} {{layer.name}}": session.recording.tensor(layer.path, kind)
    for layer in session.recording.layers for kind in ("activations", "gradients", "activation_gradients")
}})
"""
SHOW = "session.inspector().show_static()"
BASE64 = re.compile(r"[A-Za-z0-9+/]{200,}={0,2}")
SRCDOC = re.compile(r'srcdoc="([^"]*)"')

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings(
        "ignore:.*plotly.* is not able to be represented"
    ),  # plotly's figures have one form only
]


class Saved:
    """The quickstart, executed and saved as JupyterLab does it, without widget state.

    Attributes:
        notebook: What was saved.
        private: Activations and gradients of that run, by name.
    """

    def __init__(self, folder: Path) -> None:
        notebook = nbformat.read(NOTEBOOKS / "01_quickstart.ipynb", as_version=4)
        place = next(i for i, cell in enumerate(notebook.cells) if "np.load(" in cell.source)
        last = next(i for i, cell in enumerate(notebook.cells) if cell.source.startswith("session.close()"))
        path = folder / "private.npz"
        added = [nbformat.v4.new_code_cell(source) for source in (KEEP.format(path=str(path)), SHOW)]
        notebook.cells[last:last] = added
        notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(PLANT))
        resources = {"metadata": {"path": str(NOTEBOOKS)}}
        NotebookClient(
            notebook, timeout=200, kernel_name="python3", resources=resources, store_widget_state=False
        ).execute()
        self.static = added[1].outputs
        self.quickstart = nbformat.from_dict(notebook)
        self.quickstart.cells = [cell for cell in notebook.cells if cell not in added]
        notebook.cells.remove(added[0])
        self.notebook = notebook
        self.private = dict(np.load(path))

    def bundles(self, mime: str) -> list[dict]:
        """The outputs that hold a type."""
        outputs = [output for cell in self.notebook.cells for output in cell.get("outputs", [])]
        return [output.data for output in outputs if mime in output.get("data", {})]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    return Saved(tmp_path_factory.mktemp("saved"))


@pytest.fixture(scope="module")
def converted(saved: Saved, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That notebook as nbconvert's HTML."""
    path = tmp_path_factory.mktemp("converted") / "quickstart.html"
    path.write_text(HTMLExporter().from_notebook_node(saved.notebook)[0], encoding="utf-8")
    return path


@pytest.fixture
def offline(chromium: Browser, converted: Path) -> Iterator[Page]:
    """That page, opened from its file without a network."""
    context = chromium.new_context(viewport={"width": 1200, "height": 1000}, offline=True)
    page = context.new_page()
    page.route(re.compile("^https?:"), lambda route: route.abort())
    page.goto(converted.as_uri())
    yield page
    context.close()


def texts_in(value: object) -> Iterator[str]:
    """Every text in what was read of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)


def every_byte(notebook: nbformat.NotebookNode) -> Iterator[bytes]:
    """A notebook as it is, and all that is packed in it, unpacked: pictures, frames, and the chunks in these."""
    for text in texts_in(json.loads(nbformat.writes(notebook))):
        yield text.encode()
        for page in SRCDOC.findall(text):
            yield from SharedFile(html.unescape(page)).every_byte()
        for match in BASE64.findall(SRCDOC.sub("", text)):
            data = base64.b64decode(match)
            yield data
            if data.startswith(b"\x89PNG"):
                yield Image.open(io.BytesIO(data)).convert("RGB").tobytes()


def needles(array: np.ndarray) -> dict[str, bytes]:
    """How a row of numbers may be written."""
    row = array.reshape(-1)[:64] if np.ptp(array.reshape(-1)[:64]) else array.reshape(-1)[np.flatnonzero(array)[:64]]
    bits = row.astype("<f4").view("<u4")
    halves = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")
    return {
        "float32": row.astype("<f4").tobytes(),
        "float64": row.astype("<f8").tobytes(),
        "float16": row.astype("<f2").tobytes(),
        "bfloat16": halves.tobytes(),
        "bytes of bfloat16": (halves & 255).astype("u1").tobytes(),
        "text": f"{row[0]:.5f}, {row[1]:.5f}, {row[2]:.5f}".encode(),
        "JSON": json.dumps(row[:4].astype(float).tolist())[1:-1].encode(),
    }


def test_the_saved_quickstart_is_small(saved):
    assert len(nbformat.writes(saved.quickstart)) <= 1 << 20
    assert saved.bundles(WIDGET)
    for data in saved.bundles(WIDGET):
        assert len(json.dumps(data)) <= 200 << 10


def test_P04_a_saved_notebook_holds_none_of_the_data(saved):
    contents = list(every_byte(saved.notebook))
    assert len(contents) > 50
    for name, array in {"inputs": CANARY, **saved.private}.items():
        for form, needle in needles(array).items():
            assert not any(needle in content for content in contents), f"{name} as {form}"


def test_P04_what_is_searched_for_would_be_found(saved):
    plain = {
        name: nbformat.v4.new_output("display_data", {"text/plain": json.dumps(CANARY[:4].tolist())}) for name in "a"
    }
    packed = base64.b64encode(np.zeros(200, "f4").tobytes() + CANARY.astype("<f4").tobytes()).decode()
    leaking = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("", outputs=[plain["a"]]),
            nbformat.v4.new_code_cell("", outputs=[nbformat.v4.new_output("display_data", {"image/png": packed})]),
        ]
    )
    contents = list(every_byte(leaking))
    found = {form for form, needle in needles(CANARY).items() if any(needle in content for content in contents)}
    assert found == {"JSON", "float32"}


def test_the_still_picture_is_seen_offline(offline):
    still = offline.locator("img[alt^='A still picture of the Inspector']").first
    still.scroll_into_view_if_needed()
    assert still.evaluate("image => [image.complete, image.naturalWidth]") == [True, 1920]
    box = still.bounding_box()
    assert box["width"] > 600
    assert box["height"] > 250
    assert offline.get_by_text("run the cell again").first.is_visible()


def test_every_slider_of_a_static_view_changes_pixels_offline(offline):
    frame = offline.frame_locator("iframe[srcdoc]")
    frame.locator(".nnv-map[data-tensor=weights] canvas.nnv-data").wait_for()
    offline.locator("iframe[srcdoc]").scroll_into_view_if_needed()
    weights = frame.locator(".nnv-map[data-tensor=weights]")
    drawn, marks = weights.locator("canvas.nnv-data"), weights.locator("canvas.nnv-overlay")

    def seen():
        return drawn.evaluate(PIXELS), marks.evaluate(PIXELS)

    before = seen()
    for name, key in (("step", "Home"), ("layer", "ArrowRight"), ("neuron", "ArrowRight")):
        frame.locator(f"input[type=range][aria-label={name}]").press(key)
        deadline = time.monotonic() + 10
        while (after := seen()) == before:
            assert time.monotonic() < deadline, f"the slider {name!r} changed nothing"
            offline.wait_for_timeout(20)
        # What this slider changes must not be taken for what the next one does.
        while before != after:
            before = after
            offline.wait_for_timeout(150)
            after = seen()


def test_a_static_view_reaches_nothing_of_the_page_around_it(offline):
    frame = offline.locator("iframe[srcdoc]").element_handle().content_frame()
    blocked = "() => { try { return String(parent.document.title); } catch (error) { return error.name; } }"
    assert frame.evaluate(blocked) == "SecurityError"


def test_markdown_has_the_picture_too(saved):
    text, _ = MarkdownExporter().from_notebook_node(saved.notebook)
    assert 'src="data:image/png;base64,' in text


def test_latex_finds_the_picture_by_itself(saved):
    for data in saved.bundles(WIDGET):
        assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size[0] == 1920


def test_C09_a_restarted_kernel_is_said_with_the_way_back(lab):
    with lab.open([setup(1), "session"]) as notebook:
        notebook.run_all()
        notebook.wait_until(lambda: "Layers" in notebook.text(1), "the view is there")
        notebook.restart_kernel()
        words = "The kernel is gone. Run the cell again to reconnect."
        notebook.wait_until(lambda: words in notebook.text(1), "the words are there")


def test_C09_a_copy_of_a_notebook_shows_the_picture_and_the_way_back(lab):
    """JupyterLab trusts no notebook of somebody else: it shows what cannot harm."""
    with lab.open([setup(1), "session", SHOW]) as notebook:
        notebook.run_all()
        notebook.save()
        own = json.loads((lab.server.root / notebook.path).read_text(encoding="utf-8"))
    own["cells"][0]["source"] = "# of somebody else"
    (lab.server.root / "copy.ipynb").write_text(json.dumps(own), encoding="utf-8")
    with lab.open_file("copy.ipynb") as copy:
        for cell in (1, 2):
            still = copy.cell(cell).locator("img[alt^='A still picture']")
            still.wait_for()
            assert still.bounding_box()["width"] > 300
        assert "run the cell again" in copy.text(1)
        assert copy.page.locator("iframe[srcdoc]").count() == 0
