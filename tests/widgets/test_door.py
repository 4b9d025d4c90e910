"""Every message is answered once, whatever it is, and no message can harm the session."""

import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnviz_widgets import front_end as front_end_module
from nnviz_widgets.protocol import Reply
from nnviz_widgets.widgets.publisher import Publisher
from tests.waiting import ended, until
from tests.widgets.fakes import Page


@pytest.mark.parametrize(
    ("kind", "fields", "asked"),
    [
        ("run", {}, ("run", None)),
        ("run", {"until": 40}, ("run", 40)),
        ("run", {"until": "epoch"}, ("run", "epoch")),
        ("pause", {}, ("pause",)),
        ("step", {"n": 3}, ("step", 3)),
        ("step", {}, ("step", 1)),
        ("stop", {}, ("stop",)),
    ],
)
def test_a_command_asks_the_session_and_is_answered_once(session, page, kind, fields, asked):
    reply = page.reply(page.ask(kind, **fields))
    said = {"kind": "reply", "client": "page", "id": page.n_asked, "ok": True}
    nothing = dict.fromkeys(name for name in Reply.__struct_fields__ if name not in said)
    assert reply == {**said, **nothing}
    assert session.asked == [asked]


def test_speed(session, page):
    assert page.reply(page.ask("speed", steps_per_second=2.5))["ok"]
    assert session.speed == 2.5
    assert page.reply(page.ask("speed", steps_per_second=None))["ok"]
    assert session.speed is None


def test_a_command_that_cannot_be_done_says_why(session, page):
    session.closed = True
    reply = page.reply(page.ask("run"))
    assert (reply["ok"], reply["error"]) == (False, "The session was closed. Make a new one.")


def test_a_failed_session_cannot_go_on(session, page, caplog):
    session.error, session.failure_title = KeyboardInterrupt(), "KeyboardInterrupt"
    for kind in ("run", "step"):
        reply = page.reply(page.ask(kind))
        assert reply["error"] == "Training has failed and cannot go on: KeyboardInterrupt"
    assert caplog.records == []


def test_a_fault_in_the_session_is_answered_without_a_traceback(session, page, monkeypatch, caplog):
    def broken(n):
        raise ZeroDivisionError("broken on purpose")

    monkeypatch.setattr(session, "ask_steps", broken)
    reply = page.reply(page.ask("step"))
    assert (reply["ok"], reply["error"]) == (False, "ZeroDivisionError: broken on purpose")
    assert "Traceback" in caplog.text


def test_a_page_of_another_version_is_told(inspector):
    page = Page(inspector)
    reply = page.reply(page.ask("ready", protocol=99))
    assert not reply["ok"]
    assert "reload the page" in reply["error"]
    assert inspector._publisher.clients.snapshot() == []


def test_exact_values(session, page):
    session.take_step(full=True)
    kernel = session.recording.tensor("hidden", "weights")
    place = {"layer": "hidden", "step": -1, "sample": 0, "tensor": "weights", "row": 3, "column": 5}
    assert page.reply(page.ask("read", **place))["values"] == {"weights": str(kernel[3, 5])}
    assert page.reply(page.ask("read", **{**place, "row": 999}))["values"] == {"weights": ""}
    assert page.reply(page.ask("read", **{**place, "variable": "bias", "row": 0}))["ok"]
    refused = page.reply(page.ask("read", **{**place, "layer": "nowhere"}))
    assert "hidden" in refused["error"]
    assert "the fake has none" in page.reply(page.ask("read", **{**place, "tensor": "activation_gradients"}))["error"]


def test_the_annex_comes_in_a_buffer_beside_its_one_reply(page, tmp_path, monkeypatch):
    (tmp_path / "annex.js").write_text("export default function (HANDED) {} // \u2192", encoding="utf-8")
    monkeypatch.setattr(front_end_module, "STATIC", tmp_path)
    front_end_module.annex_front_end.cache_clear()
    asked = page.ask("annex")
    assert page.reply(asked)["ok"]
    assert page.buffers_of_reply(asked) == [(tmp_path / "annex.js").read_bytes()]
    front_end_module.annex_front_end.cache_clear()


def test_an_annex_that_was_not_built_is_told(page, tmp_path, monkeypatch):
    monkeypatch.setattr(front_end_module, "STATIC", tmp_path)
    front_end_module.annex_front_end.cache_clear()
    reply = page.reply(page.ask("annex"))
    assert not reply["ok"]
    assert "annex.js" in reply["error"]
    assert "make build" in reply["error"]


