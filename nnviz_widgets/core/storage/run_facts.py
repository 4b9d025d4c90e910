"""What the facts of a saved session must be like, so that a file that was made up is refused where it is read."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from nnviz_widgets.errors import NotResumable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class _Inner(msgspec.Struct):
    """Where a generator of numpy's is in what it has drawn ahead: it does not check that itself."""

    pos: Annotated[int, msgspec.Meta(ge=0, le=624)] = 0


class _Generator(msgspec.Struct):
    bit_generator: str
    state: _Inner
    buffer_pos: Annotated[int, msgspec.Meta(ge=0, le=4)] = 0


class _Streams(msgspec.Struct):
    python: list[Any]
    numpy: _Generator
    tensorflow_seed: int | None
    tensorflow: list[Any] | None


class _Origin(_Streams):
    order: _Generator


class _Position(msgspec.Struct, forbid_unknown_fields=True):
    epoch: Count
    batch: Count
    first_epoch: Count
    order: dict[str, Any]
    checksum: int | None = None
    n_counted: Count | None = None


class _Report(msgspec.Struct, forbid_unknown_fields=True):
    step: Count
    epoch: Count
    batch: Count
    batch_loss: float
    logs: dict[str, float]
    updates: int
    seconds: float


class _Settings(msgspec.Struct, rename={"class_name": "class"}):
    class_name: str


class _Callback(_Settings):
    values: dict[str, Any]


class _Facts(msgspec.Struct):
    position: _Position
    epoch: Count
    origin: _Origin
    random: _Streams
    data: dict[str, Any]
    model: dict[str, _Settings]
    callbacks: list[_Callback]
    stop_training: bool
    report: _Report | None
    step: Count
    batch: int
    name: str
    recording: str | None


def check_facts(path: Path, facts: dict[str, Any]) -> None:
    """Refuse facts that `session.save` does not write.

    Raises:
        NotResumable: The message names the first that is not as it must be.
    """
    try:
        msgspec.convert(facts, _Facts)
    except msgspec.ValidationError as error:
        raise _refusal(path, error) from error


@contextmanager
def facts_of(path: Path) -> Iterator[None]:
    """Refuse a file with whose facts something that must take them, such as a random generator, can do nothing.

    Raises:
        NotResumable: If what is done within fails because of them.
    """
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        if isinstance(error, NotResumable):
            raise
        raise _refusal(path, error) from error


def _refusal(path: Path, error: Exception) -> NotResumable:
    return NotResumable(
        f"A session can be resumed from what it saved only. Received: {str(path)!r}, whose facts make no sense "
        f"({type(error).__name__}: {error}). Give a file that session.save of this version wrote."
    )
