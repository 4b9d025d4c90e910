"""Whatever may come next in a condition is offered, with what is typed already first."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnviz_widgets.core.conditions.completion import MAX_CANDIDATES, Candidate, Completion, complete
from nnviz_widgets.core.conditions.known import Known
from nnviz_widgets.core.conditions.tokens import MAX_LENGTH, scan
from nnviz_widgets.core.conditions.tree import STATISTICS, written
from nnviz_widgets.core.frame import KINDS, Catalogue
from nnviz_widgets.core.lookup import Lookup
from tests.core.catalogues import dense, layer, specs_of
from tests.core.conditions.texts import conditions

CATALOGUE = Catalogue(
    layers=(
        layer("dense", 3),
        layer("dense_1", 2),
        layer("block/conv 1", 3),
        layer("block/conv 1#1", 3),
        layer("flatten", 0, ()),
    ),
    specs=(*specs_of("dense", 4, 3), *specs_of("dense_1", 3, 2), *specs_of("block/conv 1", 4, 3)),
)
KNOWN = Known(Lookup(CATALOGUE), ("loss", "accuracy", "val_loss", "top-5"))


def offered(text, known=KNOWN):
    """Complete a text where `|` stands, and return the text with each candidate put in."""
    cursor = text.index("|")
    text = text.replace("|", "")
    found = complete(text, cursor, known)
    return [text[: found.start] + one.text + text[found.end :] for one in found.candidates]


@pytest.mark.parametrize(
    ("text", "completed"),
    [
        ("lo|", ["loss", "val_loss"]),
        ("LO|", ["loss", "val_loss"]),
        ("loss > 3 or na|", ["loss > 3 or nan"]),
        ("a|", ["accuracy", "nan", "val_loss", "mean(", "max(", "update_ratio("]),
        ("top|", ['"top-5"']),
        ('"to|', ['"top-5"']),
        ("loss > 3 an|", ["loss > 3 and"]),
        ("loss |", [f"loss {word}" for word in ("and", "or", ">", ">=", "<", "<=", "==", "!=")]),
        ("l2(|", ["l2(dense", "l2(dense_1", 'l2("block/conv 1"', 'l2("block/conv 1#1"', "l2(flatten"]),
        ("l2(con|", ['l2("block/conv 1"', 'l2("block/conv 1#1"']),
        ('l2("block/|', ['l2("block/conv 1"', 'l2("block/conv 1#1"']),
        ("l2('blo|) > 3", ['l2("block/conv 1") > 3', 'l2("block/conv 1#1") > 3']),
        ('l2("blo|ck".weights) > 3', ['l2("block/conv 1".weights) > 3', 'l2("block/conv 1#1".weights) > 3']),
        ('l2("block/conv 1"|', ['l2("block/conv 1".']),
        ("l2(dense.|", [f"l2(dense.{kind}" for kind in KINDS]),
        (
            'l2("block/conv 1".gr|) > 1',
            ['l2("block/conv 1".gradients) > 1', 'l2("block/conv 1".activation_gradients) > 1'],
        ),
        ("update_ratio(dense.|", ["update_ratio(dense.weights"]),
        ("l2(flatten.|", []),
        ("l2(dense.gradients |", ["l2(dense.gradients )"]),
        ("dense.|", []),
        ("loss > 3|", []),
        ("ac|curacy > 3", ["accuracy > 3"]),
    ],
)
def test_what_may_come_next(text, completed):
    assert offered(text) == completed


def test_at_the_beginning_everything_is_offered_with_what_it_is():
    start, end, candidates = complete("", 0, KNOWN)
    assert (start, end) == (0, 0)
    assert [one.text for one in candidates] == [
        "loss", "step", "epoch", "lr", "nan", "accuracy", "val_loss", '"top-5"',
        *(f"{name}(" for name in STATISTICS), "not",
    ]  # fmt: skip
    assert {one.sort for one in candidates} == {"name", "metric", "function", "word"}
    assert complete("l2(", 3, KNOWN).candidates[0] == Candidate("dense", "layer")
    assert complete("l2(dense.", 9, KNOWN).candidates[0] == Candidate("weights", "kind")
    assert complete("loss ", 5, KNOWN).candidates[0] == Candidate("and", "word")


def test_what_is_not_known_yet_is_left_out():
    unbuilt = Known(Lookup(Catalogue()), None)
    assert offered("l2(|", unbuilt) == []
    assert offered("l2(dense.w|", unbuilt) == ["l2(dense.weights"]
    assert offered("los|", unbuilt) == ["loss"]
    only_weights = replace(CATALOGUE, specs=tuple(spec for spec in CATALOGUE.specs if spec.key.kind == "weights"))
    before_first_step = Known(Lookup(only_weights), None)
    assert offered("l2(dense.|", before_first_step) == [f"l2(dense.{kind}" for kind in KINDS]
    assert offered("l2(flatten.|", before_first_step) == ["l2(flatten.activations", "l2(flatten.activation_gradients"]


@given(conditions)
def test_each_word_of_a_condition_is_offered_where_it_stands(tree):
    text = written(tree)
    for token in scan(text)[:60]:
        before = text[: token.column - 1]
        wanted = f"{token.text}(" if token.text in STATISTICS else token.text
        if token.sort == "word":
            assert wanted in [one.text for one in complete(before, len(before), KNOWN).candidates]
            assert wanted in [one.text for one in complete(before + token.text[:2], len(before) + 2, KNOWN).candidates]


@settings(max_examples=300)
@given(st.text(max_size=30) | st.text("l2(dense.'\"b/# loss>3)", max_size=30), st.integers(-5, 40))
def test_any_text_can_be_completed_anywhere(text, cursor):
    found = complete(text, cursor, KNOWN)
    assert 0 <= found.start <= max(0, min(cursor, len(text))) <= found.end <= len(text)
    assert len(found.candidates) <= MAX_CANDIDATES


def test_of_very_many_only_some_are_offered():
    known = Known(Lookup(dense(*[2] * 300)), None)
    assert len(complete("l2(", 3, known).candidates) == MAX_CANDIDATES
    assert complete("l2(dense_250", 12, known).candidates == (Candidate("dense_250", "layer"),)
    assert complete("l" * (MAX_LENGTH + 1), 5, known) == Completion(5, 5)
