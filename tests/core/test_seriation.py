"""Vectors that point the same way come to lie beside each other."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nnviz_widgets.core import seriation
from nnviz_widgets.core.seriation import by_similarity


def slow_chain(vectors):
    """The same chain said slowly: one pair, then always the best vector for the end that it suits better."""
    unit = [vector / np.linalg.norm(vector) for vector in vectors]
    pairs = [(float(unit[a] @ unit[b]), -a, -b) for a in range(len(unit)) for b in range(len(unit)) if a != b]
    _, first, second = max(pairs)
    chain = [-first, -second]
    while len(chain) < len(unit):
        left = [index for index in range(len(unit)) if index not in chain]
        head, tail = (max((float(unit[end] @ unit[each]), -each) for each in left) for end in (chain[0], chain[-1]))
        chain = [*chain, -tail[1]] if tail[0] > head[0] else [-head[1], *chain]
    return chain


def neighbours(vectors):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return float((unit[1:] * unit[:-1]).sum(axis=1).mean())


@pytest.mark.parametrize("seed", range(8))
def test_the_chain_is_its_slow_twin(seed):
    vectors = np.random.default_rng(seed).standard_normal((2 + 3 * seed, 5))
    assert by_similarity(vectors).tolist() == slow_chain(vectors)


def test_vectors_around_a_circle_are_walked_around():
    angles = np.random.default_rng(0).uniform(0, 2 * math.pi, 200)
    order = by_similarity(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    jumps = np.abs(np.angle(np.exp(1j * np.diff(angles[order]))))
    gaps = np.diff(np.sort(angles))
    assert np.sort(jumps)[-1] <= gaps.max() + 1e-9


@pytest.mark.parametrize("scale", [1.0, 1e30, 1e-30])
def test_groups_stay_together_however_large_they_are(scale):
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 10, 300)
    vectors = rng.standard_normal((10, 64))[groups] + 0.5 * rng.standard_normal((300, 64))
    order = by_similarity((vectors * scale).astype("f4"))
    assert (np.diff(groups[order]) != 0).sum() == 9


def test_more_than_fit_a_chain_lie_along_their_first_component(monkeypatch):
    monkeypatch.setattr(seriation, "MAX_CHAIN", 50)
    angles = np.random.default_rng(0).uniform(0, math.pi, 100)
    order = by_similarity(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert np.abs(np.diff(angles[order])).mean() < 0.1
    assert abs(angles[order[0]] - angles[order[-1]]) > 2.5


def test_projected_vectors_are_as_similar_as_before(monkeypatch):
    monkeypatch.setattr(seriation, "MAX_PRODUCTS", 0)
    rng = np.random.default_rng(0)
    vectors = np.cumsum(rng.standard_normal((300, 2000)), axis=0)  # a walk: each one is like the one before
    mixed = vectors[rng.permutation(300)]
    assert neighbours(mixed[by_similarity(mixed)]) > 0.95 * neighbours(vectors) > neighbours(mixed)


odd = st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-45, 3e38, math.nan, math.inf, -math.inf])


@settings(max_examples=200, deadline=None)
@given(npst.arrays("f4", npst.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=7), elements=odd))
def test_N01_it_is_a_permutation_whatever_the_vectors_hold(vectors):
    order = by_similarity(vectors)
    assert sorted(order) == list(range(len(vectors)))
    known = np.isfinite(vectors).all(axis=1) & (vectors != 0).any(axis=1)
    assert known[order].tolist() == sorted(known.tolist(), reverse=True)


def test_4096_long_vectors_take_less_than_seconds():
    """Ten times what it takes alone, so that only a change of kind fails."""
    vectors = np.random.default_rng(0).standard_normal((4096, 4096), np.float32).T
    started = time.perf_counter()
    assert len(by_similarity(vectors)) == 4096
    assert time.perf_counter() - started < 4
