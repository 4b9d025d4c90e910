"""The parts of an Inspector."""

from __future__ import annotations

PANELS = ("transport", "layers", "activations", "weights", "gradients", "neuron", "timeline")
"""From the top to the bottom; all are shown by default."""
