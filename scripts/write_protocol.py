"""Write the TypeScript side of what Python and the front end share: `make protocol`.

Every struct and constant of `nnviz_widgets/protocol.py`, what goes over the wire, and of
`nnviz_widgets/sharing/document.py`, what is in a shared file, becomes an interface, a union or a constant of the same
name; so do the colours of `nnviz_widgets/pictures/colors.py` and the panels of `nnviz_widgets/pictures/panels.py`.
"""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from nnviz_widgets import protocol
from nnviz_widgets.pictures import colors, panels
from nnviz_widgets.sharing import document

CONSTANTS = ("PROTOCOL_VERSION", "MAX_FRAME_BYTES", "NAN_BITS", "GUTTER_BITS")
DOCUMENT_CONSTANTS = ("DOCUMENT_VERSION", "INDEX_ID", "DATA_ID", "MANIFEST_ID", "ROOT_ID")
COLORS = ("COLOR_MAPS", "SPECIAL")
UNIONS = ("ClientMessage", "ServerMessage", "Kind")
NAMES: dict[Any, str] = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}


def protocol_typescript() -> str:
    """Return the TypeScript text that mirrors the protocol."""
    parts = ["// Generated from nnviz_widgets/protocol.py by `make protocol`. Do not edit."]
    parts += [constant(protocol, name) for name in CONSTANTS]
    parts += [constant(panels, "PANELS")]
    parts += [f"export type {name} = {type_of(getattr(protocol, name))};" for name in UNIONS]
    parts += [interface(struct) for struct in structs(protocol)]
    return "\n\n".join(parts) + "\n"


def document_typescript() -> str:
    """Return the TypeScript text that mirrors the form of a shared file."""
    known = {"Kind", *(struct.__name__ for struct in structs(protocol))}
    body = "\n\n".join(interface(struct) for struct in structs(document))
    named = ", ".join(sorted(name for name in known if re.search(rf": [^;]*\b{name}\b", body)))
    parts = ["// Generated from nnviz_widgets/sharing/document.py by `make protocol`. Do not edit."]
    parts += [f'import type {{ {named} }} from "./protocol.gen.ts";']
    parts += [constant(document, name) for name in DOCUMENT_CONSTANTS]
    return "\n\n".join([*parts, body]) + "\n"


def colors_typescript() -> str:
    """Return the TypeScript text that mirrors the colour maps."""
    parts = ["// Generated from nnviz_widgets/pictures/colors.py by `make protocol`. Do not edit."]
    return "\n\n".join([*parts, *(constant(colors, name) for name in COLORS)]) + "\n"


def constant(module: types.ModuleType, name: str) -> str:
    """Return the TypeScript text of a constant."""
    return f"export const {name} = {msgspec.json.encode(getattr(module, name)).decode()};"


def structs(module: types.ModuleType) -> list[type[msgspec.Struct]]:
    """List what a module itself declares, in the order of the file."""
    return [
        value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, msgspec.Struct) and value.__module__ == module.__name__
        if not name.startswith("_")
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
    folder = Path(sys.argv[1])
    (folder / "protocol.gen.ts").write_text(protocol_typescript(), encoding="utf-8")
    (folder / "document.gen.ts").write_text(document_typescript(), encoding="utf-8")
    (folder / "colors.gen.ts").write_text(colors_typescript(), encoding="utf-8")
