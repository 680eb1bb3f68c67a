"""Pieces of a training step that XLA compiles where Keras runs on TensorFlow.

One program reads and writes each map once where TensorFlow's operations do so one after the
other. The convolutions stay outside: on a CPU XLA's are slower.
"""

import functools

import keras


@functools.cache
def compiled(function):
    """Return a function of tensors that is compiled once a shape, whoever calls it.

    Under JAX, which compiles the whole step, and PyTorch it is the function itself.
    """
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    return tf.function(function, jit_compile=True, autograph=False)
