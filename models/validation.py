"""Scores of whole pictures along the training of the joint network."""

import math
import statistics

import keras
import tensorflow as tf

SHOWN = 3  # pictures


class Validation(keras.callbacks.Callback):
    """Tone-map pictures after every so many epochs, score them, and tell TensorBoard.

    Scalars are the means of the pictures that have the score, under val/ and its name; the
    first SHOWN pictures are val/<stem>.

    Args:
        folder: of the event files.
        network: models.tone_mapper's joint network, padded as in testing.
        pictures: dict from stem to data.prepare.Layers.
        show: callable (output H×W×3, Layers) -> H×W×3 uint8.
        score: callable (stem, H×W×3 uint8) -> dict from name to number.
        every: epochs.
        first_step: steps taken before this run.
        tell: callable taking (step, dict of the means).
    """

    def __init__(self, folder, network, pictures, show, score, every, first_step, tell):
        super().__init__()
        self.folder = str(folder)
        self.network = network
        self.pictures = pictures
        self.show = show
        self.score = score
        self.every = every
        self.step = first_step
        self.tell = tell
        self._writer = None

    def on_train_batch_end(self, batch, logs=None):
        """Count."""
        self.step += 1

    def on_epoch_end(self, epoch, logs=None):
        """Score, if this epoch is due."""
        if (epoch + 1) % self.every == 0:
            self._write(*self._scored())

    def _scored(self):
        shown, rows = {}, []
        for stem, layers in self.pictures.items():
            batch = {"high": layers.high[None], "bot": layers.bot[None]}
            output = self.network.predict_on_batch(batch)["output"][0]
            picture = self.show(output, layers)
            rows.append(self.score(stem, picture))
            if len(shown) < SHOWN:
                shown[stem] = picture
        means = {}
        for name in rows[0]:
            numbers = [row[name] for row in rows if not math.isnan(row[name])]
            means[name] = statistics.fmean(numbers) if numbers else math.nan
        return means, shown

    def _write(self, means, shown):
        self._writer = self._writer or tf.summary.create_file_writer(self.folder)
        with self._writer.as_default(step=self.step):
            for name, value in means.items():
                tf.summary.scalar(f"val/{name}", value)
            for stem, picture in shown.items():
                tf.summary.image(f"val/{stem}", picture[None])
        self._writer.flush()
        self.tell(self.step, means)
