"""The bar that training draws."""

import keras
from tqdm import tqdm


class ProgressBar(keras.callbacks.Callback):
    """One bar an epoch, with the loss and its terms.

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
        self._bar = None

    def on_epoch_begin(self, epoch, logs=None):
        """Draw the bar."""
        title = f"epoch {epoch + 1}/{self.epochs}"
        self._bar = tqdm(total=self.steps, initial=self.done, desc=title, unit="step")
        self.done = 0

    def on_train_batch_end(self, batch, logs=None):
        """Advance it and show this step's losses."""
        shown = {name: f"{logs[f'loss_{name}']:.4f}" for name in self.terms}
        self._bar.set_postfix(total=f"{logs['total_loss']:.4f}", **shown, refresh=False)
        self._bar.update()

    def on_epoch_end(self, epoch, logs=None):
        """Leave it on the screen."""
        self._bar.close()
