"""The Inspector on a page, as a person meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.lab import Notebook

SETUP = """
import keras, numpy as np, time
import nnviz_widgets as nnviz

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
x = rng.random((640, 784)).astype("float32")
x[:, :112] = 0  # pixels that are never lit: their gradients are exactly 0
y = rng.integers(0, 10, 640)
model = keras.Sequential([
    keras.Input((784,)),
    keras.layers.Dense(128, activation="relu", name="hidden"),
    keras.layers.Dense(10, activation="softmax", name="digits"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
session = nnviz.TrainingSession(model, x, y, batch_size=32, epochs=EPOCHS)
"""
"""20 steps an epoch."""

PIXELS = """canvas => {
    const { width, height } = canvas;
    if (!width || !height) return [];
    const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    let hash = 0;
    for (const value of data) hash = (hash * 31 + value) | 0;
    return [hash, seen.size, width, height];
}"""

COLUMN = """(canvas, x) => {
    const data = canvas.getContext("2d").getImageData(Math.floor(x * canvas.width), 0, 1, canvas.height).data;
    let hash = 0;
    for (const value of data) hash = (hash * 31 + value) | 0;
    return hash;
}"""


def setup(epochs: int = 2) -> str:
    """Return the source of a cell that makes a session of `epochs` of 20 steps."""
    return SETUP.replace("EPOCHS", str(epochs))


class Shown:
    """One view of an Inspector on a page.

    Args:
        notebook: The page.
        within: The output that holds it.
    """

    def __init__(self, notebook: Notebook, within: Locator) -> None:
        self.notebook = notebook
        self.root = within.locator(".nnv-root").first
        self.root.wait_for()

    def button(self, name: str) -> Locator:
        """Return a button of the transport bar."""
        return self.root.get_by_role("button", name=name, exact=True)

    def slider(self, name: str) -> Locator:
        """Return a slider by its label."""
        return self.root.locator(f"input[type=range][aria-label={name}]")

    def text(self, of: str) -> str:
        """Return the text of the part with a CSS class."""
        return self.root.locator(of).first.inner_text().replace("\n", " ")

    def chip(self) -> str:
        """Return how the session stands, in words."""
        return self.text(".nnv-chip")

    def step(self) -> int:
        """Return the step in the transport bar."""
        return int(self.text(".nnv-figures").split(" / ")[0].split()[0])

    def pixels(self, tensor: str, canvas: str = "nnv-data") -> list[Any]:
        """Return a hash of a map's pixels, how many colours they have, width and height; `[]` if there are none."""
        found = self.root.locator(f".nnv-map[data-tensor={tensor}] canvas.{canvas}")
        return found.evaluate(PIXELS) if found.count() else []

    def drawn(self, tensor: str) -> bool:
        """Whether a map shows more than an empty ground."""
        pixels = self.pixels(tensor)
        return bool(pixels) and pixels[1] > 8

    def n_colors(self, tensor: str) -> int:
        """Return how many colours a map has, 0 if there is none."""
        pixels = self.pixels(tensor)
        return pixels[1] if pixels else 0

    def move(self, name: str, value: int) -> None:
        """Drag a slider to a value, as the browser does for a person."""
        self.slider(name).evaluate(
            "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', { bubbles: true })); }",
            value,
        )

    def wait_until(self, condition: Any, what: str, timeout_s: float = 60.0) -> None:
        """Wait for a condition on the page."""
        self.notebook.wait_until(condition, what, timeout_s)

    def wait_for_chip(self, words: str) -> None:
        """Wait until the state is said in these words."""
        self.wait_until(lambda: words in self.chip(), f"the state says {words!r}")

    def readout(self) -> dict[str, str]:
        """Return the line under the maps, by name."""
        parts = self.root.locator(".nnv-readout > span").all_inner_texts()
        return {part.rsplit(" ", 1)[0].strip(): part.rsplit(" ", 1)[1] for part in parts}
