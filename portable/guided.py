"""models.guided as a TensorFlow graph."""

import tensorflow as tf


def guided_filter(guide, picture, radius, edge):
    """Make `picture` follow `guide`; both 1×H×W, see models.guided.guided_filter.

    Sides must be `radius` at least.
    """
    products = tf.stack([guide, picture, guide * guide, guide * picture], axis=-1)
    mean_guide, mean, mean_square, mean_product = tf.unstack(_box(products, radius), axis=-1)
    variance = tf.maximum(mean_square - mean_guide * mean_guide, 0.0)
    slope = (mean_product - mean_guide * mean) / (variance + edge)
    offset = mean - slope * mean_guide
    slope, offset = tf.unstack(_box(tf.stack([slope, offset], axis=-1), radius), axis=-1)
    return slope * guide + offset


def _box(image, radius):
    """Mean of the (2 radius + 1)² samples round each, 1×H×W×C mirrored at its borders.

    tf.pad's mode for that (the border sample twice) does not exist in ONNX.
    """
    size = 2 * radius + 1
    image = tf.concat([image[:, radius - 1 :: -1], image, image[:, : -radius - 1 : -1]], axis=1)
    image = tf.nn.avg_pool2d(image, (size, 1), 1, "VALID")
    image = tf.concat(
        [image[:, :, radius - 1 :: -1], image, image[:, :, : -radius - 1 : -1]], axis=2
    )
    return tf.nn.avg_pool2d(image, (1, size), 1, "VALID")
