"""Write the TypeScript side of the protocol: `make protocol`.

Every message and constant of `nnviz_widgets/protocol.py` becomes an interface, a union or a constant of the same name.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from nnviz_widgets import protocol

CONSTANTS = ("PROTOCOL_VERSION", "MAX_FRAME_BYTES", "NAN_BITS", "GUTTER_BITS")
UNIONS = ("ClientMessage", "ServerMessage", "Kind")
NAMES: dict[Any, str] = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}


def typescript() -> str:
    """Return the TypeScript text that mirrors the protocol."""
    parts = ["// Generated from nnviz_widgets/protocol.py by `make protocol`. Do not edit."]
    parts += [f"export const {name} = {getattr(protocol, name)};" for name in CONSTANTS]
    parts += [f"export type {name} = {type_of(getattr(protocol, name))};" for name in UNIONS]
    parts += [interface(struct) for struct in structs()]
    return "\n\n".join(parts) + "\n"


def structs() -> list[type[msgspec.Struct]]:
    """List what is declared, in the order of the file."""
    return [
        value
        for name, value in vars(protocol).items()
        if isinstance(value, type) and issubclass(value, msgspec.Struct) and not name.startswith("_")
    ]


def interface(struct: type[msgspec.Struct]) -> str:
    """Return the interface of one struct; its tag is the field `kind`."""
    hints = get_type_hints(struct, include_extras=True)
    tag = struct.__struct_config__.tag
    lines = [f"export interface {struct.__name__} {{"]
    lines += [f'  kind: "{tag}";'] if tag is not None else []
    lines += [f"  {name}: {type_of(hints[name])};" for name in struct.__struct_fields__]
    return "\n".join([*lines, "}"])


def type_of(hint: Any) -> str:
    """Return the TypeScript type of a type hint; a hint that has none fails here, when it is first used."""
    origin = get_origin(hint)
    if origin is Annotated:
        return type_of(get_args(hint)[0])
    if origin is Literal:
        return " | ".join(msgspec.json.encode(value).decode() for value in get_args(hint))
    if origin is list:
        inner = type_of(get_args(hint)[0])
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if origin is dict:
        return f"Record<string, {type_of(get_args(hint)[1])}>"
    if origin in (Union, types.UnionType):
        return " | ".join(type_of(member) for member in get_args(hint))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint.__name__
    return NAMES[hint]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(typescript(), encoding="utf-8")
