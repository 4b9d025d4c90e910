"""The target of each sample in words, for the readout beside its activations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def labels_of(targets: npt.NDArray[Any] | None, n: int) -> tuple[str, ...]:
    """Return the first `n` targets in words, `()` if they have no short form.

    Args:
        targets: Classes `(batch,)` or `(batch, 1)`, one-hot or multi-hot rows `(batch, classes)`, numbers, or `None`.
        n: How many samples.
    """
    if targets is None or targets.ndim == 0 or targets.dtype.kind not in "biuf" or targets.ndim > 2:
        return ()
    rows = targets[:n]
    if rows.ndim == 2 and rows.shape[1] == 1:
        rows = rows[:, 0]
    if rows.ndim == 2:
        one_hot = ((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()
        return tuple(str(i) for i in rows.argmax(axis=1)) if one_hot else ()
    return tuple(f"{value:.4g}" if rows.dtype.kind == "f" else str(value) for value in np.asarray(rows).tolist())
