"""The front end's side of the protocol is what Python generates, and the door refuses what does not fit."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from nnviz_widgets import protocol
from scripts.write_protocol import colors_typescript, document_typescript, protocol_typescript

GENERATED = Path(__file__).parent.parent / "js" / "src"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("protocol.gen.ts", protocol_typescript),
        ("document.gen.ts", document_typescript),
        ("colors.gen.ts", colors_typescript),
    ],
)
def test_typescript_is_up_to_date(name, expected):
    if (GENERATED / name).read_text(encoding="utf-8") != expected():
        pytest.fail(f"js/src/{name} is stale: run `make protocol`")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"kind": "pause", "id": 1, "client": "a"}, protocol.Pause(id=1, client="a")),
        ({"kind": "ack", "client": "a", "seq": 3}, protocol.Ack(client="a", seq=3)),
        ({"kind": "run", "id": 1, "client": "a", "until": "epoch"}, protocol.Run(id=1, client="a", until="epoch")),
        (
            {"kind": "speed", "id": 1, "client": "a", "steps_per_second": None},
            protocol.SetSpeed(id=1, client="a", steps_per_second=None),
        ),
    ],
)
def test_message_becomes_the_class_of_its_kind(content, expected):
    assert protocol.parse_client_message(content) == expected


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param({"kind": "explode", "id": 1, "client": "a"}, "explode", id="unknown kind"),
        pytest.param({"kind": "pause", "client": "a"}, "id", id="missing field"),
        pytest.param({"kind": "pause", "id": 1, "client": "a", "then": "b"}, "then", id="unknown field"),
        pytest.param({"kind": "pause", "id": "1", "client": "a"}, "id", id="wrong type"),
        pytest.param({"kind": "pause", "id": -1, "client": "a"}, "id", id="below the bound"),
        pytest.param({"kind": "pause", "id": 1, "client": "a" * 10_000}, "client", id="too long"),
        pytest.param({"kind": "step", "id": 1, "client": "a", "n": float("nan")}, "n", id="not a number"),
        pytest.param([], "object", id="not a message"),
    ],
)
def test_c15_malformed_message_is_refused_by_name(content, named):
    with pytest.raises(msgspec.ValidationError, match=named):
        protocol.parse_client_message(content)


def test_every_message_has_a_kind_of_its_own():
    unions = (protocol.ClientMessage, protocol.ServerMessage)
    kinds = [struct.__struct_config__.tag for union in unions for struct in union.__args__]
    assert len(kinds) == len(set(kinds))
    assert all(f'kind: "{kind}"' in protocol_typescript() for kind in kinds)
