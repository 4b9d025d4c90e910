"""Where messages from pages come in: checked, carried out by asking the session, and answered exactly once."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from nnviz_widgets.core.conditions.condition import Condition
from nnviz_widgets.errors import NnvizError, ProtocolError, SessionClosed
from nnviz_widgets.front_end import annex_front_end
from nnviz_widgets.pictures.branching import BranchViews
from nnviz_widgets.pictures.moments import read_value
from nnviz_widgets.pictures.text import cut
from nnviz_widgets.protocol import (
    PROTOCOL_VERSION,
    Ack,
    AddBreakpoint,
    ChangeBreakpoint,
    ClientMessage,
    Complete,
    Edit,
    FetchAnnex,
    Gone,
    Notice,
    Pause,
    PlanRewind,
    ReadSettings,
    ReadValues,
    ReadVariables,
    Ready,
    Reply,
    Rewind,
    Run,
    RunUntil,
    SetSpeed,
    Stop,
    TakeSteps,
    TryWeight,
    Undo,
    Watch,
    parse_client_message,
)
from nnviz_widgets.widgets.debugging import (
    change_breakpoint,
    completion_of,
    edit,
    plan_of,
    settings_of,
    try_weight,
    variable_rows,
)

if TYPE_CHECKING:
    from nnviz_widgets.core.session import Session
    from nnviz_widgets.pictures.source import Source
    from nnviz_widgets.widgets.publisher import Publisher

logger = logging.getLogger("nnviz_widgets")

MAX_ERROR = 1000
KINDS = frozenset(struct.__struct_config__.tag for struct in get_args(ClientMessage))


class Door:
    """Takes messages on any thread: the main one, a subshell's or another. Never blocks on training."""

    def __init__(self, source: Source, publisher: Publisher) -> None:
        """Answer through `publisher` for `source`."""
        self._source = source
        self._views = BranchViews(source)
        self._publisher = publisher
        self._lock = Lock()

    def handle(self, content: object) -> None:
        """Take one message, as the comm gives it."""
        with self._lock:
            try:
                message = _parse(content)
            except ProtocolError as error:
                self._refuse(content, str(error))
                return
            if isinstance(message, Ack):
                self._publisher.acknowledge(message.client, message.seq)
            elif isinstance(message, Gone):
                self._publisher.forget(message.client)
            else:
                self._publisher.say(*self._answer(message))
                self._after(message)

    def _answer(self, message: Any) -> tuple[Reply, list[bytes]]:
        try:
            buffers = [annex_front_end()] if isinstance(message, FetchAnnex) else []
            return Reply(message.client, message.id, ok=True, **self._carry_out(message)), buffers
        except NnvizError as error:
            return _refusal(message, str(error), getattr(error, "column", None)), []
        except Exception as error:
            # The page must hear of it, and the session go on: a fault of ours is logged with its traceback.
            logger.exception("the message %s failed", type(message).__name__)
            return _refusal(message, f"{type(error).__name__}: {error}"), []

    def _carry_out(self, message: ClientMessage) -> dict[str, Any]:
        """Do what is asked, and return what the reply tells."""
        match message:
            case Ready():
                _check_version(message.protocol)
            case ReadValues():
                return {"values": {message.tensor: read_value(self._views.of(message), message)}}
            case Run():
                self._trainable().ask_run(message.until)
            case RunUntil():
                self._trainable().ask_run(Condition(message.condition))
            case Pause():
                self._session().ask_pause()
            case TakeSteps():
                self._trainable().ask_steps(message.n)
            case Stop():
                self._session().ask_stop()
            case SetSpeed():
                self._session().speed = message.steps_per_second
            case AddBreakpoint():
                breakpoints = self._session().breakpoints
                breakpoints.add(message.condition, for_steps=message.for_steps, once=message.once)
            case ChangeBreakpoint():
                change_breakpoint(self._session(), message)
            case Complete():
                return {"completion": completion_of(self._session(), message)}
            case PlanRewind():
                return {"plan": plan_of(self._session(), message)}
            case Rewind():
                self._session().ask_rewind(message.step, message.branch, state_only=message.state_only)
            case Edit():
                edit(self._trainable(), message)
            case Undo():
                self._trainable().ask_undo()
            case ReadSettings():
                return {"settings": settings_of(self._session(), message)}
            case TryWeight():
                return {"tried": try_weight(self._session(), message)}
            case ReadVariables():
                return {"variables": variable_rows(self._session())}
        return {}

    def _after(self, message: ClientMessage) -> None:
        """Let the publisher know who is there; the reply is the first thing that it sends."""
        if isinstance(message, Ready) and message.protocol == PROTOCOL_VERSION:
            self._publisher.welcome(message.client)
        elif isinstance(message, Watch):
            self._publisher.watch(message)

    def _session(self) -> Session:
        session = self._source.session
        if session is None:
            raise SessionClosed("A recording cannot be trained. Make a `TrainingSession` of its model to go on.")
        return session

    def _trainable(self) -> Session:
        """Return a session that has not failed: asked to go on, it would raise the user's own error here."""
        session = self._session()
        if session.error is not None:
            raise SessionClosed(f"Training has failed and cannot go on: {session.failure_title}")
        return session

    def _refuse(self, content: object, reason: str) -> None:
        logger.warning("ignored message: %s", reason)
        text = f"ignored message: {reason}"
        sender = _sender(content)
        if sender is not None:
            self._publisher.say(Reply(*sender, ok=False, error=text))
        self._publisher.say(Notice("warning", text))


def _refusal(message: Any, error: str, column: int | None = None) -> Reply:
    return Reply(message.client, message.id, ok=False, error=_plain(error), column=column)


def _parse(content: object) -> ClientMessage:
    if isinstance(content, dict) and isinstance(content.get("kind"), str):
        _check_kind(content["kind"])
    try:
        message: ClientMessage = parse_client_message(content)
    except (msgspec.ValidationError, RecursionError, TypeError) as error:
        raise ProtocolError(_plain(str(error))) from error
    if not _sendable(message.client):
        raise ProtocolError("`client` is no text that can be sent back")
    return message


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ProtocolError(f"unknown command {_plain(ascii(kind), 60)}")


def _check_version(protocol: int) -> None:
    if protocol != PROTOCOL_VERSION:
        raise ProtocolError(
            f"The page speaks version {protocol} of the protocol and the kernel version {PROTOCOL_VERSION}. "
            "Restart the kernel and reload the page."
        )


def _sender(content: object) -> tuple[str, int] | None:
    """Return client and id of a malformed message, if they can be read."""
    if not isinstance(content, dict):
        return None
    client, number = content.get("client"), content.get("id")
    if not isinstance(client, str) or len(client) > MAX_ERROR or not _sendable(client):
        return None
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 2**53:
        return None
    return client, number


def _sendable(text: str) -> bool:
    """Return whether `text` is valid Unicode: half of a surrogate pair would break the message that repeats it."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _plain(text: str, length: int = MAX_ERROR) -> str:
    """Return text that can be sent and shown, whatever a page wrote into it."""
    return cut(text.encode("utf-8", "replace").decode("utf-8"), length)
