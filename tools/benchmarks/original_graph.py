"""The network as a TensorFlow 1 program would build it: the baseline of the benchmarks.

Graphs and sessions of tf.compat.v1, NHWC float32, tf.nn operations, moments of whole maps by
tf.nn.moments. Own code after the formulas of C. Guo, X. Jiang, IEEE Access 9, 2021; the
weights are those of the Keras branches, so that results can be compared.

    weights = {name: layer_weights(branch) for name, branch in make_branches()._asdict().items()}
    run = tone_mapper(weights)
    picture = run(high, bot)

    with tf.Graph().as_default():
        picture = tf1.placeholder(tf.float32, (None, None, None, 3))
        output = branch("high", picture, weights["high"])    # makes tf1 variables
        step = tf1.train.AdamOptimizer(3e-4).minimize(loss(output))
"""

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
LEVEL_NUM = 3
TEST_PADDING = 6
EPSILON = 1e-6
NEGATIVE_SLOPE = 0.3


def layer_weights(keras_branch):
    """Return {layer name: (kernel k×k×C×D, bias D)} of a Keras branch."""
    layers = (layer for layer in keras_branch.layers if layer.weights)
    return {layer.name: tuple(map(np.asarray, layer.get_weights())) for layer in layers}


def branch(name, picture, weights):
    """Build one branch in the default graph; its weights become trainable variables.

    Args:
        name: "high", "bot" or "ft".
        picture: N×H×W×3 float32 tensor.
        weights: layer_weights of that branch.

    Returns:
        N×H×W×3 float32 tensor.
    """
    with tf1.variable_scope(f"{name}_branch"):
        return {"high": _high, "bot": _bot, "ft": _ft}[name](picture, weights)


def joint(high, bot, weights, padding=0, level_num=LEVEL_NUM):
    """Build out = ft(high(h) + up(bot(b))) in the default graph.

    Args:
        high: N×H×W×3 float32 tensor, the detail layer.
        bot: N×H/2^n×W/2^n×3 float32 tensor, the base layer.
        weights: layer_weights by branch name.
        padding: mirrored pixels round the bot layer: 0 in training, TEST_PADDING in testing.
        level_num: halvings between the two layers.

    Returns:
        N×H×W×3 float32 tensor in (0, 1).
    """
    if padding:
        sides = [padding, padding]
        bot = tf.pad(bot, [[0, 0], sides, sides, [0, 0]], "REFLECT")
    base = branch("bot", bot, weights["bot"])
    if padding:
        base = base[:, padding:-padding, padding:-padding]
    merged = branch("high", high, weights["high"]) + _enlarged(base, level_num)
    return branch("ft", merged, weights["ft"])


def tone_mapper(weights, level_num=LEVEL_NUM):
    """Return a function of (high H×W×3, bot) to the H×W×3 array, by a session of its own."""
    with tf.Graph().as_default() as graph:
        high = tf1.placeholder(tf.float32, (1, None, None, 3))
        bot = tf1.placeholder(tf.float32, (1, None, None, 3))
        output = joint(high, bot, weights, TEST_PADDING, level_num)
        session = tf1.Session(graph=graph)
        session.run(tf1.global_variables_initializer())
    return lambda h, b: session.run(output, {high: h[None], bot: b[None]})[0]


def _high(picture, weights):
    x = first = _block(picture, weights, "conv1", (1, 2))
    for name in ("conv2", "conv3", "conv4"):
        x = _block(x, weights, name, (1, 2))
    return tf.sigmoid(_convolution(x + first, weights, "conv5")) + picture


def _bot(picture, weights):
    x = _block(picture, weights, "conv1", (0, 1, 2))
    x = _block(x, weights, "conv2", (0, 1, 2))
    x = _tri(x, weights, "tri")
    x = _block(x, weights, "conv3", (0, 1, 2))
    return tf.sigmoid(_convolution(x, weights, "conv4")) + picture


def _ft(picture, weights):
    x = _block(picture, weights, "conv1", (1, 2))
    x = _block(x, weights, "conv2", (1, 2))
    x = _tri(_tri(x, weights, "tri1"), weights, "tri2")
    x = _block(x, weights, "conv3", (1, 2))
    return tf.sigmoid(_convolution(x, weights, "conv4"))


def _tri(x, weights, name):
    thirds = zip(tf.split(x, 3, -1), (1, 3, 5), strict=True)
    parts = [_block(part, weights, f"{name}_{k}x{k}", (1, 2)) for part, k in thirds]
    return x + _block(tf.concat(parts, -1), weights, f"{name}_merge", (1, 2))


def _block(x, weights, name, axes):
    """Convolution, leaky ReLU and normalization by the moments over the given axes."""
    x = tf.nn.leaky_relu(_convolution(x, weights, name), NEGATIVE_SLOPE)
    mean, variance = tf.nn.moments(x, axes, keepdims=True)
    return (x - mean) / tf.sqrt(variance + EPSILON)


def _convolution(x, weights, name):
    kernel, bias = weights[name]
    with tf1.variable_scope(name):
        kernel = tf1.get_variable("kernel", initializer=kernel)
        bias = tf1.get_variable("bias", initializer=bias)
    return tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias)


def _enlarged(x, level_num):
    """Double the sides level_num times: zeros between samples, then the binomial kernel."""
    row = np.array([1, 4, 6, 4, 1], np.float32)
    kernel = np.repeat((np.outer(row, row) / 64)[:, :, None, None], 3, 2)
    for _ in range(level_num):
        count, height, width = tf.unstack(tf.shape(x)[:3])
        x = tf.stack([x, tf.zeros_like(x)], 3)
        x = tf.reshape(x, (count, height, 1, 2 * width, 3))
        x = tf.concat([x, tf.zeros_like(x)], 2)
        x = tf.reshape(x, (count, 2 * height, 2 * width, 3))
        x = tf.pad(x, [[0, 0], [2, 2], [2, 2], [0, 0]], "REFLECT")
        x = tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], "VALID")
    return x
