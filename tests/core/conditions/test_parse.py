"""A text is read as the condition that it is, or refused with the column and what to write instead."""

import builtins
import random
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnviz_widgets.core.conditions.parse import MAX_DEPTH, parse
from nnviz_widgets.core.conditions.tokens import MAX_LENGTH, MAX_NESTING, MAX_TOKENS
from nnviz_widgets.core.conditions.tree import Comparison, Name, NonFinite, Number, Statistic, written
from nnviz_widgets.errors import InvalidArgumentError, NotACondition
from tests.core.conditions.hostile import ATOMS, DEEP, hostile
from tests.core.conditions.texts import conditions


def refusal(text):
    """Return what is said of a text that is refused, and the column."""
    with pytest.raises(NotACondition) as caught:
        parse(text)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).endswith(f" (col {caught.value.column})")
    assert 1 <= caught.value.column <= min(len(text), MAX_LENGTH) + 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("loss > 3", "loss>3.0"),
        ("  loss > 3\n", "((loss) > (3))"),
        ("loss > 1_000", "loss > 1e3"),
        ("-2 ** 2 < loss", "-(2 ** 2) < loss"),
        ("2 ** 3 ** 2 < loss", "2 ** (3 ** 2) < loss"),
        ("1 - 2 - 3 < loss", "(1 - 2) - 3 < loss"),
        ("1 + 2 * 3 % 4 < loss", "1 + ((2 * 3) % 4) < loss"),
        ("loss // -step < 1", "loss // (-step) < 1"),
        ("nan or step > 1 and loss > 2", "nan or ((step > 1) and (loss > 2))"),
        ("not nan and nan", "(not nan) and nan"),
        ("not loss > 3 == 2", "not (loss > 3 == 2)"),
        ("l2(dense.gradients) > 1", "l2( 'dense' . gradients)>1"),
        ("'loss' > 3", "loss > 3"),
    ],
)
def test_texts_that_say_the_same_are_the_same(text, same):
    assert parse(text) == parse(same)


def test_a_chain_is_one_comparison():
    assert parse("1 < loss <= 3 != step") == Comparison(
        ("<", "<=", "!="), (Number(1.0), Name("loss"), Number(3.0), Name("step"))
    )
    assert parse("(1 < loss) and loss <= 3") != parse("1 < loss <= 3")


@pytest.mark.parametrize(
    ("tensor", "layer"),
    [
        ("dense.weights", "dense"),
        ('"dense".weights', "dense"),
        ('"block/conv 1#1".weights', "block/conv 1#1"),
        ("'d\"1'.weights", 'd"1'),
        ("größe.weights", "größe"),
        ("nan.weights", "nan"),
        ("l2.weights", "l2"),
    ],
)
def test_a_tensor_is_a_name_or_a_quoted_path_with_a_kind(tensor, layer):
    assert parse(f"mean({tensor}) < 0").operands[0] == Statistic("mean", layer, "weights")


def test_columns_are_of_characters_and_not_of_bytes():
    tree = parse(" größe > 1 and l2('ü/ß'.weights) > übung")
    first, second = tree.operands
    assert first.operands[0].column == 2
    assert [operand.column for operand in second.operands] == [19, 36]


@given(conditions)
def test_what_is_written_is_read_again(tree):
    text = written(tree)
    if len(text) <= MAX_LENGTH:
        assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", 'a condition is not empty; write, for example, "loss > 3" (col 1)'),
        ("loss", "a condition must be true or false, and loss is a number; compare it, as in loss > 1 (col 1)"),
        ("nan and loss + 1", "and loss + 1 is a number; compare it, as in loss + 1 > 1 (col 9)"),
        ("1 < 2", "must name what changes"),
        ("loss = 3", "an assignment; to compare, write == (col 6)"),
        ("loss > 3 & nan", "'&'; write and (col 10)"),
        ("loss > 3 || nan", "'||'; write or (col 10)"),
        ("!nan", "'!'; write not (col 1)"),
        ("loss ^ 2 > 3", "a power is written ** (col 6)"),
        ("nan > 1", "nan is true or false, not a number; write it alone, or with and, or, not (col 1)"),
        ("loss + nan > 1", "nan is true or false, not a number; write it alone, or with and, or, not (col 8)"),
        ("'nan' == loss", "nan is true or false, not a number; write it alone, or with and, or, not (col 1)"),
        ("1 + (loss > 1) > 2", "a number must be here, and this is true or false (col 6)"),
        (
            "dense.weights > 1",
            "dense.weights is a whole tensor; choose a number of it, as in l2(dense.weights) (col 1)",
        ),
        ("l2(dense) > 1", "l2() takes one tensor: name a kind too, as in l2(dense.weights) (col 1)"),
        ("l2() > 1", "l2() takes one tensor: a name or a path in quotes, a dot and a kind, as in l2(dense.weights)"),
        ("l2(a/b.weights) > 1", 'l2() takes one tensor: a path is written in quotes, as in l2("block/conv".weights)'),
        ("l2(d#1.weights) > 1", "'#' outside quotes; a path with it is written \"dense#1\".activations (col 5)"),
        ("l2(dense.gradient) > 1", "'gradient' is not a kind of tensor; did you mean 'gradients'? (col 10)"),
        ("max(loss, 3) > 1", "a comma; a function takes one tensor (col 9)"),
        ("abs(loss) > 1", "abs(); functions are mean, std, min, max, l2, zeros, update_ratio (col 1)"),
        ("stdd(d.weights) > 1", "stdd(); did you mean std()? (col 1)"),
        ("update_ratio(d.gradients) > 1", "is of weights, not of gradients; write update_ratio(d.weights) (col 14)"),
        ("loss > 1or nan", "'1or' is not a number (col 8)"),
        ("loss > 1e999", "this number is larger than any float64 (col 8)"),
        ("loss > " + "9" * 400, "this number is larger than any float64 (col 8)"),
        ("loss >", "this cannot be read: something is missing, or one too many (col 7)"),
        ("(loss > 3", "this parenthesis is not closed (col 1)"),
        ("loss) > (3", "this parenthesis closes none (col 5)"),
        ("() > 1", "these parentheses are empty (col 1)"),
        ("loss > 'a", "a quote that does not end, or a backslash in it (col 8)"),
        ("'a' 'b' > loss", "two quoted texts side by side (col 5)"),
        ("loss\x00 > 3", "the character '\\x00' (col 5)"),
    ],
)
def test_a_refusal_says_what_to_write(text, said):
    assert said in refusal(text)


