"""What is known of a failure: the layer whose call failed, what it was fed, and the user's own line."""

from __future__ import annotations

import linecache
import re
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from nnviz_widgets.core.call_trace import Fed, in_words
from nnviz_widgets.core.failure import first_words, is_users
from nnviz_widgets.core.text_table import as_html, as_text

if TYPE_CHECKING:
    from types import TracebackType

Part = Literal["layer", "loss", "optimizer", "step", "data", "callback", "validation"]
"""What failed; `"step"` is the step outside of layers, loss and optimizer, such as a `train_step` of the user's."""

_WORDS: dict[Part, str] = {
    "layer": "a call of a layer",
    "loss": "the loss",
    "optimizer": "the update of the optimizer",
    "step": "the training step, outside of any layer",
    "data": "the data, not a layer",
    "callback": "a callback, not a layer",
    "validation": "the validation",
}


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of the user's code.

    Attributes:
        file: Its file, or what a notebook calls the cell.
        line: Its number, from 1.
        function: The function that it is in.
        code: Its text, empty if that is not known.
    """

    file: str
    line: int
    function: str
    code: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}, in {self.function}"


@dataclass(frozen=True, slots=True, repr=False)
class PostMortem:
    """What is known of the failure of a session.

    Attributes:
        step: The step at which it was, counted from 1; where the data failed the last one that was completed.
        part: What failed: `"layer"`, `"loss"`, `"optimizer"`, `"step"`, `"data"`, `"callback"` or `"validation"`.
        layer: Path of the layer whose call failed, with `#1` for its second call; `None` if it was no layer.
        inputs: Names, shapes and dtypes of what the layer, or the loss, was fed.
        line: The user's own line, the innermost one; `None` if none is known.
        error: The type of the exception.
        message: What it says.
        found: How the layer was found, in words.
    """

    step: int
    part: Part
    layer: str | None
    inputs: Fed
    line: SourceLine | None
    error: str
    message: str
    found: str

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("failed", f"{_WORDS[self.part]}, at step {self.step}")]
        if self.layer is not None:
            rows.append(("layer", self.layer))
        if self.inputs:
            rows.append(("inputs", in_words(self.inputs)))
        if self.line is not None:
            rows += [("your line", str(self.line)), *([("", self.line.code)] if self.line.code else [])]
        return [*rows, ("error", f"{self.error}: {self.message}"), ("found", self.found)]

    def __repr__(self) -> str:
        """Draw a table of what is known."""
        return as_text(("post-mortem", ""), self._rows())

    def _repr_html_(self) -> str:
        """Draw the same for a notebook."""
        return as_html("post-mortem", (), self._rows())


def users_line(trimmed: TracebackType | None, message: str) -> SourceLine | None:
    """Return the user's innermost line, of a traceback or of one that the text of an exception quotes.

    Args:
        trimmed: The traceback.
        message: The text; that of an error in a compiled step lists where its operation was made.
    """
    frames = [(f.filename, f.lineno or 0, f.name) for f in traceback.extract_tb(trimmed) if is_users(f.filename)]
    quoted = re.findall(r'File "([^"]+)", line (\d+), in (\S+)', message)
    frames = frames or [(name, int(line), function) for name, line, function in quoted if is_users(name)]
    if not frames:
        return None
    file, line, function = frames[-1]
    return SourceLine(file, line, function, linecache.getline(file, line).strip())


def plain_words(message: str) -> str:
    """Return what an exception says without the names that TensorFlow puts around it."""
    return re.sub(r"^\{\{.*?\}\}\s*|\s*\[Op:\w+\].*$", "", first_words(message))
