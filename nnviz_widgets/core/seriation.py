"""Put vectors in a row so that those beside each other point the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_CHAIN = 4096
"""Up to so many vectors the similarities of all pairs are held: 64 MiB of them."""
MAX_PRODUCTS = 1 << 33
"""Up to so many products the similarities are exact: a tenth of a second or so."""
MAX_AXES = 256
"""Onto so many random directions vectors are projected where it would be more: cosines are right to 0.06 or so then."""


def by_similarity(vectors: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return an order in which neighbours have a large cosine similarity.

    A chain that begins with the most similar pair and takes up, at either end, the vector that is most similar to that
    end: the nearest-neighbour heuristic for the Hamiltonian path with the most similarity between neighbours (Hahsler,
    Hornik and Buchta 2008, "Getting Things in Order: An Introduction to the R Package seriation", Journal of
    Statistical Software 25(3)). Many long vectors are projected first (Johnson and Lindenstrauss 1984), always onto the
    same directions. More than `MAX_CHAIN` vectors are laid out along their first principal component instead.

    Args:
        vectors: Shape `(n_vectors, length)`, real. Those that are zero or not finite have no direction and come last.

    Returns:
        Shape `(n_vectors,)`, a permutation. Which end comes first says nothing.
    """
    directions, known = _directions(vectors)
    place = _chain(directions) if len(directions) <= MAX_CHAIN else _along_first_component(directions)
    return np.concatenate([np.flatnonzero(known)[place], np.flatnonzero(~known)])


def _directions(vectors: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return the vectors that have a direction, at length 1 and perhaps projected, and which they are."""
    largest = np.abs(vectors).max(axis=1, initial=0.0)
    known = np.isfinite(largest) & (largest > 0)
    # By the largest first: the square of 1e30 is no float32.
    scaled = (vectors[known] / largest[known, None]).astype(np.float32)
    if scaled.shape[1] > MAX_AXES and len(scaled) * scaled.size > MAX_PRODUCTS:
        scaled = scaled @ np.random.default_rng(0).standard_normal((scaled.shape[1], MAX_AXES), np.float32)
    return scaled / np.linalg.norm(scaled, axis=1, keepdims=True), known


def _chain(directions: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    n_vectors = len(directions)
    if n_vectors < 2:
        return np.arange(n_vectors)
    similarity = directions @ directions.T
    np.fill_diagonal(similarity, -np.inf)
    # What is taken gets this much less, and is never the largest again.
    taken = np.zeros(n_vectors, np.float32)
    chain = [int(end) for end in np.unravel_index(similarity.argmax(), similarity.shape)]
    taken[chain] = np.inf
    heads, tails = chain[:1], chain[1:]
    nearest = [_nearest(similarity[end[-1]], taken) for end in (heads, tails)]
    for _ in range(n_vectors - 2):
        grows = int(nearest[1][1] > nearest[0][1])
        end = (heads, tails)[grows]
        end.append(nearest[grows][0])
        taken[end[-1]] = np.inf
        nearest[grows] = _nearest(similarity[end[-1]], taken)
        if nearest[1 - grows][0] == end[-1]:
            nearest[1 - grows] = _nearest(similarity[(tails, heads)[grows][-1]], taken)
    return np.array(heads[::-1] + tails)


def _nearest(similarity: npt.NDArray[np.float32], taken: npt.NDArray[np.float32]) -> tuple[int, float]:
    left = similarity - taken
    index = int(left.argmax())
    return index, float(left[index])


def _along_first_component(directions: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    centred = directions - directions.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    return np.argsort(centred @ axes[:, -1], kind="stable")
