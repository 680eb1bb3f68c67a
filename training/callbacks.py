"""What happens between training steps: NaN watch, stop after a signal, TensorBoard, bar."""

import logging
import math
import signal
import tempfile
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from system.errors import InputError, reason_of

TIMED_STEPS, TIMED_SECONDS = 20, 60  # the sooner one ends the timing of a step
AGREE_EVERY = 10  # steps between two questions whether a worker was asked to stop
MAX_PICTURES = 3  # of each tag in TensorBoard
PROBE_BYTES = 65536  # more than an event file grows by without asking the disk

logger = logging.getLogger(__name__)


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
    """On SIGINT or SIGTERM finish the step and stop; `done` counts this epoch's steps.

    Args:
        agree: None, or, where several workers must stop after the same step, callable from
            whether this one got a signal to whether any did. Every AGREE_EVERY steps.
    """

    def __init__(self, agree=None):
        super().__init__()
        self.done = 0
        self._agree = agree
        self._signalled = self._agreed = False

    @property
    def asked(self):
        """Whether the training is to stop."""
        return self._agreed if self._agree else self._signalled

    def install(self):
        """Take over the two signals; call it from the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def on_epoch_begin(self, epoch, logs=None):
        """Count from 0 again."""
        self.done = 0

    def on_train_batch_end(self, batch, logs=None):
        """Stop the fit here if a signal came."""
        self.done += 1
        if not self._agree or self.done % AGREE_EVERY == 0:
            self._decide()

    def on_epoch_end(self, epoch, logs=None):
        """Decide once more: the epoch may be shorter than AGREE_EVERY steps."""
        self._decide()

    def _decide(self):
        if self._agree and not self._agreed:
            self._agreed = self._agree(self._signalled)
        if self.asked:
            self.model.stop_training = True

    def _note(self, number, frame):
        self._signalled = True


class ProgressBar(keras.callbacks.Callback):
    """One bar an epoch, with the loss and its terms; and once how long all epochs take.

    Args:
        steps: of an epoch.
        epochs: in all.
        done: steps of the first epoch that an earlier run has taken.
        terms: names of the terms to show.
    """

    def __init__(self, steps, epochs, done, terms):
        super().__init__()
        self.steps = steps
        self.epochs = epochs
        self.done = done
        self.terms = terms
        self._bar: Any = None
        self._taken = -1  # the first step is not timed: it builds the graph
        self._start = None
        self._told = False

    def on_epoch_begin(self, epoch, logs=None):
        """Draw the bar."""
        self._remaining = (self.epochs - epoch) * self.steps
        title = f"epoch {epoch + 1}/{self.epochs}"
        self._bar = tqdm(total=self.steps, initial=self.done, desc=title, unit="step")
        self.done = 0

    def on_train_batch_end(self, batch, logs=None):
        """Advance it and show this step's losses."""
        terms = {name: f"{logs[f'loss_{name}']:.4f}" for name in self.terms}
        self._bar.set_postfix(total=f"{logs['total_loss']:.4f}", **terms, refresh=False)
        self._bar.update()
        self._estimate()

    def on_epoch_end(self, epoch, logs=None):
        """Leave it on the screen."""
        self._bar.close()

    def _estimate(self):
        self._taken += 1
        self._start = self._start or time.monotonic()
        seconds = time.monotonic() - self._start
        if not self._told and (self._taken == TIMED_STEPS or seconds > TIMED_SECONDS):
            self._told = True
            left = self._remaining - self._bar.n
            minutes = max(1, round(left * seconds / self._taken / 60))
            time_left = f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"
            logger.info(f"about {time_left} for the {left} steps to go")


class Summaries(keras.callbacks.Callback):
    """Write the original's scalars and pictures to TensorBoard.

    Args:
        events: EventFile.
        preview: (inputs, ground truth) of the few patches whose pictures are written.
        first_step: steps taken before this run.
        every: steps between two points.
    """

    def __init__(self, events, preview, first_step, every):
        super().__init__()
        self.events = events
        self.inputs, self.ground_truth = preview
        self.step = first_step
        self.every = every
        self._pictures = None

    def on_train_batch_end(self, batch, logs=None):
        """Write when the step just taken is due."""
        if self.step % self.every == 0:
            self._write(logs)
        self.step += 1

    def _write(self, logs):
        # Not predict_on_batch: of several workers only the chief comes here.
        self._pictures = self._pictures or tf.function(self.model)
        pictures = self._pictures(self.inputs)
        pictures = {"input": self.inputs["source"], "ground_truth": self.ground_truth, **pictures}
        scalars = {
            f"loss/{name}": value
            for name, value in logs.items()
            if name == "total_loss" or name.startswith("loss_")
        }
        pictures = {name: _stretched(batch) for name, batch in pictures.items()}
        self.events.write(self.step, scalars, pictures)


def _stretched(batch):
    """Bring each picture to [0, 1]: layers reach below 0 and above 1."""
    batch = np.asarray(batch)
    low = batch.min(axis=(1, 2, 3), keepdims=True)
    spread = batch.max(axis=(1, 2, 3), keepdims=True) - low
    return (batch - low) / np.where(spread > 0, spread, 1)


class EventFile:
    """The event file of one run; it is made at the first write.

    TensorFlow drops events that it cannot write and says nothing. So after each write the
    folder is asked for room; where it has none, one warning is logged, `lost` becomes True
    and nothing more is written: a training must not end for want of its pictures.

    Args:
        folder: of the file.
    """

    def __init__(self, folder):
        self.folder = str(folder)
        self.lost = False
        self._writer = None

    def write(self, step, scalars, pictures):
        """Append one step.

        Args:
            step: its number.
            scalars: dict from tag to number.
            pictures: dict from tag to N×H×W×3, uint8 or float in [0, 1]; MAX_PICTURES are
                written.
        """
        if self.lost:
            return
        try:
            self._writer = self._writer or tf.summary.create_file_writer(self.folder)
            with self._writer.as_default(step=step):
                for name, value in scalars.items():
                    tf.summary.scalar(name, value)
                for name, batch in pictures.items():
                    tf.summary.image(name, batch, max_outputs=MAX_PICTURES)
            self._writer.flush()
            with tempfile.TemporaryFile(dir=self.folder) as probe:
                probe.write(bytes(PROBE_BYTES))
        except (OSError, tf.errors.OpError) as error:
            self.lost = True
            logger.warning(
                f"{self.folder}: the summaries from step {step} on are lost ({reason_of(error)}); "
                "the training goes on without them"
            )
