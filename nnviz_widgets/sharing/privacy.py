"""Which kinds of data a shared file may hold: by default nothing that tells of single samples or batches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from nnviz_widgets.core.calls import called
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

Opened = Literal["activations", "gradients", "inputs", "labels"]
"""What a person may open by name."""

LEAST_SAMPLES = 10
"""Of fewer samples no statistics are shared."""

MOST_SIDE = 256
"""To how many rows and columns pictures of weights are pooled in a file without gradients."""

MOST_STEPS = 16
"""Of how many steps such a file has pictures."""

LEAST_APART = 2
"""How far from each other these steps are: by how much weights of two steps in a row differ is a gradient."""


@dataclass(frozen=True, init=False, repr=False)
class Privacy:
    """What a shared file may hold beyond architecture, metrics, statistics and pooled pictures of weights.

    Attributes:
        include: The kinds that are opened, of `"activations"`, `"gradients"` (those of activations too), `"inputs"` and
            `"labels"`. Without any, which is the default, a file has none of them: then histograms stand for them, over
            no fewer than 10 samples and 64 values, and the weights are pooled to 256 x 256 cells at no more than 16
            steps, of which no two are in a row.
        REVEALS: For each of these names, in one line, what it can reveal.
    """

    include: tuple[Opened, ...]

    REVEALS: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "activations": "Activations of single samples: what a model was fed can often be reconstructed from them.",
            "gradients": "Gradients of single batches: whole training samples and their labels can be computed "
            "from them (gradient inversion), also from weights of steps in a row, which are whole then.",
            "inputs": "The first samples of each kept batch themselves, as the model was fed them.",
            "labels": "The targets of the first samples of each kept batch.",
        }
    )

    @called("Privacy")
    def __init__(self, include: Iterable[Opened] | Opened = ()) -> None:
        """Open kinds by name.

        Args:
            include: One name or several, as above.

        Raises:
            InvalidArgumentError: If a name is not known.
        """
        given = (include,) if isinstance(include, str) else include
        if not isinstance(given, Iterable):
            raise InvalidArgumentError(_must(f"include={include!r}", "Leave it out for the safe default."))
        names = tuple(given)
        for name in names:
            if name not in get_args(Opened):
                raise InvalidArgumentError(_must(repr(name), _advice(str(name))))
        object.__setattr__(self, "include", tuple(name for name in get_args(Opened) if name in names))

    @property
    def reveals(self) -> list[str]:
        """What the opened kinds can reveal, a line each."""
        return [self.REVEALS[name] for name in self.include]

    def allows(self, name: Opened) -> bool:
        """Whether a kind is opened."""
        return name in self.include

    def __repr__(self) -> str:
        """Say what is opened, and what that can reveal."""
        if not self.include:
            return "<Privacy: no inputs, labels, activations or gradients>"
        return "\n".join([f"<Privacy: opens {', '.join(self.include)}>", *self.reveals])


def _advice(name: str) -> str:
    """Say what to do instead; nobody is led to open a kind by a word that only looks a little like it."""
    if name in ("weights", "metrics", "architecture", "vitals", "histograms"):
        return f"The {name} are in every file."
    near = get_close_matches(name, get_args(Opened), n=1, cutoff=0.75)
    return f'Did you mean "{near[0]}"?' if near else "Leave it out for the safe default."


def _must(received: str, instead: str) -> str:
    names = ", ".join(f'"{name}"' for name in get_args(Opened))
    return f"`include` must hold names among {names}. Received: {received}. {instead}"


def checked_privacy(value: object) -> Privacy:
    """Return what may be shared; `None` is the safe default.

    Raises:
        InvalidArgumentError: If `value` is neither.
    """
    if value is None:
        return Privacy()
    if isinstance(value, Privacy):
        return value
    raise InvalidArgumentError(
        f"`privacy` must be None, for the safe default, or a Privacy. Received: privacy={value!r:.200}. "
        'Make one with `nnviz.Privacy(include=("activations",))`.'
    )
