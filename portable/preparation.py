"""data.preparation.normalize as a TensorFlow graph. Pictures are 1×H×W×3 float32."""

import tensorflow as tf

from data.preparation.normalize import CLIPPED_FRACTION, GAMMA

_PER_THOUSAND = round(CLIPPED_FRACTION * 1000)


def crop_to_multiple(image, step):
    """Crop at the top left to sides that are multiples of `step`."""
    height, width = tf.shape(image)[1], tf.shape(image)[2]
    return image[:, : height // step * step, : width // step * step]


def clip_highlights(image):
    """Clip from above at the k-th largest sample, k = int(H·W·3·0.003).

    k is at least 1 here, which clips nothing: k = 0 means just that.
    """
    samples = tf.reshape(image, [-1])
    # In whole numbers, because float32 cannot count the samples of a large
    # picture. The same as int(count · 0.003), and no product overflows.
    count = tf.size(samples)
    k = count // 1000 * _PER_THOUSAND + count % 1000 * _PER_THOUSAND // 1000
    largest = tf.math.top_k(samples, tf.maximum(k, 1), sorted=False).values
    return tf.minimum(image, tf.reduce_min(largest))


def minmax(image):
    """Stretch to [0, 1] over all samples; a constant picture becomes zeros."""
    low, high = tf.reduce_min(image), tf.reduce_max(image)
    span = tf.where(high > low, high - low, 1.0)
    return (image - low) / span


def normalize_hdr_with_offset(image, domain):
    """Turn scene-linear samples of any scale, finite and not negative, into [0, 1].

    Returns:
        (the picture, the light that min-max took away), see data.preparation.normalize.
    """
    clipped = clip_highlights(image)
    low, high = tf.reduce_min(clipped), tf.reduce_max(clipped)
    black_offset = tf.where(high > low, low / tf.where(high > low, high - low, 1.0), 0.0)
    stretched = minmax(clipped)
    return tf.pow(stretched, GAMMA) if domain == "gamma" else stretched, black_offset
