"""What each tensor tells of, and whether that may be shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nnviz_widgets.core.frame import Kind, of_batch
from nnviz_widgets.sharing.passing import passing_layers, statistics_of

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import Catalogue, TensorKey
    from nnviz_widgets.sharing.privacy import Opened, Privacy

Content = Kind | Literal["inputs"]
"""What a picture tells of, whatever it is drawn of."""

OPENED_BY: dict[Content, Opened] = {
    "activations": "activations",
    "gradients": "gradients",
    "activation_gradients": "gradients",
    "inputs": "inputs",
}
"""Which name of `Privacy` opens what; weights are always shown, but pooled and at few steps."""


class Contents:
    """What the tensors of one model tell of."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Find the layers that hand the batch on, and the statistics of it.

        Args:
            catalogue: All layers and tensors of the model.
        """
        self._passing = passing_layers(catalogue)
        self._statistics = statistics_of(catalogue, self._passing)

    def of(self, key: TensorKey) -> Content:
        """Return what a tensor tells of: the batch itself, what hands it on and its statistics tell of inputs."""
        if of_batch(key) or key in self._statistics or (key.kind == "activations" and key.layer in self._passing):
            return "inputs"
        return key.kind


def is_open(content: Content, privacy: Privacy) -> bool:
    """Whether something may be shown whole."""
    opened = OPENED_BY.get(content)
    return opened is None or privacy.allows(opened)
