"""What a person needs to see of an exception from the training thread: their own frames, in their own words."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBRARIES = ("keras", "tensorflow", "nnviz_widgets")
_PACKAGE = Path(__file__).parents[1]
_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"


def is_users(filename: str) -> bool:
    """Whether a file is neither of this package nor of Keras, TensorFlow or Python itself."""
    path = Path(filename)
    if _PACKAGE in path.parents or filename.startswith("<frozen"):
        return False
    parts = path.parts
    if "site-packages" not in parts and "dist-packages" not in parts:
        return "importlib" not in parts and path.name != "threading.py"
    after = parts[max(i for i, part in enumerate(parts) if part in ("site-packages", "dist-packages")) + 1 :]
    return not after or after[0] not in _LIBRARIES


def trimmed_traceback(error: BaseException) -> TracebackType | None:
    """Return the traceback of `error` without the frames of this package, Keras and TensorFlow.

    If none of the frames is the user's own, the whole traceback is returned: better too much than nothing.
    """
    frames: list[TracebackType] = []
    current = error.__traceback__
    while current is not None:
        if is_users(current.tb_frame.f_code.co_filename):
            frames.append(current)
        current = current.tb_next
    trimmed: TracebackType | None = None
    for frame in reversed(frames):
        trimmed = TracebackType(trimmed, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return trimmed or error.__traceback__


def failure_text(error: BaseException, trimmed: TracebackType | None) -> str:
    """Return the traceback that the user would have got without us and without tf.data in between.

    What the exception was raised from, or while handling, stands before it, as in any traceback of Python.

    Args:
        error: The exception.
        trimmed: What `trimmed_traceback` returned when it was caught; raising it again adds frames.
    """
    inner = _from_tf_data(str(error)) or _from_graph(error)
    if inner is not None:
        return inner
    parts = ["".join(traceback.format_exception(type(error), error, trimmed, chain=False))]
    for link, joint in _links(error):
        text = "".join(traceback.format_exception(type(link), link, trimmed_traceback(link), chain=False))
        parts += [f"\n{joint}\n\n", text]
    return _without_colours("".join(reversed(parts))).rstrip()


def _links(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """Yield what led to `error`, the nearest first, with the words that Python sets after it.

    A cause was named by who raised. A context is there whether anybody wants it or not: it is left out where it never
    came through the user's code, such as one that Keras caught from itself.
    """
    seen = {id(error)}
    while True:
        if error.__cause__ is not None:
            link, joint = error.__cause__, _CAUSE
        elif error.__context__ is not None and not error.__suppress_context__:
            link, joint = error.__context__, _CONTEXT
        else:
            return
        if id(link) in seen:
            return
        seen.add(id(link))
        if joint is _CAUSE or any(map(is_users, _filenames(link))):
            yield link, joint
        error = link


def _filenames(error: BaseException) -> Iterator[str]:
    for frame, _ in traceback.walk_tb(error.__traceback__):
        yield frame.f_code.co_filename


def failure_title(error: BaseException) -> str:
    """Return the exception in one line."""
    inner = _from_tf_data(str(error)) or _from_graph(error)
    if inner is not None:
        return inner.rsplit("\n", 1)[-1]
    text = first_words(str(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _from_tf_data(message: str) -> str | None:
    """Return the user's traceback from the text in which tf.data wraps an exception of Python code, or `None`.

    The text is, after some words on the graph, `ValueError: boom`, then the traceback with TensorFlow's frames, then
    graph nodes in `[[...]]`.
    """
    match = re.search(
        r"^(?:\{\{.*?\}\}\s*)*(\w+(?:\.\w+)*): (.*?)\nTraceback \(most recent call last\):\n", message, re.S | re.M
    )
    if match is None:
        return None
    frames = re.findall(r'  File "([^"]+)", line (\d+), in (\S+)\n((?:    .*\n|\n)*)', message[match.end() :])
    shown = [
        f'  File "{name}", line {line}, in {function}\n' + "".join(f"{t}\n" for t in code.split("\n") if t.strip())
        for name, line, function, code in frames
        if is_users(name)
    ]
    return f"Traceback (most recent call last):\n{''.join(shown)}{match[1]}: {match[2].strip()}"


def _from_graph(error: BaseException) -> str | None:
    """Return what an operation of the compiled step said, after the user's lines that made it, or `None`.

    TensorFlow's text begins with "Graph execution error", lists where the node was made, all libraries included, and
    says at last what is wrong, before the node in `[[...]]`.
    """
    match = re.search(r"^Graph execution error:.*\n([^\n]+)\n\s*\[\[\{\{node ([^}]+)\}\}\]\]", str(error), re.S)
    if match is None:
        return None
    frames = re.findall(r'  File "([^"]+)", line (\d+), in (\S+)', match[0])
    lines = [f'  File "{name}", line {line}, in {function}' for name, line, function in frames if is_users(name)]
    head = ["Traceback (most recent call last):", *lines] if lines else []
    words = f"{type(error).__name__}: {match[1].strip()}"
    return "\n".join([*head, f"in the node {match[2]} of the compiled step:", words])


def first_words(message: str) -> str:
    """Return the line that says what is wrong: Keras puts one in front that names the layer, and colours."""
    lines = [line.strip() for line in _without_colours(message).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Exception encountered when calling"):
        return lines[1]
    return lines[0] if lines else ""


def _without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
