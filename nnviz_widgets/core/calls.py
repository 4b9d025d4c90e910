"""Calls with arguments that they do not take: Python's words would name a function that the user never wrote."""

from __future__ import annotations

import functools
import inspect
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from nnviz_widgets.errors import WrongArguments

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


def called(name: str, hint: str = "") -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a function or method refuse arguments that it does not take in the words of a user, who calls it `name`.

    Args:
        name: What the user writes before the parenthesis.
        hint: A sentence for who expected something else.
    """

    def decorate(method: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(method)

        @functools.wraps(method)
        def checked(*args: P.args, **kwargs: P.kwargs) -> T:
            __tracebackhide__ = True  # for IPython and pytest: the user's line stands nearer to what it met
            try:
                return method(*args, **kwargs)
            except TypeError:  # asked only now: a call that fits costs nothing
                refusal = _refusal(name, signature, args, kwargs, hint)
                if refusal is None:
                    raise
            raise WrongArguments(refusal)

        return checked

    return decorate


def all_called(prefix: str) -> Callable[[type[T]], type[T]]:
    """Let every public method of a class, which a user calls `prefix` and its name, do what `called` does."""

    def decorate(owner: type[T]) -> type[T]:
        for name, method in list(vars(owner).items()):
            if inspect.isfunction(method) and not name.startswith("_"):
                setattr(owner, name, called(f"{prefix}.{name}")(method))
        return owner

    return decorate


def _refusal(
    name: str, signature: inspect.Signature, args: tuple[Any, ...], given: dict[str, Any], hint: str
) -> str | None:
    """Say what `name` takes, what it got, and which argument may have been meant; `None` if the call fits."""
    try:
        signature.bind(*args, **given)
    except TypeError as error:
        reason = str(error)
    else:
        return None
    known = [parameter for parameter in signature.parameters if parameter not in ("self", "cls")]
    unknown = next((argument for argument in given if argument not in known), None)
    near = get_close_matches(unknown, known, n=1) if unknown is not None else []
    taken = "" if near else ": " + ", ".join(f"`{argument}`" for argument in known)
    received = f"`{unknown}`" if unknown is not None else f"a call that does not fit ({reason})"
    meant = f" Did you mean `{near[0]}`?" if near else hint and f" {hint}"
    return f"`{name}` must get arguments that it takes{taken}. Received: {received}.{meant}"
