"""Texts that are no conditions, and would do harm if they were run as Python. `canary` notes that it was called."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ATOMS = (
    "canary()",
    "__import__('os').system('x')",
    "x.__class__",
    "().__class__.__bases__[0].__subclasses__()",
    "[].append",
    "[canary() for _ in (1,)]",
    "{canary(): 1}",
    "(lambda: canary())()",
    "lambda: canary()",
    "f'{canary()}'",
    'f"{loss!r:>{canary()}}"',
    "b'abc'",
    "r'abc'.weights",
    "loss[canary()]",
    "loss[0:1]",
    "(loss := canary())",
    "loss := 3",
    "loss = 3",
    "canary() if loss else 3",
    "(yield canary())",
    "await canary()",
    "print(canary())",
    "eval('canary()')",
    "exec('canary()')",
    "open('/etc/passwd').read()",
    "globals()['canary']()",
    "getattr(loss, '__class__')",
    "l2(canary())",
    "l2(dense.gradients, canary())",
    "l2(*dense.gradients)",
    "l2(**dense)",
    "l2(tensor=dense.gradients)",
    "l2(dense.__class__)",
    "dense.gradients.__class__",
    "''.join(('a', 'b'))",
    "'%s' % canary()",
    "'{0.__class__}'.format(loss)",
    "True",
    "None",
    "...",
    "1j",
    "1e999",
    "9" * 400,
    "0x7fffffff",
    "@canary",
    "loss @ loss",
    "~loss",
    "loss << 99999999",
    "loss & canary()",
    "loss is None",
    "loss in (1, 2)",
    "not in",
    "*loss",
    "loss; canary()",
    "loss\nimport os\nos.system('x')",
    "import os",
    "del loss",
    "# loss > 3",
    "dense#1",
    "loss\\\n",
    "loss\x00",
    "\x00",
    "loss\u200b > 3",
    "loss \u2265 3",
    "\ud800",
    "\u202eloss",
    "'\ud83d'",
    "$loss",
    "`loss`",
    "loss?",
    "loss++",
    "\"'",
    '"""',
    "'\\x41'",
    "()",
    "(,)",
    ")(",
    "((",
)
"""Each of them keeps every text of which it is a part from being a condition."""

DEEP = (
    lambda n: "(" * n + "loss" + ")" * n + " > 3",
    lambda n: "(" * n,
    lambda n: "[" * n + "]" * n,
    lambda n: "-" * n + "loss > 3",
    lambda n: "not " * n + "nan",
    lambda n: "loss" + "**9" * n + " > 3",
    lambda n: "loss" + "+1" * n + " > 3",
    lambda n: "l2(" * n + "dense.weights" + ")" * n + " > 1",
    lambda n: "loss" + ".weights" * n,
    lambda n: "loss" + "()" * n + " > 3",
    lambda n: "lambda:" * n + "0",
    lambda n: "{1:" * n + "}" * n,
    lambda n: "f'{" * n + "}'" * n,
    lambda n: "loss if " * n,
    lambda n: "a" * n + " > 3" if n > 1000 else "a." * n + "b > 3",
    lambda n: "loss " * n,
    lambda n: "loss > 3 > " * n + ")",
    lambda n: "(((" * n + "," * n + ")))" * n,
    lambda n: "loss < (" * n + "loss" + ")" * n + ")",
)
"""Texts that grow; from 60 on none is a condition."""

FRAMES = (
    "{}",
    " {} ",
    "({})",
    "loss > {}",
    "{} > loss",
    "not {}",
    "{} and loss > 3",
    "loss > 3 or {}",
    "1 < {} < loss",
    "loss + {} > 2",
    "l2({}) > 1",
    "({}) ** ({}) > loss",
    "{} {}",
)
"""Where they stand in what is nearly a condition."""


def hostile(n: int, seed: int = 0) -> Iterator[str]:
    """Yield `n` texts, none of which is a condition, the same ones for a seed."""
    rng = random.Random(seed)
    for _ in range(n):
        if rng.random() < 0.1:
            yield rng.choice(DEEP)(rng.choice((60, 100, 300, 10**3, 10**5)))
            continue
        text = rng.choice(ATOMS)
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            frame = rng.choice(FRAMES)
            text = frame.replace("{}", text, 1).replace("{}", rng.choice(ATOMS))
        yield text
