"""Stop the training of a neural network at any step, from a notebook, and see inside it.

```python
import nnviz_widgets as nnviz

session = nnviz.TrainingSession(model, x_train, y_train, batch_size=32, epochs=5)
session  # at the end of a notebook cell: shows the Inspector
```
"""

from __future__ import annotations

from nnviz_widgets._version import __version__ as __version__
from nnviz_widgets.core.branches import Branch as Branch
from nnviz_widgets.core.branches import Branches as Branches
from nnviz_widgets.core.call_trace import Trace as Trace
from nnviz_widgets.core.capsule import Capsule as Capsule
from nnviz_widgets.core.capsule import open_capsule as open_capsule
from nnviz_widgets.core.conditions.breakpoint import Breakpoint as Breakpoint
from nnviz_widgets.core.conditions.breakpoints import Breakpoints as Breakpoints
from nnviz_widgets.core.frame import LayerInfo as LayerInfo
from nnviz_widgets.core.inspection import Inspection as Inspection
from nnviz_widgets.core.journal import Entry as Entry
from nnviz_widgets.core.journal import Journal as Journal
from nnviz_widgets.core.post_mortem import PostMortem as PostMortem
from nnviz_widgets.core.probe import Probe as Probe
from nnviz_widgets.core.recording import Recording as Recording
from nnviz_widgets.core.report import StepReport as StepReport
from nnviz_widgets.core.scaling import Scaling as Scaling
from nnviz_widgets.core.scaling import normalize as normalize
from nnviz_widgets.core.scaling import standardize as standardize
from nnviz_widgets.core.snapshots import Snapshots as Snapshots
from nnviz_widgets.core.storage.listing import list_recordings as list_recordings
from nnviz_widgets.core.storage.options import Record as Record
from nnviz_widgets.core.storage.reader import open_recording as open_recording
from nnviz_widgets.core.time_travel import RewindPlan as RewindPlan
from nnviz_widgets.core.what_if import WhatIf as WhatIf
from nnviz_widgets.errors import BackendMissing as BackendMissing
from nnviz_widgets.errors import FrontEndMissing as FrontEndMissing
from nnviz_widgets.errors import InvalidArgumentError as InvalidArgumentError
from nnviz_widgets.errors import LayerNotFound as LayerNotFound
from nnviz_widgets.errors import ModelAttached as ModelAttached
from nnviz_widgets.errors import NnvizError as NnvizError
from nnviz_widgets.errors import NotACapsule as NotACapsule
from nnviz_widgets.errors import NotACondition as NotACondition
from nnviz_widgets.errors import NotARecording as NotARecording
from nnviz_widgets.errors import NotClonable as NotClonable
from nnviz_widgets.errors import NotFailed as NotFailed
from nnviz_widgets.errors import NothingToUndo as NothingToUndo
from nnviz_widgets.errors import NotResumable as NotResumable
from nnviz_widgets.errors import ProtocolError as ProtocolError
from nnviz_widgets.errors import RecordingClosed as RecordingClosed
from nnviz_widgets.errors import RecordingDamaged as RecordingDamaged
from nnviz_widgets.errors import RecordingNotWritable as RecordingNotWritable
from nnviz_widgets.errors import ReplayNotExact as ReplayNotExact
from nnviz_widgets.errors import ScriptNotPossible as ScriptNotPossible
from nnviz_widgets.errors import SessionBusy as SessionBusy
from nnviz_widgets.errors import SessionClosed as SessionClosed
from nnviz_widgets.errors import TensorNotRecorded as TensorNotRecorded
from nnviz_widgets.errors import TensorTooLarge as TensorTooLarge
from nnviz_widgets.errors import TensorUnavailable as TensorUnavailable
from nnviz_widgets.sharing.export import export_html as export_html
from nnviz_widgets.sharing.manifest import Manifest as Manifest
from nnviz_widgets.sharing.manifest import read_manifest as read_manifest
from nnviz_widgets.sharing.privacy import Privacy as Privacy
from nnviz_widgets.widgets.callback import InspectCallback as InspectCallback
from nnviz_widgets.widgets.compare import compare as compare
from nnviz_widgets.widgets.cursor import Cursor as Cursor
from nnviz_widgets.widgets.data_panel import DataPanel as DataPanel
from nnviz_widgets.widgets.inspection import inspect as inspect
from nnviz_widgets.widgets.inspector import Inspector as Inspector
from nnviz_widgets.widgets.options import options as options
from nnviz_widgets.widgets.session import TrainingSession as TrainingSession

__all__ = [
    "BackendMissing",
    "Branch",
    "Branches",
    "Breakpoint",
    "Breakpoints",
    "Capsule",
    "Cursor",
    "DataPanel",
    "Entry",
    "FrontEndMissing",
    "InspectCallback",
    "Inspection",
    "Inspector",
    "InvalidArgumentError",
    "Journal",
    "LayerInfo",
    "LayerNotFound",
    "Manifest",
    "ModelAttached",
    "NnvizError",
    "NotACapsule",
    "NotACondition",
    "NotARecording",
    "NotClonable",
    "NotFailed",
    "NotResumable",
    "NothingToUndo",
    "PostMortem",
    "Privacy",
    "Probe",
    "ProtocolError",
    "Record",
    "Recording",
    "RecordingClosed",
    "RecordingDamaged",
    "RecordingNotWritable",
    "ReplayNotExact",
    "RewindPlan",
    "Scaling",
    "ScriptNotPossible",
    "SessionBusy",
    "SessionClosed",
    "Snapshots",
    "StepReport",
    "TensorNotRecorded",
    "TensorTooLarge",
    "TensorUnavailable",
    "Trace",
    "TrainingSession",
    "WhatIf",
    "__version__",
    "compare",
    "export_html",
    "inspect",
    "list_recordings",
    "normalize",
    "open_capsule",
    "open_recording",
    "options",
    "read_manifest",
    "standardize",
]
