"""What is printed while training rests stands on a line of its own, below Keras' progress bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.core import networks
from tests.core.networks import STEPS_PER_EPOCH
from tests.core.sessions import on_batch_end

if TYPE_CHECKING:
    from nnviz_widgets.core.session import Session


def draw_at_every_step(session: Session) -> None:
    """Let Keras not leave out the bar of a step that follows another within 50 ms."""
    session._training._callbacks._progbar.progbar.interval = 0.0


def on_screen(text: str) -> list[str]:
    """Return the lines that a terminal shows: what follows a carriage return covers what was there."""
    return [line.rpartition("\r")[2] for line in text.split("\n")]


def test_line_of_the_bar_is_ended_at_each_pause(capsys: pytest.CaptureFixture[str]) -> None:
    with networks.line().session(verbose=1) as session:
        for step in (1, 2):
            session.step()
            *lines, last = on_screen(capsys.readouterr().out)
            assert last == "", "the cursor is at the beginning of a line"
            assert f"{step}/{STEPS_PER_EPOCH}" in lines[-1]
            assert "" not in lines
            draw_at_every_step(session)


def test_bar_that_ended_with_its_epoch_gets_no_empty_line(capsys: pytest.CaptureFixture[str]) -> None:
    with networks.line().session(verbose=1) as session:
        session.step(STEPS_PER_EPOCH)
        session.step()
    *lines, last = on_screen(capsys.readouterr().out)
    assert last == ""
    assert "" not in lines
    assert sum("3/3" in line for line in lines) == 1


@pytest.mark.parametrize("way", ["stop", "failure", "close"])
def test_line_of_the_bar_is_ended_where_training_ends_in_mid_epoch(
    capsys: pytest.CaptureFixture[str], way: str
) -> None:
    def act(batch: int) -> None:
        if way == "failure":
            raise ZeroDivisionError
        getattr(session, way)()

    session = networks.line().session(verbose=1, callbacks=[on_batch_end(act)])
    session.run()
    session._worker._control.wait_while_running(60)
    session.close()
    *lines, last = on_screen(capsys.readouterr().out)
    assert "1/3" in lines[-1]
    assert last == ""


@pytest.mark.parametrize("verbose", [0, 2])
def test_without_a_bar_no_line_is_ended(capsys: pytest.CaptureFixture[str], verbose: int) -> None:
    with networks.line().session(verbose=verbose) as session:
        session.step()
        assert capsys.readouterr().out == ("" if verbose == 0 else "Epoch 1/3\n")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_output_that_is_closed_fails_the_session_and_hangs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar and the end of its line go the same way."""
    from keras.src.utils import io_utils

    def closed(*args: object, **kwargs: object) -> None:
        raise BrokenPipeError

    with networks.line().session(verbose=1) as session:
        session.step()
        draw_at_every_step(session)
        monkeypatch.setattr(io_utils, "print_msg", closed)
        with pytest.raises(BrokenPipeError):
            session.step(9)
        assert session.state == "failed"
