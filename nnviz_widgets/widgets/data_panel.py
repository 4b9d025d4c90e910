"""The data panel: inputs and labels, before a scaling and after it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import traitlets

from nnviz_widgets.core.calls import called
from nnviz_widgets.core.data_remarks import remarks
from nnviz_widgets.core.data_summary import DataSummary, histogram, sample_rows, summarize
from nnviz_widgets.core.label_summary import LabelSummary, summarize_labels
from nnviz_widgets.core.scaling import Scaling, real_numbers
from nnviz_widgets.errors import InvalidArgumentError
from nnviz_widgets.widgets.data_picture import (
    histogram_picture,
    is_map,
    labels_picture,
    maps_picture,
    profile_picture,
)
from nnviz_widgets.widgets.data_style import STYLE
from nnviz_widgets.widgets.data_words import figure, heading, moments, section, table, without_one_channel

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


class _Side:
    """The data on one side of the scaling: what is known of all samples, and some of them for histograms."""

    def __init__(self, title: str, summary: DataSummary, sample: npt.NDArray[Any], *, fed: bool) -> None:
        self.title = title
        self.summary = summary
        self.sample = sample
        self.fed = fed

    def of_all(self) -> str:
        picture = histogram_picture(histogram(self.sample), f"All values, {self.title}")
        return figure(picture, self.title, moments(self.summary), self.fed)

    def of_feature(self, feature: int, name: str) -> str:
        values = self.sample.reshape(len(self.sample), -1)[:, feature]
        picture = histogram_picture(histogram(values), f"{name}, {self.title}", selected=True)
        return figure(picture, self.title, moments(self.summary, feature), self.fed)


class DataPanel(ipywidgets.VBox):  # type: ignore[misc]
    """Shows how inputs and labels are distributed, before a scaling and after it, and says what is amiss with them.

    Grey is what was given, blue what the network gets, orange the feature that the slider chose. In the profile a thin
    line is the range of a feature and a thick one mean ± standard deviation; pixels are maps of mean and deviation.

    Statistics are exact and over all samples; histograms of more than a million values are drawn from some of the
    samples. The panel keeps these, and nothing else of the data.

    Attributes:
        feature: Index of the feature that is shown; features of several axes are counted with the last axis fastest.
        summary: Statistics of each feature, as given.
        remarks: What is amiss, as shown.
    """

    feature = traitlets.Int(0)

    @called("DataPanel")
    def __init__(
        self,
        x: Any,
        y: Any = None,
        scaling: Scaling | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> None:
        """Make a panel; show it by naming it at the end of a notebook cell.

        Args:
            x: Integers or floats of any shape, samples along the first axis, as they are before the scaling.
            y: A label for each sample: classes by number or name, one-hot rows, or numbers.
            scaling: The second value of `standardize` or `normalize`.
            feature_names: A name for each feature; those of a table's columns by default.

        Raises:
            InvalidArgumentError: If `x` holds no numbers or no samples, or one of the others does not fit it.

        Example:
            ```python
            x_scaled, scaling = nnviz.standardize(x)
            nnviz.DataPanel(x, y, scaling)
            ```
        """
        data = _checked(x)
        if scaling is not None and not isinstance(scaling, Scaling):
            raise InvalidArgumentError(
                "`scaling` must be the second value that `standardize` or `normalize` returned. "
                f"Received: {type(scaling).__name__}. Unpack it: `x_scaled, scaling = nnviz.standardize(x)`."
            )
        rows = sample_rows(len(data), math.prod(data.shape[1:]))
        self._n_drawn = len(data[rows])
        self._names = _names(x, data.shape[1:], feature_names)
        sides = [("as given", summarize(data), data[rows].copy())]
        if scaling is not None:
            whole = 0 not in scaling.axis
            scaled = scaling.apply(data)[rows] if whole else scaling.apply(data[rows])
            sides.append(("scaled", summarize(data, scaling), scaled))
        self._sides = [_Side(*side, fed=side is sides[-1]) for side in sides]
        self.summary = self._sides[0].summary
        after = self._sides[1].summary if scaling is not None else None
        labels = None if y is None else summarize_labels(y, len(data))
        self.remarks = remarks(self.summary, after, scaling, labels, self.name)

        self._overview, self._detail = ipywidgets.HTML(), ipywidgets.HTML()
        parts: list[Any] = [ipywidgets.HTML(STYLE + heading(self.summary, scaling, self.remarks)), self._overview]
        if self.summary.n_features > 1:
            self._slider = ipywidgets.IntSlider(0, 0, self.summary.n_features - 1, description="feature")
            self._slider.layout.width = "min(100%, 560px)"
            traitlets.link((self, "feature"), (self._slider, "value"))
            parts += [self._slider, self._detail]
        foot = (
            ""
            if labels is None
            else section("Labels", _hint(labels), [figure(labels_picture(labels), "", "", fed=True)])
        )
        parts.append(ipywidgets.HTML(foot + table(self.summary, after, self.name)))
        super().__init__(parts)
        self.add_class("nnv-prep")
        if is_map(self.summary.shape):
            # The corner of an image is its border: begin where something is to be seen.
            self.feature = int(np.nan_to_num(self.summary.deviation).argmax())
        self._draw()

    def name(self, feature: int) -> str:
        """Return the name of a feature, or its place."""
        if self._names is not None:
            return self._names[feature]
        shape = without_one_channel(self.summary.shape)
        if len(shape) < 2:
            return f"feature {feature}"
        return f"({', '.join(str(int(i)) for i in np.unravel_index(feature, shape))})"

    @traitlets.validate("feature")
    def _within(self, proposal: Any) -> int:
        n = self.summary.n_features
        if not 0 <= proposal["value"] < n:
            raise InvalidArgumentError(
                f"`feature` must be from 0 to {n - 1}. Received: feature={proposal['value']}. Use a feature's index."
            )
        return int(proposal["value"])

    @traitlets.observe("feature")
    def _moved(self, change: object) -> None:
        self._draw()

    def _draw(self) -> None:
        n = self.summary.n_samples
        drawn = f"drawn from {self._n_drawn:,} of {n:,} samples" if self._n_drawn < n else ""
        overview = section("All values", drawn, [side.of_all() for side in self._sides])
        if self.summary.n_features > 1:
            overview += section(*self._by_feature())
            name = self.name(self.feature)
            figures = [side.of_feature(self.feature, name) for side in self._sides]
            detail = "" if name.startswith("feature ") else f"feature {self.feature} "
            self._detail.value = section(name, f"{detail}of {self.summary.n_features:,}", figures)
        self._overview.value = overview if len(self._sides) > 1 else f'<div class="nnv-columns">{overview}</div>'

    def _by_feature(self) -> tuple[str, str, list[str]]:
        if is_map(self.summary.shape):
            title, detail = "Each feature at its place", "mean and deviation over the samples, on one scale"
            pictures = [maps_picture(side.summary, self.feature, side.title) for side in self._sides]
        else:
            title, detail = "Each feature", "thin: range, thick: mean ± deviation"
            pictures = [profile_picture(side.summary, self.feature, self.name, side.title) for side in self._sides]
        return title, detail, [figure(p, s.title, "", s.fed) for p, s in zip(pictures, self._sides, strict=True)]

    def __repr__(self) -> str:
        """Say in one line what it shows."""
        shape = " × ".join(map(str, self.summary.shape)) or "1"
        n = len(self.remarks)
        said = f"{n} remark{'' if n == 1 else 's'}"
        return f"<DataPanel of {self.summary.n_samples:,} samples of {shape}: {said}>"


def _hint(labels: LabelSummary) -> str:
    hints = {"classes": "dashed: equal shares", "flags": "a sample may have several", "numbers": ""}
    return hints[labels.kind]


def _checked(x: Any) -> npt.NDArray[Any]:
    data = real_numbers(x)
    if data.ndim == 0 or data.size == 0:
        raise InvalidArgumentError(
            f"`x` must have samples along its first axis, and values. Received: shape {data.shape}. "
            "Give at least one sample."
        )
    return data


def _names(x: Any, shape: tuple[int, ...], given: Sequence[str] | None) -> list[str] | None:
    """Return a name for each feature: those given, those of a table's columns, or `None`."""
    n = math.prod(shape)
    if given is None:
        columns = getattr(x, "columns", None)
        return [str(column) for column in columns] if columns is not None and len(columns) == n else None
    names = [str(name) for name in given]
    if isinstance(given, str) or len(names) != n:
        raise InvalidArgumentError(
            f"`feature_names` must have a name for each of the {n:,} features. Received: {len(names):,} names. "
            "Give as many as a sample has values."
        )
    return names
