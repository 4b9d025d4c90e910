"""A model on several replicas: trained as in `fit`, its weights read, its layers on one replica if one is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")


@pytest.mark.parametrize(
    "what",
    ["parity", "data_sets", "gone_back", "weights", "one_replica", "empty_share", "of_one", "inspected", "looked_at"],
)
def test_K19_two_replicas(what: str) -> None:
    """`replicas_session.py` says what each part proves; TensorFlow there has two processors."""
    finished = subprocess.run(
        [sys.executable, "-m", "tests.core.backends.replicas_session", what],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert finished.stdout.splitlines()[-1:] == [f'{{"done": "{what}"}}'], finished.stderr[-4000:]
