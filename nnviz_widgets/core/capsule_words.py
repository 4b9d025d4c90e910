"""Why a step went non-finite, in words, as far as a capsule knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.numeric import is_numeric

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from nnviz_widgets.core.capsule_contents import Bad, Contents

_MOST_NAMED = 3


def why(about: Mapping[str, Any], contents: Contents) -> str:
    """Return sentences on where it began and what was not finite before."""
    bad = contents.bad
    first = _began(bad) if bad is not None else f"Where it began is not known: {contents.why_unknown}."
    sentences = [f"Step {about['step']}. {first}"]
    if about["sick_batch"]:
        sentences.append(f"The batch was not finite itself: {about['sick_batch']}.")
    sick = [name for name, array in contents.state.items() if _is_sick(array)]
    if sick:
        more = f" and {len(sick) - _MOST_NAMED} more" if len(sick) > _MOST_NAMED else ""
        sentences.append(f"Not finite before the step: {', '.join(sick[:_MOST_NAMED])}{more}.")
    if bad is not None and not about["sick_batch"] and not sick:
        sentences.append("Batch and state were finite before the step.")
    return " ".join(sentences)


def _began(bad: Bad) -> str:
    counts = f"{bad.n_nan:,} NaN, {bad.n_inf:,} Inf of {int(np.prod(bad.shape)):,}"
    if bad.what == "loss":
        return f"The loss is the first value that is not finite ({counts}); all outputs of layers were finite."
    if bad.what == "output":
        of = "What the output of {!r} is computed from (logits)" if bad.of_logits else "The output of {!r}"
        return f"{of.format(bad.layer)} is the first that is not finite ({counts})."
    of = (
        f"The gradient of {bad.variable!r} in {bad.layer!r}"
        if bad.variable
        else f"The gradient at {bad.layer!r}'s output"
    )
    by = f"; it was computed by {', '.join(map(repr, bad.computed_by))}" if bad.computed_by else ""
    return f"{of} is the first that is not finite ({counts}){by}. All outputs and the loss were finite."


def _is_sick(array: npt.NDArray[Any]) -> bool:
    if not is_numeric(array.dtype) or array.dtype.kind in "biu":
        return False
    return not bool(np.isfinite(array).all())
