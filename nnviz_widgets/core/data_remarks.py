"""What in the data makes training harder than it need be, in words, with what helps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from nnviz_widgets.core.data_summary import DataSummary
    from nnviz_widgets.core.label_summary import LabelSummary
    from nnviz_widgets.core.scaling import Scaling

    Name = Callable[[int], str]

_SCALES_APART = 30.0
"""Gradients follow the squares of the scales: at this ratio one direction is learned a thousand times as fast."""

_LARGE = 20.0
"""Initialisers assume inputs of about 1; far beyond, the first sums saturate or explode."""

_FAR = 20.0
"""Deviations from the mean, at which a value is far from all others."""

_SPREAD = 3.0
"""A standardized feature has a deviation of 1; one this large comes from other data than the scaling."""

_RARE = 10.0
"""A class this many times rarer than another is hardly seen in a batch."""

_NAMED = 3


def remarks(
    before: DataSummary,
    after: DataSummary | None,
    scaling: Scaling | None,
    labels: LabelSummary | None,
    name: Name,
) -> tuple[str, ...]:
    """Say what is amiss with the data as the network would get them.

    Args:
        before: Of the data as they are.
        after: Of the data as the scaling makes them, where there is one.
        scaling: The scaling.
        labels: Of the labels, where there are some.
        name: Names a feature by its index.

    Returns:
        A sentence or two each, the gravest first; empty if nothing is amiss.
    """
    fed = before if after is None else after
    found = [*_holes(before, name), *_misfit(before, scaling)]
    found += [*_scales(fed, after is not None, name), *_far(after, scaling, name), *_constants(before, name)]
    return tuple(found if labels is None else [*found, *_of_labels(labels)])


def _holes(data: DataSummary, name: Name) -> Iterator[str]:
    for what, counts, help_ in (
        ("NaN", data.n_nan, "One is enough to turn every weight into NaN: fill them, or leave these samples out."),
        ("infinite", data.n_inf, "Look for a division by 0 or a logarithm of 0, and replace them."),
    ):
        total = int(counts.sum())
        if total:
            is_ = "value is" if total == 1 else "values are"
            yield f"{total:,} {is_} {what}, in {_named(counts > 0, name)}. {help_}"


def _misfit(data: DataSummary, scaling: Scaling | None) -> Iterator[str]:
    if scaling is None or 0 not in scaling.axis:
        return
    # What of the features is inside their range, the offset of a scaling that was fitted to them is, always.
    offset = np.broadcast_to(scaling.offset[0], data.shape)
    slack = 1e-6 * np.fmax(np.abs(data.low), np.abs(data.high))
    inside = (offset >= data.low - slack) & (offset <= data.high + slack)
    n_known = int((~np.isnan(data.low)).sum())
    if scaling.offset[0].size == data.n_features and inside.sum() * 2 < n_known:
        yield (
            "The scaling was fitted to data of another range. Give the data as they were before it, or fit one to them."
        )


def _scales(fed: DataSummary, scaled: bool, name: Name) -> Iterator[str]:
    deviation = fed.deviation.ravel()
    varying = np.flatnonzero(np.isfinite(deviation) & ~fed.constant.ravel() & (deviation > 0))
    if not varying.size:
        return
    least, most = varying[deviation[varying].argmin()], varying[deviation[varying].argmax()]
    advice = "Standardize each feature: `nnviz.standardize(x)`"
    # Pixels, and whatever else shares a unit, differ in how much they vary, and should.
    if len(fed.shape) < 2 and deviation[most] > _SCALES_APART * deviation[least]:
        apart = float(deviation[most]) / float(deviation[least])
        ratio = f"{float(f'{apart:.2g}'):,.0f}" if apart < 1e6 else "more than a million"
        yield (
            f"Scales differ by a factor of {ratio}: {name(int(least))} varies by {_short(deviation[least])}, "
            f"{name(int(most))} by {_short(deviation[most])}. The network would hardly hear the small ones. "
            f"{advice}."
        )
    elif not scaled and (largest := np.nanmax(np.fmax(np.abs(fed.low), np.abs(fed.high)))) > _LARGE:
        if len(fed.shape) >= 2:
            advice = "Bring them to 0 … 1: `nnviz.normalize(x, axis=None)`"
        yield f"Values reach {_short(largest)}, where initialisers and optimizers expect about 1. {advice}."


def _far(after: DataSummary | None, scaling: Scaling | None, name: Name) -> Iterator[str]:
    if after is None or scaling is None or scaling.method != "standardize":
        return
    reach = np.nan_to_num(np.fmax(np.abs(after.low), np.abs(after.high)).ravel())
    if (far := float(reach.max())) > _FAR:
        first = name(int(reach.argmax()))
        pixels = (
            " For pixels, one scale for all fits: `nnviz.standardize(x, axis=None)`." if len(after.shape) > 1 else ""
        )
        spread = float(np.nan_to_num(after.deviation.ravel()[int(reach.argmax())]))
        if spread > _SPREAD:
            yield (
                f"Standardized, {first} still has a deviation of {_short(spread)} where 1 is expected: the scaling was "
                "made of other data. Apply it to data as they were given to `standardize`."
            )
            return
        yield (
            f"Standardized, values reach {_short(far)} deviations from their mean, in {first}: it hardly ever varies, "
            f"and then by much.{pixels}"
        )


def _constants(data: DataSummary, name: Name) -> Iterator[str]:
    n = int(data.constant.sum())
    if n and data.n_samples > 1:
        is_, they = ("is", "It tells") if n == 1 else ("are", "They tell")
        yield f"{n:,} of {data.n_features:,} features {is_} constant: {_named(data.constant, name)}. {they} nothing."


def _of_labels(labels: LabelSummary) -> Iterator[str]:
    if labels.n_missing:
        yield f"{labels.n_missing:,} labels are no finite numbers: a batch that has one makes the loss NaN."
    there = np.flatnonzero(labels.counts)
    if labels.kind != "classes" or not there.size:
        return
    if there.size == 1:
        yield f"All labels are {labels.names[there[0]]}: there is nothing to tell apart."
        return
    most, least = labels.counts.argmax(), there[labels.counts[there].argmin()]
    if labels.counts[most] >= _RARE * labels.counts[least]:
        share = labels.counts[most] / labels.n
        yield (
            f"Class {labels.names[most]} is {labels.counts[most] / labels.counts[least]:,.0f} times as frequent as "
            f"{labels.names[least]}. Who always answers {labels.names[most]} is right in {share:.0%}: look at the "
            "accuracy of each class, and try `class_weight`."
        )


def _named(mask: npt.NDArray[Any], name: Name) -> str:
    """Name the features that a mask marks, the first few of them."""
    places = np.flatnonzero(mask)
    listed = ", ".join(name(int(place)) for place in places[:_NAMED])
    return listed + (f" and {len(places) - _NAMED:,} more" if len(places) > _NAMED else "")


def _short(value: float) -> str:
    written = f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"
    return written.replace("-", "−")
