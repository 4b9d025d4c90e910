"""A model with a step of its own that trains two networks against each other, each with its optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnviz_widgets.core.probe import Probe
from tests.core import networks
from tests.core.backends.test_parity import assert_same, fitted, watched
from tests.core.networks import Network, seeded


@seeded
def gan() -> Network:
    """A generator and a discriminator, trained one after the other on each batch."""
    import keras
    import tensorflow as tf
    from keras import layers

    crossentropy = keras.losses.BinaryCrossentropy(from_logits=True)

    class Gan(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="gan")
            self.generator = keras.Sequential([keras.Input((2,)), layers.Dense(5, name="paint")], name="generator")
            self.discriminator = keras.Sequential([keras.Input((5,)), layers.Dense(1, name="judge")], name="critic")
            self.seeds = keras.random.SeedGenerator(3)

        def compile(self, generator_optimizer: Any, discriminator_optimizer: Any) -> None:
            super().compile(optimizer=generator_optimizer)
            self.discriminator_optimizer = discriminator_optimizer

        def call(self, noise: Any) -> Any:
            return self.discriminator(self.generator(noise))

        def train_step(self, real: Any) -> dict[str, Any]:
            noise = keras.random.normal((tf.shape(real)[0], 2), seed=self.seeds)
            with tf.GradientTape() as tape:
                said_of_real, said_of_fake = self.discriminator(real), self.discriminator(self.generator(noise))
                loss_d = crossentropy(tf.ones_like(said_of_real), said_of_real)
                loss_d += crossentropy(tf.zeros_like(said_of_fake), said_of_fake)
            weights = self.discriminator.trainable_weights
            self.discriminator_optimizer.apply(tape.gradient(loss_d, weights), weights)
            with tf.GradientTape() as tape:
                said = self.discriminator(self.generator(noise))
                loss_g = crossentropy(tf.ones_like(said), said)
            weights = self.generator.trainable_weights
            self.optimizer.apply(tape.gradient(loss_g, weights), weights)
            return {"loss": loss_g, "loss_of_critic": loss_d}

    model = Gan()
    model.build((None, 2))
    model.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.1))
    return Network(model, networks.features())


def test_K09_a_gan_trains_as_in_fit() -> None:
    assert_same(watched(gan(), Probe(every=2)), fitted(gan()))


def test_K09_gradients_of_both_optimizers_and_every_call_are_read() -> None:
    """Each network's weights move by its own optimizer's rate along the gradient of its own loss."""
    with gan().session(probe=Probe(every=1)) as session:
        for step in (1, 2, 3):
            assert session.step().updates == 4
            recording = session.recording
            for path, rate in (("generator/paint", 0.05), ("critic/judge", 0.1)):
                before = recording.tensor(path, "weights", step - 1)
                expected = before - rate * recording.tensor(path, "gradients", step)
                np.testing.assert_allclose(recording.tensor(path, "weights", step), expected, rtol=1e-5, atol=1e-7)
        paths = [layer.path for layer in recording.layers]
        assert [path for path in paths if "judge" in path] == ["critic/judge", "critic/judge#1", "critic/judge#2"]
        assert [path for path in paths if "paint" in path] == ["generator/paint", "generator/paint#1"]
        x, _, _ = session.batch
        # The first call judges the batch itself, with the weights from before the step.
        weights, bias = (recording.tensor("critic/judge", "weights", 2, variable=v) for v in ("kernel", "bias"))
        np.testing.assert_allclose(
            recording.tensor("critic/judge", "activations", 3), x @ weights + bias, rtol=1e-5, atol=1e-6
        )
        assert session.batch_loss == session.logs["loss"]
        assert recording.metrics["loss_of_critic"].notna().all()
