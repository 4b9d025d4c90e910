"""The way to the page: messages become comm messages, and a page that cannot be reached harms nobody."""

from __future__ import annotations

import errno
import logging
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from nnviz_widgets.errors import ChannelClosed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nnviz_widgets.protocol import ServerMessage

logger = logging.getLogger("nnviz_widgets")

_GONE = frozenset({errno.ENOTSOCK, errno.EBADF, errno.EPIPE, 156384765})
"""Errors after which nothing can ever be sent: the socket is closed. The last one is zmq's ETERM."""


def _transport_errors() -> tuple[type[BaseException], ...]:
    # Without zmq there is no kernel, and no kernel's errors.
    zmq: Any = sys.modules.get("zmq")
    return (OSError,) if zmq is None else (OSError, zmq.ZMQError)


class Channel:
    """Sends for one widget, on one thread."""

    def __init__(self, send: Callable[..., None]) -> None:
        """Send through `send(content, buffers)`, which is `widget.send`."""
        self._send = send

    def send(self, message: ServerMessage, buffers: Sequence[bytes] = ()) -> bool:
        """Send a message and return whether it left.

        Raises:
            ChannelClosed: If nothing can be sent any more.
        """
        content = msgspec.to_builtins(message)
        return self.attempt(lambda: self._send(content, list(buffers) or None))

    def attempt(self, action: Callable[[], None]) -> bool:
        """Do something that sends, such as setting a synced trait, and return whether it left.

        Raises:
            ChannelClosed: If nothing can be sent any more.
        """
        try:
            action()
        except _transport_errors() as error:
            if getattr(error, "errno", None) in _GONE:
                logger.info("the page is gone: %s", error)
                raise ChannelClosed(str(error)) from error
            logger.warning("a message to the page was lost: %s", error)
            return False
        return True