BAD = [
    None,
    7,
    [],
    "run",
    {},
    {"kind": "x", "id": 1, "client": "page"},
    {"kind": "x" * 10**7, "id": 1, "client": "page"},
    {"kind": "run", "client": "page"},
    {"kind": "run", "id": 1},
    {"kind": "run", "id": "1", "client": "page"},
    {"kind": "run", "id": -1, "client": "page"},
    {"kind": "run", "id": 10**30, "client": "page"},
    {"kind": "run", "id": True, "client": "page"},
    {"kind": "run", "id": 1, "client": "x" * 10**7},
    {"kind": "run", "id": 1, "client": "\ud800"},
    {"kind": "run", "id": 1, "client": "page", "until": -4},
    {"kind": "run", "id": 1, "client": "page", "until": "forever"},
    {"kind": "run", "id": 1, "client": "page", "extra": 1},
    {"kind": "step", "id": 1, "client": "page", "n": 0},
    {"kind": "step", "id": 1, "client": "page", "n": float("nan")},
    {"kind": "speed", "id": 1, "client": "page", "steps_per_second": float("nan")},
    {"kind": "speed", "id": 1, "client": "page", "steps_per_second": float("inf")},
    {"kind": "watch", "id": 1, "client": "page", "layer": "hidden", "step": -2, "sample": 0, "maps": []},
    {"kind": "watch", "id": 1, "client": "page", "layer": "hidden", "step": float("nan"), "sample": 0, "maps": []},
    {
        "kind": "watch",
        "id": 1,
        "client": "page",
        "layer": "hidden",
        "step": 0,
        "sample": 0,
        "maps": [{"tensor": "weights", "max_rows": 0, "max_cols": 10**9}],
    },
    {"kind": "ack", "client": "page", "seq": "1"},
    {1: 2, "kind": "run"},
]


@pytest.mark.parametrize("message", BAD, ids=lambda message: str(message)[:60])
def test_C15_a_malformed_message_is_one_line_and_changes_nothing(session, page, message, caplog):
    before = len(page.replies())
    started = time.thread_time()
    page.say(message)
    assert time.thread_time() - started < 0.1
    until(lambda: page.comm.customs("notice"))
    ((notice, _),) = page.comm.customs("notice")
    assert notice["text"].startswith("ignored message: ")
    assert len(notice["text"]) < 1200
    assert len([record for record in caplog.records if "ignored message" in record.message]) == 1
    assert session.asked == []
    assert session.speed is None
    readable = isinstance(message, dict) and message.get("id") == 1 and message.get("client") == "page"
    readable = readable and message["id"] is not True
    assert [reply["ok"] for reply in page.replies()[before:]] == ([False] if readable else [])


def test_C15_an_unknown_command_is_named(page):
    page.say({"kind": "sudo", "id": 4, "client": "page"})
    assert page.reply(4)["error"] == "ignored message: unknown command 'sudo'"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KINDS = [
    "ready",
    "gone",
    "watch",
    "ack",
    "run",
    "pause",
    "step",
    "stop",
    "speed",
    "read",
    "annex",
    "add breakpoint",
    "change breakpoint",
    "complete",
    "plan",
    "rewind",
    "other",
]
FIELDS = [
    "layer",
    "step",
    "sample",
    "maps",
    "until",
    "n",
    "seq",
    "protocol",
    "steps_per_second",
    "tensor",
    "row",
    "condition",
    "for_steps",
    "once",
    "cursor",
    "to",
]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS) | json_values,
    number=st.integers(0, 5) | json_values,
    client=st.sampled_from(["page", "other"]) | json_values,
    fields=st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=4),
)
def test_C15_no_message_raises_or_is_answered_twice(inspector, session, kind, number, client, fields):
    said = []
    page = Page(inspector)
    publisher: Publisher = inspector._publisher
    original, publisher.say = publisher.say, lambda message, buffers=(): said.append(message)
    try:
        page.say({"kind": kind, "id": number, "client": client, **fields})
    finally:
        publisher.say = original
    assert sum(type(message).__name__ == "Reply" for message in said) <= 1


def hammer(inspector, session, n):
    """Send random commands from two threads while a third one trains."""
    import random

    stop = threading.Event()
    worst = [0.0]

    def train():
        while not stop.is_set():
            session.take_step()
            time.sleep(0.0005)

    def press(seed):
        draw = random.Random(seed)
        page = Page(inspector, f"page {seed}")
        page.ready()
        for _ in range(n):
            started = time.perf_counter()
            match draw.randrange(8):
                case 0:
                    page.ask("run", until=draw.choice([None, "epoch", 5]))
                case 1:
                    page.ask("pause")
                case 2:
                    page.ask("step", n=draw.randrange(1, 5))
                case 3:
                    page.watch("weights", "activations", layer=draw.choice(["hidden", "digits", "nowhere"]))
                case 4:
                    page.say({"kind": "ack", "client": page.client, "seq": draw.randrange(1000)})
                case 5:
                    page.say({"kind": "gone", "client": page.client})
                case 6:
                    page.ready()
                case 7:
                    page.say({"kind": draw.choice(["nonsense", None]), "id": 1, "client": page.client})
            worst[0] = max(worst[0], time.perf_counter() - started)
        counts[seed] = page.n_asked

    counts = {}
    trainer = threading.Thread(target=train)
    threads = [threading.Thread(target=press, args=(seed,)) for seed in range(2)]
    for thread in (trainer, *threads):
        thread.start()
    for thread in threads:
        ended(thread, 600)
    stop.set()
    trainer.join(5)
    assert session.most_owners == 1
    until(lambda: not inspector._publisher._outbox)
    for seed in range(2):
        page = Page(inspector, f"page {seed}")
        numbers = [reply["id"] for reply in page.replies() if reply["ok"] or "ignored" not in reply["error"]]
        assert sorted(numbers) == list(range(1, counts[seed] + 1)), "exactly one reply each"
    return worst[0]


def test_C13_two_threads_of_random_commands(inspector, session):
    assert hammer(inspector, session, 700) < 1.0


@pytest.mark.soak
def test_C13_a_hundred_thousand_random_commands(inspector, session):
    hammer(inspector, session, 50_000)
