"""From the text of a condition to its tokens, and everything that can be refused before Python's parser sees it.

What gets past here is short, flat, balanced, and made of names, decimal numbers, quoted texts and the signs of the
language alone, so that no text can make the parser crash, warn or take long.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from typing import Literal

from nnviz_widgets.core.frame import KINDS
from nnviz_widgets.errors import InvalidArgumentError, NotACondition

MAX_LENGTH = 1000
"""Characters of a condition."""

MAX_TOKENS = 300
"""Names, numbers, quoted texts and signs of a condition."""

MAX_NESTING = 20
"""Parentheses within each other."""

_TOKEN = re.compile(
    r"""(?P<space>[ ]+)
      | (?P<text>"[^"\\]*"|'[^'\\]*')
      | (?P<number>(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)
      | (?P<word>[^\W\d]\w*)
      | (?P<sign>\*\*|//|<=|>=|==|!=|:=|->|<<|>>|&&|\|\||.)""",
    re.VERBOSE,
)

_SIGNS = {"(", ")", ".", "+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!="}
_WORDS = {"and", "or", "not"}

_REFUSED = {
    "[": "a list or an index",
    "]": "a list or an index",
    "{": "a set or a dictionary",
    "}": "a set or a dictionary",
    ":": "a colon",
    ";": "a second statement",
    ":=": "an assignment",
    ",": "a comma; a function takes one tensor",
    "=": "an assignment; to compare, write ==",
    "&": "'&'; write and",
    "&&": "'&&'; write and",
    "|": "'|'; write or",
    "||": "'||'; write or",
    "!": "'!'; write not",
    "^": "'^'; a power is written **",
    "#": "'#' outside quotes; a path with it is written \"dense#1\".activations",
    "\\": "a backslash",
    '"': "a quote that does not end, or a backslash in it",
    "'": "a quote that does not end, or a backslash in it",
}
"""What Python, or another language, would read there; for other signs and words, they themselves are named."""


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a condition.

    Attributes:
        sort: A quoted text, a number, a word or a sign.
        text: As it is written.
        column: Where it begins, in characters from 1.
    """

    sort: Literal["text", "number", "word", "sign"]
    text: str
    column: int

    @property
    def end(self) -> int:
        """The column after it."""
        return self.column + len(self.text)


def scan(text: str) -> list[Token]:
    """Split a text into tokens; whatever is no other is a sign of one character. Takes any text of any length."""
    return [
        Token(match.lastgroup, match[0], match.start() + 1)  # type: ignore[arg-type]
        for match in _TOKEN.finditer(one_line(text))
        if match.lastgroup != "space"
    ]


def one_line(text: str) -> str:
    """Put a space in the place of every character that is empty space, such as the end of a line."""
    return text if text.isprintable() else "".join(" " if mark.isspace() else mark for mark in text)


def checked_tokens(text: str) -> list[Token]:
    """Return the tokens of a text that may be a condition.

    Raises:
        InvalidArgumentError: If it is no text.
        NotACondition: If it is empty, too long, too deep, or holds what no condition does.
    """
    if not isinstance(text, str):
        raise InvalidArgumentError(
            f"A condition must be a text. Received: {text!r} of type {type(text).__name__}. "
            'Write, for example, "loss > 3".'
        )
    if len(text) > MAX_LENGTH:
        raise NotACondition(f"a condition has at most {MAX_LENGTH} characters, not {len(text)}", MAX_LENGTH + 1)
    tokens = scan(text)
    if not tokens:
        raise NotACondition('a condition is not empty; write, for example, "loss > 3"', 1)
    if len(tokens) > MAX_TOKENS:
        raise NotACondition(f"a condition has at most {MAX_TOKENS} names, numbers and signs", tokens[MAX_TOKENS].column)
    _check_characters(text)
    _check_attributes(tokens)
    _check_each(tokens)
    _check_nesting(tokens)
    return tokens


def refused(what: str, column: int) -> NotACondition:
    """Make the error of something that is not in the language."""
    return NotACondition(f"not allowed in a condition: {what}", column)


def _check_characters(text: str) -> None:
    for place, mark in enumerate(one_line(text)):
        if not mark.isprintable():
            raise refused(f"the character {mark!a}", place + 1)


def _check_attributes(tokens: list[Token]) -> None:
    """Refuse any name after a dot that is no kind of tensor: before all else, as most attempts to get out have one."""
    for dot, token in pairwise(tokens):
        if dot.text != "." or token.sort != "word" or token.text in KINDS:
            continue
        near = get_close_matches(token.text[:50], KINDS, n=1, cutoff=0.6)
        if near:
            raise NotACondition(f"{token.text!r} is not a kind of tensor; did you mean {near[0]!r}?", token.column)
        raise refused("attribute access", token.column)


def _check_each(tokens: list[Token]) -> None:
    before: Token | None = None
    for token in tokens:
        touching = before if before is not None and before.end == token.column else None
        if token.sort == "sign" and token.text not in _SIGNS:
            raise refused(_REFUSED.get(token.text, repr(token.text)), token.column)
        if token.sort == "word":
            if keyword.iskeyword(token.text) and token.text not in _WORDS:
                raise refused(_REFUSED.get(token.text, repr(token.text)), token.column)
            if touching is not None and touching.sort == "number":
                raise NotACondition(f"{touching.text + token.text!r} is not a number", touching.column)
        if token.sort == "text":
            if touching is not None and touching.text.lower() in ("f", "r", "b", "u", "br", "rb", "fr", "rf"):
                raise refused(f"a letter before a quote, {touching.text!r}", touching.column)
            if before is not None and before.sort == "text":
                raise refused("two quoted texts side by side", token.column)
        before = token


def _check_nesting(tokens: list[Token]) -> None:
    opened: list[Token] = []
    for token in tokens:
        if token.text == "(":
            opened.append(token)
            if len(opened) > MAX_NESTING:
                raise NotACondition(f"a condition has at most {MAX_NESTING} parentheses in each other", token.column)
        elif token.text == ")":
            if not opened:
                raise NotACondition("this parenthesis closes none", token.column)
            opened.pop()
    if opened:
        raise NotACondition("this parenthesis is not closed", opened[-1].column)
