"""Every error that nnviz_widgets raises on purpose.

```
NnvizError
├── InvalidArgumentError   (ValueError)     an argument is not what it must be
│   ├── WrongArguments     (TypeError)      the call does not take these arguments
│   └── NotACondition                       the text of a condition is not one; says where
├── UnknownAttribute       (AttributeError)  there is no attribute of that name to set
├── LayerNotFound          (LookupError)    no layer has that path or name
├── TensorNotRecorded      (LookupError)    the tensor of that step was not kept
│   └── TensorTooLarge                      it is on a device and too large to be copied whole
├── TensorUnavailable      (LookupError)    the tensor cannot be read at all; says why
├── ModelAttached          (RuntimeError)   another session already trains this model
├── SessionBusy            (RuntimeError)   the session is running and cannot do that meanwhile
├── SessionClosed          (RuntimeError)   the session was closed and cannot train
├── ConditionBroken        (RuntimeError)   a condition cannot be answered; its breakpoint says why
├── NotFailed              (RuntimeError)   a post-mortem was asked for, and nothing has failed
├── BackendMissing         (ImportError)    TensorFlow or Keras is not installed
├── NotACapsule            (ValueError)     a folder is no capsule, or a damaged one
├── NotARecording          (ValueError)     a file is no recording, or only a newer version reads it
├── NotResumable           (ValueError)     a saved session is damaged, or of another model or data
├── ReplayNotExact         (RuntimeError)   a step cannot be gone back to exactly; says where one can
├── NotClonable            (RuntimeError)   a model cannot be made a second time; says what would help
├── NothingToUndo          (RuntimeError)   no edit was made since the last step
├── ScriptNotPossible      (RuntimeError)   a journal cannot be repeated in plain Keras; says why
├── RecordingClosed        (RuntimeError)   a recording that was opened from its file was closed
├── RecordingDamaged       (OSError)        what a recording holds is not what was written
├── RecordingNotWritable   (OSError)        a recording cannot be begun or gone on with
├── FrontEndMissing        (RuntimeError)   the script and style sheet of the widgets were not built
├── ProtocolError          (ValueError)     a message from the front end is malformed
└── ChannelClosed          (RuntimeError)   a page can never be reached again; ends its thread, and no caller meets it
```

Each message says what must be what, what was received, and what to do.
"""

from __future__ import annotations

__all__ = [
    "BackendMissing",
    "ChannelClosed",
    "ConditionBroken",
    "FrontEndMissing",
    "InvalidArgumentError",
    "LayerNotFound",
    "ModelAttached",
    "NnvizError",
    "NotACapsule",
    "NotACondition",
    "NotARecording",
    "NotClonable",
    "NotFailed",
    "NotResumable",
    "NothingToUndo",
    "ProtocolError",
    "RecordingClosed",
    "RecordingDamaged",
    "RecordingNotWritable",
    "ReplayNotExact",
    "ScriptNotPossible",
    "SessionBusy",
    "SessionClosed",
    "TensorNotRecorded",
    "TensorTooLarge",
    "TensorUnavailable",
    "UnknownAttribute",
    "WrongArguments",
]


class NnvizError(Exception):
    """The root of all errors raised on purpose by nnviz_widgets."""


class InvalidArgumentError(NnvizError, ValueError):
    """An argument has a value or type that the call cannot take."""


class WrongArguments(InvalidArgumentError, TypeError):
    """A call has an argument of a name that it does not take, one too many, or lacks one."""


class NotACondition(InvalidArgumentError):
    """The text of a condition is not one, or names what there is not.

    Attributes:
        column: Where, counted in characters from 1; the message ends with it.
    """

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"{message} (col {column})")
        self.column = column


class UnknownAttribute(NnvizError, AttributeError):
    """There is no public attribute of that name to set; the message names the nearest."""


class LayerNotFound(NnvizError, LookupError):
    """No layer has the path or unique name asked for; the message names the nearest."""


class TensorNotRecorded(NnvizError, LookupError):
    """The tensor exists, but its values at that step were not kept; the message names the nearest kept steps."""


class TensorTooLarge(TensorNotRecorded):
    """The tensor is on a device and too large to be copied whole; the message says what can be read instead."""


class TensorUnavailable(NnvizError, LookupError):
    """The tensor can never be read from this model; the message is the reason that `recording.why` gives."""


class ModelAttached(NnvizError, RuntimeError):
    """The model already belongs to a session that is not closed."""


class SessionBusy(NnvizError, RuntimeError):
    """The session is running, and what was asked for needs it paused."""


class SessionClosed(NnvizError, RuntimeError):
    """The session was closed, so it cannot train any more; what it recorded can still be read."""


class ConditionBroken(NnvizError, RuntimeError):
    """A condition cannot be answered at any step: a name that there is not, a value that is no number, an error."""


class NotFailed(NnvizError, RuntimeError):
    """A post-mortem was asked for of a session that has not failed."""


class BackendMissing(NnvizError, ImportError):
    """Training needs Keras with TensorFlow, and one of them cannot be imported."""


class NotACapsule(NnvizError, ValueError):
    """A folder is not a capsule, a damaged one, or one that only a newer version of nnviz_widgets can read."""


class NotARecording(NnvizError, ValueError):
    """A file is not a recording, or one that only a newer version of nnviz_widgets can read."""


class NotResumable(NnvizError, ValueError):
    """A saved session cannot be gone on with: it is damaged, or model or data are others; the message says which."""


class NotClonable(NnvizError, RuntimeError):
    """A model or its data cannot be had a second time for `fork`; the message says which, and what would help."""


class ReplayNotExact(NnvizError, RuntimeError):
    """A step cannot be gone back to bit by bit; the message says why, and which one is the nearest that can."""


class NothingToUndo(NnvizError, RuntimeError):
    """No edit was made since the last step; the message says what leads back to before an older one."""


class ScriptNotPossible(NnvizError, RuntimeError):
    """The steps of a session cannot be repeated in plain Keras; the message says why."""


class RecordingClosed(NnvizError, RuntimeError):
    """A recording that was opened from its file was closed: open it again to read from it."""


class RecordingDamaged(NnvizError, OSError):
    """Something in a recording is not what was written; the message names the file, the step and the tensor."""


class RecordingNotWritable(NnvizError, OSError):
    """A recording cannot be begun or gone on with: a file is there, somebody else writes, or nobody may write there."""


class FrontEndMissing(NnvizError, RuntimeError):
    """A widget needs its script and its style sheet, and they were not built."""


class ProtocolError(NnvizError, ValueError):
    """A message from the front end does not follow the protocol."""


class ChannelClosed(NnvizError, RuntimeError):
    """A page can never be reached again, so that the thread that sends to it ends. No caller meets it."""
