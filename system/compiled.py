"""Pieces of a training step that XLA compiles where Keras runs on TensorFlow.

One program reads and writes each map once where TensorFlow's operations do so one after the
other. The convolutions stay outside: on a CPU XLA's are slower.
"""

import functools

import keras


def compiled(function):
    """Return a function of tensors and numbers that is compiled once a shape, whoever calls it.

    Under JAX, which compiles the whole step, and PyTorch it is the function itself.
    """
    if keras.backend.backend() != "tensorflow":
        return function

    def call(*arguments):
        kinds = (str((a.shape, a.dtype) if hasattr(a, "shape") else a) for a in arguments)
        return _program(function, tuple(kinds))(*arguments)

    return call


@functools.cache
def _program(function, kinds):
    # One for each kind of arguments: TensorFlow warns where one function is traced often.
    import tensorflow as tf

    return tf.function(function, jit_compile=True, autograph=False)
