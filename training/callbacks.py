"""What happens between training steps: TensorBoard, NaN watch, gentle stop."""

import math
import signal

import keras
import numpy as np
import tensorflow as tf

from system.errors import InputError
from training.trainer import SUMMARY_EVERY


class StopAtNaN(keras.callbacks.Callback):
    """Raise InputError at the first loss that is not finite, naming the first bad term."""

    def __init__(self, first_step):
        super().__init__()
        self.step = first_step

    def on_train_batch_end(self, batch, logs=None):
        """Look at every term of the step just taken."""
        terms = [name for name in logs if name.startswith("loss_")]
        for name in (*terms, "total_loss"):
            if not math.isfinite(logs[name]):
                raise InputError(
                    f"step {self.step}: {name} is {float(logs[name])}; the training stops here, "
                    "the checkpoints of the epochs before are as they were"
                )
        self.step += 1


class StopAtSignal(keras.callbacks.Callback):
    """On SIGINT or SIGTERM finish the step and stop; `done` counts this epoch's steps."""

    def __init__(self):
        super().__init__()
        self.asked = False
        self.done = 0

    def install(self):
        """Take over the two signals; call it from the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def on_epoch_begin(self, epoch, logs=None):
        """Count anew."""
        self.done = 0

    def on_train_batch_end(self, batch, logs=None):
        """Stop the fit here if a signal came."""
        self.done += 1
        if self.asked:
            self.model.stop_training = True

    def _ask(self, number, frame):
        self.asked = True


class Summaries(keras.callbacks.Callback):
    """Write the original's scalars and pictures to TensorBoard, every SUMMARY_EVERY steps.

    Args:
        events: training.summaries.EventFile.
        preview: (inputs, ground truth) of a few patches whose pictures are shown.
        first_step: steps taken before this run.
    """

    def __init__(self, events, preview, first_step):
        super().__init__()
        self.events = events
        self.inputs, self.ground_truth = preview
        self.step = first_step
        self._pictures = None

    def on_train_batch_end(self, batch, logs=None):
        """Write when the step just taken is due."""
        if self.step % SUMMARY_EVERY == 0:
            self._write(logs)
        self.step += 1

    def _write(self, logs):
        # Not predict_on_batch: of several workers only the chief comes here.
        self._pictures = self._pictures or tf.function(self.model)
        pictures = self._pictures(self.inputs)
        shown = {"input": self.inputs["source"], "ground_truth": self.ground_truth, **pictures}
        scalars = {
            f"loss/{name}": value
            for name, value in logs.items()
            if name == "total_loss" or name.startswith("loss_")
        }
        self.events.write(
            self.step, scalars, {name: _stretched(batch) for name, batch in shown.items()}
        )


def _stretched(batch):
    """Bring each picture to [0, 1]: layers reach below 0 and above 1."""
    batch = np.asarray(batch)
    low = batch.min(axis=(1, 2, 3), keepdims=True)
    spread = batch.max(axis=(1, 2, 3), keepdims=True) - low
    return (batch - low) / np.where(spread > 0, spread, 1)
