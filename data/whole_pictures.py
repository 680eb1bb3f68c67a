"""Training batches of whole HDR pictures, without SDR partners and without records."""

from functools import partial
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from data.datasets import steps_per_epoch
from data.pictures import read_hdr
from data.preparation.augmentation import Augmentation, augment, view
from data.preparation.prepare import Preparation, prepare_picture
from system.errors import naming


class WholePictures(NamedTuple):
    """The pictures of a training and what is made of them.

    Attributes:
        paths: of the HDR files.
        preparation: Preparation of the layers.
        size: (height, width) that each view is brought to, multiples of 2^level_num.
        ratio: (least, largest) share of a picture's sides that a view shows.
        flip: mirror half of the views.
        augmentation: Augmentation of the views.
    """

    paths: tuple
    preparation: Preparation
    size: tuple[int, int]
    ratio: tuple[float, float]
    flip: bool
    augmentation: Augmentation

    @property
    def count(self):
        """The number of pictures, each of which an epoch shows once."""
        return len(self.paths)

    @property
    def bot_size(self):
        """(height, width) of the bot layer."""
        return tuple(side // 2**self.preparation.level_num for side in self.size)

    def scene(self, seed, epoch, index):
        """Return one view of an epoch, H×W×3 float32 linear; the arguments decide it alone.

        Raises:
            InputError: the file cannot be read.
        """
        order = np.random.default_rng([seed, epoch]).permutation(self.count)
        path = self.paths[order[index]]
        generator = np.random.default_rng([seed, epoch, index])
        with naming(path):
            rgb = view(read_hdr(path), self.size, self.ratio, self.flip, generator)
        return augment(rgb, self.augmentation, generator)

    def batches(self, batch_size, seed, epoch, skip=0, worker=0, workers=1):
        """Return the tf.data.Dataset of an epoch without its first `skip` batches.

        Of several workers it gives this one's equal part of each batch.
        Elements are (inputs, ground truth) as those of data.datasets, and inputs holds
        "black_offset", N×1×1×1, too. There is no ground truth: the source stands in its place.
        """
        steps = steps_per_epoch(self.count, batch_size)
        shapes = {
            "source": (*self.size, 3),
            "high": (*self.size, 3),
            "bot": (*self.bot_size, 3),
            "black_offset": (1, 1, 1),
        }
        load = partial(self._arrays, seed, epoch)

        def element(index):
            types = [tf.float32] * len(shapes)
            arrays = tf.numpy_function(load, [index], types, stateful=False)
            named = zip(shapes.items(), arrays, strict=True)
            inputs = {name: tf.ensure_shape(array, shape) for (name, shape), array in named}
            return inputs, inputs["source"]

        share = batch_size // workers
        return (
            tf.data.Dataset.range(skip * batch_size, min(steps * batch_size, self.count))
            .filter(lambda index: workers == 1 or index % batch_size // share == worker)
            .map(element, num_parallel_calls=tf.data.AUTOTUNE)
            .batch(share)
            .apply(tf.data.experimental.assert_cardinality(steps - skip))
            .prefetch(tf.data.AUTOTUNE)
        )

    def _arrays(self, seed, epoch, index):
        layers = prepare_picture(self.scene(seed, epoch, int(index)), self.preparation)
        offset = np.full((1, 1, 1), layers.black_offset, np.float32)
        return layers.normalized, layers.high, layers.bot, offset