@pytest.mark.parametrize("wrong", [None, 3, b"loss > 3", ["loss > 3"]])
def test_what_is_no_text_is_refused(wrong):
    with pytest.raises(InvalidArgumentError, match="A condition must be a text"):
        parse(wrong)


def test_a_condition_may_be_as_large_as_its_limits_say():
    parse("loss > 3" + " " * (MAX_LENGTH - 8))
    parse("(" * MAX_NESTING + "loss" + ")" * MAX_NESTING + " > 3")
    parse("a" + "<a" * (MAX_TOKENS // 2 - 1))
    parse("loss" + "+1" * (MAX_DEPTH - 2) + " > 3")
    parse("not " * (MAX_DEPTH - 1) + "nan")


def test_a_condition_may_be_no_larger():
    assert "at most 1000 characters" in refusal("loss > 3" + " " * (MAX_LENGTH - 7))
    assert "at most 20 parentheses" in refusal("(" * (MAX_NESTING + 1) + "loss" + ")" * (MAX_NESTING + 1) + " > 3")
    assert "at most 300 names" in refusal("a" + "<a" * (MAX_TOKENS // 2))
    assert "at most 50 levels" in refusal("loss" + "+1" * (MAX_DEPTH - 1) + " > 3")
    assert "at most 50 levels" in refusal("not " * MAX_DEPTH + "nan")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("__import__('os').system('x')", "not allowed in a condition: attribute access (col 18)"),
        ("x.__class__", "not allowed in a condition: attribute access (col 3)"),
        ("[].append", "not allowed in a condition: attribute access (col 4)"),
        ("lambda: 0", "not allowed in a condition: 'lambda' (col 1)"),
        ("(" * 10**5 + ")" * 10**5, "at most 1000 characters"),
        ("9**9**9", "9 ** (9 ** 9) is a number"),
    ],
)
def test_r02_the_texts_of_the_fault_table(text, said):
    assert said in refusal(text)


@pytest.fixture
def calls(monkeypatch):
    """List the calls of the built-in `canary`, which is there for texts that are run as Python."""
    calls = []
    monkeypatch.setattr(builtins, "canary", lambda *args: calls.append(args) or 3, raising=False)
    assert eval("canary() > 1")
    assert calls.pop() == ()
    return calls


@pytest.mark.parametrize("text", ATOMS, ids=ascii)
def test_r02_no_fragment_is_taken_or_run(text, calls):
    refusal(text)
    refusal(f"{text} > loss")
    assert calls == []


@pytest.mark.parametrize("make", DEEP)
@pytest.mark.parametrize("n", [60, 10**3, 10**5])
def test_r02_no_depth_is_taken(make, n):
    refusal(make(n))


def test_r02_none_of_10_000_hostile_texts_is_taken_or_run(calls):
    texts = list(hostile(10_000))
    assert len(set(texts)) > 4_000
    for text in texts:
        refusal(text)
    assert calls == []


@settings(max_examples=1000)
@given(st.text(max_size=40) | st.text("loss>3.()'\"#dn/*-+ a,=", max_size=40))
def test_r02_any_text_is_a_condition_or_refused(text):
    try:
        tree = parse(text)
    except NotACondition:
        refusal(text)
    else:
        assert parse(written(tree)) == tree


def test_r02_pieces_of_python_in_any_order_are_conditions_or_refused():
    rng = random.Random(0)
    pieces = ["(", ")", "not", "and", "<", "==", "**", "-", ".", "loss", "nan", "1", "1e5", "'a'", "l2", "weights", "%"]
    n_read = 0
    for _ in range(5_000):
        text = rng.choice(("", " ")).join(rng.choice(pieces) for _ in range(rng.randint(1, 8)))
        try:
            tree = parse(text)
        except NotACondition:
            continue
        n_read += 1
        assert parse(written(tree)) == tree
    assert n_read > 10


def test_r02_a_caller_near_the_end_of_the_stack_is_told_so():
    text = "not " * (MAX_DEPTH - 1) + "nan"
    found = []

    def sink(depth):
        if depth:
            return sink(depth - 1)
        try:
            return parse(text)
        except NotACondition as error:
            found.append(str(error))
            return None

    def run():
        for depth in range(limit - 200, limit):
            try:
                assert sink(depth) in (None, parse(text))
            except RecursionError:
                return

    limit = sys.getrecursionlimit()
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert any("too deep to be read here" in text for text in found)


def test_nan_alone_is_a_condition():
    assert parse("nan") == NonFinite()
