"""What may come next in a condition that is being typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from nnviz_widgets.core.conditions.known import has_kind
from nnviz_widgets.core.conditions.tokens import MAX_LENGTH, Token, scan
from nnviz_widgets.core.conditions.tree import NAMES, STATISTICS, quoted
from nnviz_widgets.core.frame import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nnviz_widgets.core.conditions.known import Known, Tensors
    from nnviz_widgets.core.frame import Kind

MAX_CANDIDATES = 50

Sort = Literal["name", "metric", "function", "layer", "kind", "word", "sign"]

_JUNCTIONS: tuple[tuple[str, Sort], ...] = (("and", "word"), ("or", "word"))
_COMPARISONS: tuple[tuple[str, Sort], ...] = tuple((sign, "sign") for sign in (">", ">=", "<", "<=", "==", "!="))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to go on.

    Attributes:
        text: What to put in the place of what is being typed.
        sort: What it is.
    """

    text: str
    sort: Sort


class Completion(NamedTuple):
    """All ways to go on.

    Attributes:
        start: Index of the first character that a candidate replaces.
        end: Index after the last one; never beyond the cursor but for the rest of a word or a quoted text.
        candidates: Those that begin with what is typed, then those that have it inside; at most 50.
    """

    start: int
    end: int
    candidates: tuple[Candidate, ...] = ()


def complete(text: str, cursor: int, known: Known) -> Completion:
    """Say what may stand where the cursor is.

    Args:
        text: A condition, however unfinished.
        cursor: Index of the character before which the cursor stands, from 0.
        known: What there is to name.
    """
    cursor = max(0, min(cursor, len(text)))
    if len(text) > MAX_LENGTH:
        return Completion(cursor, cursor)
    place = _place(text, cursor)
    if place.start == cursor and text[:cursor][-1:].isdigit():  # within a number, or a word would touch it
        return Completion(cursor, cursor)
    typed = text[place.start : cursor].strip("\"'").lower()
    return Completion(place.start, place.end, _chosen(_all_at(place.before, known), typed))


class _Place(NamedTuple):
    """Where the cursor is: the word that it is in, from and up to which index, and the tokens before that."""

    before: list[Token]
    start: int
    end: int


def _place(text: str, cursor: int) -> _Place:
    tokens = scan(text)
    for index, token in enumerate(tokens):
        start, end = token.column - 1, token.end - 1
        if token.text in ("'", '"') and start < cursor:  # a quote that is not closed yet: all after it is the path
            return _Place(tokens[:index], start, cursor)
        if token.sort in ("word", "text") and start < cursor <= end and not _closed(token, cursor - start):
            return _Place(tokens[:index], start, end)
    return _Place([token for token in tokens if token.end - 1 <= cursor], cursor, cursor)


def _closed(token: Token, place: int) -> bool:
    """Whether the cursor is behind the quote that ends a text, where a dot comes next."""
    return token.sort == "text" and place == len(token.text)


def _all_at(before: list[Token], known: Known) -> Iterable[tuple[str, Sort]]:
    last = before[-1] if before else None
    match [token.text for token in before[-4:]]:
        case [*_, function, "(", layer, "."] if function in STATISTICS:
            return _kinds(function, _unquoted(layer), known.tensors)
        case [*_, function, "("] if function in STATISTICS:
            return [(quoted(layer.path), "layer") for layer in known.tensors.catalogue.layers]
        case [*_, function, "(", _] if function in STATISTICS:
            return [(".", "sign")]
        case [*_, "(", _, ".", kind] if kind in KINDS:
            return [(")", "sign")]
        case [*_, "."]:
            return []
    if last is None or last.text in ("and", "or", "not") or (last.sort == "sign" and last.text != ")"):
        return _operands(last, known)
    return [*_JUNCTIONS, *_COMPARISONS]


def _kinds(function: str, layer: str, tensors: Tensors) -> list[tuple[str, Sort]]:
    wanted: tuple[Kind, ...] = ("weights",) if function == "update_ratio" else KINDS
    return [(kind, "kind") for kind in wanted if has_kind(tensors, layer, kind)]


def _operands(last: Token | None, known: Known) -> list[tuple[str, Sort]]:
    found: list[tuple[str, Sort]] = [(name, "name") for name in NAMES]
    found += [(quoted(name), "metric") for name in known.metrics or () if name not in NAMES]
    found += [(f"{name}(", "function") for name in STATISTICS]
    return found if last is not None and last.text not in ("and", "or", "not", "(") else [*found, ("not", "word")]


def _unquoted(text: str) -> str:
    return text[1:-1] if text[:1] in ("'", '"') else text


def _chosen(candidates: Iterable[tuple[str, Sort]], typed: str) -> tuple[Candidate, ...]:
    """Choose those that have what is typed, and put those that begin with it first."""
    found = [(re.sub("[\"'(]", "", text).lower().find(typed), text, sort) for text, sort in candidates]
    ranked = sorted((place > 0, index) for index, (place, _, _) in enumerate(found) if place >= 0)
    return tuple(Candidate(found[index][1], found[index][2]) for _, index in ranked[:MAX_CANDIDATES])
