from __future__ import annotations

from pathlib import Path

import pytest

from nnviz_widgets.core.storage.options import Record, as_record
from nnviz_widgets.errors import InvalidArgumentError, WrongArguments


def test_a_path_stands_for_the_defaults():
    assert as_record("runs/a.nnv") == as_record(Path("runs/a.nnv")) == Record("runs/a.nnv")
    assert as_record(record := Record("a.nnv", overflow="thin")) is record


def test_sizes_are_read_as_a_person_writes_them():
    assert Record("a.nnv", quota="10 GB").quota == Record("a.nnv", quota=10**10).quota == 10**10


@pytest.mark.parametrize(
    "options",
    [
        {"dtype": "float64"},
        {"dtype": None},
        {"quota": 0},
        {"quota": "1 MB"},
        {"quota": "ten"},
        {"overflow": "drop"},
        {"path": ""},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(options):
    with pytest.raises(InvalidArgumentError, match=next(iter(options))):
        Record(**({"path": "a.nnv"} | options))


def test_a_misspelt_option_is_named():
    with pytest.raises(WrongArguments, match=r"Did you mean `quota`\?"):
        Record("a.nnv", qouta="1 GB")


@pytest.mark.parametrize("record", [3, None, object()])
def test_a_record_is_a_path_or_options(record):
    with pytest.raises(InvalidArgumentError, match="record"):
        as_record(record)
