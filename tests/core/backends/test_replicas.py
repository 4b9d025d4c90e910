"""A model on several replicas: refused in words before anything is done, and still trainable by Keras."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ON_TWO_PROCESSORS = """
import warnings
warnings.simplefilter("ignore")
import tensorflow as tf
processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
from nnviz_widgets.core.session import Session
from nnviz_widgets.errors import InvalidArgumentError
from tests.core import networks

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    network = networks.line()
try:
    network.session()
except InvalidArgumentError as error:
    print(error)
print(Session.of(network.model), network.model.distribute_strategy.num_replicas_in_sync)
print(sorted(network.fit(epochs=1).history))
"""


def test_K19_a_model_on_two_replicas_is_refused_with_the_reason() -> None:
    """Values of two replicas would be averaged, rows of different samples mixed."""
    finished = subprocess.run(
        [sys.executable, "-c", ON_TWO_PROCESSORS],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    said, after, history = finished.stdout.splitlines()[-3:]
    assert "Received: 2 replicas" in said, finished.stderr
    assert "average" in said
    assert "outside the distribution strategy" in said
    assert after == "None 2"
    assert history == "['loss']"
