"""The data panel's parts in HTML: what the data are, what is amiss, the pictures, the numbers as a table."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from nnviz_widgets.core.figure_style import number
from nnviz_widgets.pictures.text import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nnviz_widgets.core.data_summary import DataSummary
    from nnviz_widgets.core.scaling import Scaling

_MAX_ROWS = 200
_DONE = {"standardize": "standardized", "normalize": "normalized"}


def heading(data: DataSummary, scaling: Scaling | None, found: Iterable[str]) -> str:
    """Return what the data are, how they are scaled, and what is amiss with them."""
    shape = " × ".join(f"{size:,}" for size in without_one_channel(data.shape)) or "1"
    many = data.n_features != 1
    title = f"{data.n_samples:,} samples of {shape} {'features' if many else 'feature'}"
    listed = "".join(f"<li>{_with_code(each)}</li>" for each in found)
    remarks = f'<ul aria-label="Remarks">{listed}</ul>' if listed else ""
    return f'<h3>{title} <span class="nnv-quiet">{escape(scaled_how(scaling))}</span></h3>{remarks}'


def without_one_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of one sample as a person would say it: grey images have rows and columns."""
    return shape[:-1] if len(shape) > 2 and shape[-1] == 1 else shape


def _with_code(words: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words))


def scaled_how(scaling: Scaling | None) -> str:
    """Say in a few words what a scaling does."""
    if scaling is None:
        return "as they are"
    if 0 not in scaling.axis:
        return f"{_DONE[scaling.method]}, each sample on a scale of its own"
    n = scaling.offset[0].size
    return f"{_DONE[scaling.method]}, {'one scale for all values' if n == 1 else f'{n:,} scales'}"


def figure(picture: str, caption: str, detail: str, fed: bool) -> str:
    """Return a picture with its caption; `fed` marks the data that the network gets."""
    words = f"<b>{escape(caption)}</b> {escape(detail)}"
    return f'<figure class="{"nnv-fed" if fed else ""}"><figcaption>{words}</figcaption>{picture}</figure>'


def section(title: str, detail: str, figures: Iterable[str]) -> str:
    """Return figures side by side under a title."""
    quiet = f' <span class="nnv-quiet">{escape(detail)}</span>' if detail else ""
    return f'<section><h4>{escape(title)}{quiet}</h4><div class="nnv-columns">{"".join(figures)}</div></section>'


def moments(data: DataSummary, feature: int | None = None) -> str:
    """Say mean, deviation and range, of one feature or of all values together."""
    chosen = slice(None) if feature is None else [feature]
    low, high, n_nan, n_inf = (values.ravel()[chosen] for values in (data.low, data.high, data.n_nan, data.n_inf))
    if np.isnan(low).all():
        return "no finite value"
    mean, deviation = data.overall
    if feature is not None:
        mean, deviation = float(data.mean.ravel()[feature]), float(data.deviation.ravel()[feature])
    spread = f"mean {near_zero(mean, deviation)} · deviation {number(deviation)}"
    bad = [f"{int(n.sum()):,} {what}" for n, what in ((n_nan, "NaN"), (n_inf, "infinite")) if n.any()]
    return " · ".join([f"{number(float(np.nanmin(low)))} … {number(float(np.nanmax(high)))}", spread, *bad])


def near_zero(value: float, scale: float) -> str:
    """Write a number; one that is rounding's, beside the numbers it comes from, is 0."""
    return "0" if abs(value) < 1e-6 * scale else number(value)


def table(before: DataSummary, after: DataSummary | None, name: Callable[[int], str]) -> str:
    """Return the statistics of the first features as a table that can be opened."""
    columns = ["mean", "deviation", "min", "max"]
    sets = [("as they are", before)] + ([("scaled", after)] if after is not None else [])
    n = min(before.n_features, _MAX_ROWS)
    groups = "".join(f'<th scope="colgroup" colspan="4">{words}</th>' for words, _ in sets)
    heads = "".join(f'<th scope="col">{column}</th>' for _ in sets for column in columns)
    flat = [[values.ravel() for values in (each.mean, each.deviation, each.low, each.high)] for _, each in sets]
    n_nan, n_inf = before.n_nan.ravel(), before.n_inf.ravel()
    rows = []
    for i in range(n):
        cells = "".join(
            f"<td>{near_zero(float(values[i]), float(statistics[1][i]))}</td>"
            for statistics in flat
            for values in statistics
        )
        bad = f"<td>{n_nan[i]:,}</td><td>{n_inf[i]:,}</td>"
        rows.append(f'<tr><th scope="row">{escape(cut(name(i), 40))}</th>{bad}{cells}</tr>')
    more = f"<caption>The first {n:,} of {before.n_features:,} features</caption>" if n < before.n_features else ""
    return (
        '<details><summary>Numbers</summary><div class="nnv-scroll" tabindex="0" role="region" '
        f'aria-label="Statistics of the features"><table>{more}<thead><tr><td colspan="3"></td>{groups}</tr>'
        f'<tr><th scope="col">feature</th><th scope="col">NaN</th><th scope="col">infinite</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></details>"
    )
