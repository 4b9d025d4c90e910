"""The `_status` trait: how a session, a recording or a comparison stands."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnviz_widgets.pictures.comparison import Comparison
from nnviz_widgets.pictures.debugging import debugging_of
from nnviz_widgets.pictures.source import runs_of
from nnviz_widgets.pictures.text import cut
from nnviz_widgets.protocol import Failure, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.core.session import Session
    from nnviz_widgets.pictures.debugging import debugging_of
from nnviz_widgets.pictures.source import Source

MAX_TEXT = 400
MAX_TRACEBACK = 16_000
"""Characters; the saved state of a widget stays far below 64 KiB."""
MAX_LOGS = 50


def status_of(source: Source) -> Status:
    """Return how `source` stands now."""
    if source.session is None:
        return _of_recording(source)
    return _of_session(source.session)


def _of_session(session: Session) -> Status:
    return Status(
        name=cut(session.name, MAX_TEXT),
        source="session",
        state=session.state,
        step=session.step_index,
        total_steps=session.total_steps,
        epoch=session.epoch,
        epochs=session.epochs,
        batch=session.batch_index,
        steps_per_epoch=session.steps_per_epoch,
        logs=_logs(session.logs),
        steps_per_second=_finite(session.steps_per_second),
        watch_cost=_finite(session.watch_cost),
        speed=session.speed,
        activity=session.activity,
        failure=_failure(session),
        samples=session.n_samples,
        stopped=session.stopped,
        controls=session.controls,
        debugging=debugging_of(session),
    )


def _of_recording(source: Source) -> Status:
    last_step = source.last_step
    runs = source.names if isinstance(source, Comparison) else ()
    epoch = max(_epoch(run.recording) for run in runs_of(source))
    return Status(
        name=cut(" and ".join(runs) or source.recording.name, MAX_TEXT),
        source=source.kind,
        state="running" if source.running else "finished",
        step=last_step,
        total_steps=None if source.running else last_step,  # a file that is written does not tell its end
        epoch=epoch,
        epochs=epoch + 1,
        batch=0,
        steps_per_epoch=None,
        logs=_logs(source.logs),
        steps_per_second=None,
        watch_cost=None,
        speed=None,
        activity=None,
        failure=None,
        samples=source.n_samples,
        stopped=False,
        controls=False,
        runs=[cut(name, MAX_TEXT) for name in runs],
    )


def _epoch(recording: Recording) -> int:
    epochs = recording.epochs
    return int(epochs[-1]) if epochs.size else 0


def _failure(session: Session) -> Failure | None:
    title, text = session.failure_title, session.failure_text
    if title is None or text is None:
        return None
    # The end of a traceback says what happened, its beginning where the user's call was.
    if len(text) > MAX_TRACEBACK:
        text = f"{text[: MAX_TRACEBACK // 4]}\n[…]\n{text[-MAX_TRACEBACK * 3 // 4 :]}"
    return Failure(cut(title, MAX_TEXT), text)


def _logs(logs: Mapping[str, float]) -> dict[str, float | None]:
    return {cut(name, MAX_TEXT): _finite(value) for name, value in list(logs.items())[:MAX_LOGS]}


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
