"""Where the kernel handles what a page says: on the subshell that the page names, and no other."""

from __future__ import annotations

from typing import Any


def heed_the_page(comm: Any) -> None:
    """Let messages of a comm go to the subshell that they are addressed to.

    From ipykernel 7.4 on a comm remembers from which subshell it sent last, and hands it all that comes back: meant for
    a cell that waits for its widget's answer. Ours sends from threads of its own and waits for nothing. What it
    remembers is the main thread, which a cell may block, or the subshell of a page that was reloaded, which is no more:
    then nothing that the new page says arrives.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = _as_addressed


def _as_addressed(data: object, addressed: object) -> object:
    return addressed
