"""Scores of whole pictures along the training of the joint network."""

import logging
import math
import statistics

import tensorflow as tf

from data.pictures import list_hdr, read_hdr
from data.preparation.prepare import prepare_picture
from metrics.scores import scores
from metrics.tmqi import MIN_SIDE
from models.display import displayed
from system.errors import InputError, naming
from system.files import result_stems
from training.callbacks import MAX_PICTURES

REMEDY = "smaller pictures"  # where the memory is too small
# Those of metrics.scores that are written after each validation.
SCORES = ("Q", "S", "N", "FSITM", "colour_correlation", "chroma_ratio", "cast")

logger = logging.getLogger(__name__)


class Validation:
    """Tone-map pictures after every so many epochs and score them.

    TensorBoard gets the means over the pictures that have the score, under val/ and its
    name, and the first MAX_PICTURES as val/<stem>. Pictures are read and prepared one by
    one each time: they would fill the memory of a whole training.

    Args:
        paths: dict from path to stem of HDR pictures.
        network: models.tone_mapper's joint network, padded as in testing.
        preparation: data.preparation.prepare.Preparation of the records.
        display: models.display.Display of the run.
        events: training.callbacks.EventFile.
        every: epochs.
    """

    def __init__(self, paths, network, preparation, display, events, every):
        self.paths = paths
        self.network = network
        self.preparation = preparation
        self.display = display
        self.events = events
        self.every = every

    def after_epoch(self, epoch, step, stop):
        """Validate, if this epoch is due.

        Args:
            epoch: the one that just ended, counted from 0.
            step: the number of training steps taken.
            stop: training.callbacks.StopAtSignal; once it was asked, nothing is written.
        """
        if (epoch + 1) % self.every:
            return
        pictures, rows = {}, []
        for path, stem in self.paths.items():
            if stop.asked:
                return
            try:
                picture, row = self._scored(path)
            except InputError as error:
                logger.warning(f"step {step}: not in the validation: {error}")
                continue
            rows.append(row)
            if len(pictures) < MAX_PICTURES:
                pictures[stem] = picture
        if rows:
            self._write(step, pictures, rows)

    def _scored(self, path):
        """Return (the tone-mapped picture H×W×3 uint8, dict from score to number) of a file."""
        with naming(path, REMEDY):
            hdr, layers = read_prepared(path, self.preparation)
            batch = {"high": layers.high[None], "bot": layers.bot[None]}
            try:
                output = self.network.predict_on_batch(batch)["output"][0]
            except tf.errors.ResourceExhaustedError as error:
                raise MemoryError from error
            domain, offset = self.preparation.data_domain, layers.black_offset
            picture = displayed(output, layers.normalized, domain, self.display, offset)
            found = scores(hdr, picture)
        return picture, {name: found[name] for name in SCORES}

    def _write(self, step, pictures, rows):
        means = {}
        for name in SCORES:
            numbers = [row[name] for row in rows if not math.isnan(row[name])]
            means[name] = statistics.fmean(numbers) if numbers else math.nan
        self.events.write(
            step,
            {f"val/{name}": value for name, value in means.items()},
            {f"val/{stem}": picture[None] for stem, picture in pictures.items()},
        )
        text = ", ".join(f"{name} {value:.4f}" for name, value in means.items())
        logger.info(f"step {step}, {len(rows)} validation pictures: {text}")


def check_pictures(folder, preparation):
    """Return dict from path to stem of a folder's HDR pictures, which can all be prepared.

    Args:
        folder: of the pictures, or None, which gives {}.
        preparation: data.preparation.prepare.Preparation.

    Raises:
        InputError: one cannot be read, or is too small or too large.
    """
    paths = list_hdr([folder]) if folder else []
    for path in paths:
        try:
            with naming(path, REMEDY):
                read_prepared(path, preparation)
        except InputError as error:
            raise InputError(f"{error}; or take it out of train.val_path") from error
    return result_stems(paths)


def read_prepared(path, preparation):
    """Read one picture for the validation.

    Returns:
        (H×W×3 float32 scene-linear picture, its data.preparation.prepare.Layers), both cropped.

    Raises:
        InputError: it cannot be read, or is too small.
        MemoryError: it is too large.
    """
    hdr = read_hdr(path)
    layers = prepare_picture(hdr, preparation)
    height, width = layers.normalized.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise InputError(f"{width}x{height} pixels are too few; TMQI needs {MIN_SIDE} on each side")
    return hdr[:height, :width], layers
