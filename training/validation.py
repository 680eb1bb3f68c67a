"""Scores of whole pictures along the training of the joint network."""

import math
import statistics

from training.summaries import SHOWN


class Validation:
    """Tone-map pictures after every so many epochs, score them, and tell TensorBoard.

    Scalars are the means of the pictures that have the score, under val/ and its name; the
    first SHOWN pictures are val/<stem>.

    Args:
        events: training.summaries.EventFile.
        network: models.tone_mapper's joint network, padded as in testing.
        pictures: dict from stem to data.preparation.prepare.Layers.
        show: callable (output H×W×3, Layers) -> H×W×3 uint8.
        score: callable (stem, H×W×3 uint8) -> dict from name to number.
        every: epochs.
        tell: callable taking (step, dict of the means).
    """

    def __init__(self, events, network, pictures, show, score, every, tell):
        self.events = events
        self.network = network
        self.pictures = pictures
        self.show = show
        self.score = score
        self.every = every
        self.tell = tell

    def score_epoch(self, epoch, step, stop):
        """Score, if this epoch is due; training.fit calls it when the epoch is saved.

        Args:
            epoch: the one that just ended, counted from 0.
            step: the number of training steps taken.
            stop: training.callbacks.StopAtSignal; once it was asked, nothing is scored or told.
        """
        if (epoch + 1) % self.every == 0:
            scored = self._scored(stop)
            if scored is not None:
                self._write(step, *scored)

    def _scored(self, stop):
        shown, rows = {}, []
        for stem, layers in self.pictures.items():
            if stop.asked:
                return None
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

    def _write(self, step, means, shown):
        scalars = {f"val/{name}": value for name, value in means.items()}
        pictures = {f"val/{stem}": picture[None] for stem, picture in shown.items()}
        self.events.write(step, scalars, pictures)
        self.tell(step, means)
