"""Perceptual loss on the first convolution of each VGG-16 block.

K. Simonyan, A. Zisserman, 2015; J. Johnson et al., 2016. RGB in [0, 1] goes in
as it is, as in the original: no mean, no ×255, no channel swap.
"""

import pickle

import keras
import numpy as np
from keras import ops

from system.errors import InputError

# (channels, convolutions) of each block, up to the last layer that is compared.
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 1))
LAYERS = [
    f"conv{block}_{index}"
    for block, (_, count) in enumerate(BLOCKS, start=1)
    for index in range(1, count + 1)
]


class DownloadError(InputError):
    """Keras' VGG-16 weights could not be downloaded."""


class PerceptualLoss:
    """Σ over conv1_1 … conv5_1 (after ReLU) of mean |φ(a) - φ(b)|, divided by 3.

    Args:
        weights: dict from layer name (LAYERS) to (kernel 3×3×in×out, bias).
    """

    def __init__(self, weights):
        self.features = _vgg(weights)

    def __call__(self, a, b):
        """Return the loss of two N×H×W×3 pictures, a scalar."""
        pairs = zip(self.features(a), self.features(b), strict=True)
        return sum(ops.mean(ops.abs(of_a - of_b)) for of_a, of_b in pairs) / 3


def load_vgg16(source):
    """Return the weights PerceptualLoss takes.

    Args:
        source: "imagenet" for Keras' own file, downloaded once, or the path of
            a vgg16.npy (a pickled dict: layer name to [kernel, bias]), from which
            nothing but arrays is loaded.

    Raises:
        DownloadError: "imagenet" is not to be had.
        InputError: the file cannot be read, or does not hold VGG-16's weights.
    """
    return _from_keras() if source == "imagenet" else _from_npy(source)


def _from_keras():
    try:
        vgg = keras.applications.VGG16(weights="imagenet", include_top=False)
    except Exception as error:  # Keras raises bare Exception when the download fails
        raise DownloadError(
            "the VGG-16 weights could not be downloaded for model.loss_vgg = 'imagenet': connect "
            "to the internet once, or name a vgg16.npy there"
        ) from error
    return {
        name: vgg.get_layer(name.replace("conv", "block", 1).replace("_", "_conv")).get_weights()
        for name in LAYERS
    }


def _from_npy(path):
    try:
        table = read_arrays(path)
        weights = {name: [np.asarray(part, np.float32) for part in table[name]] for name in LAYERS}
        _check_shapes(weights)
    except OSError as error:
        raise InputError(
            f"{path}: the VGG-16 weights of model.loss_vgg cannot be read; put a vgg16.npy there, "
            "or use --set model.loss_vgg=imagenet, or leave the term out with "
            "--set model.loss_vgg=None"
        ) from error
    except Exception as error:  # unpickling can raise anything
        raise InputError(
            f"{path}: not the VGG-16 weights that model.loss_vgg asks for (a pickled dict from "
            "layer name to [kernel, bias]); use --set model.loss_vgg=imagenet or None"
        ) from error
    return weights


def _check_shapes(weights):
    channels_in = 3
    for block, (channels, count) in enumerate(BLOCKS, start=1):
        for index in range(1, count + 1):
            kernel, bias = weights[f"conv{block}_{index}"]
            if kernel.shape != (3, 3, channels_in, channels) or bias.shape != (channels,):
                raise ValueError(f"conv{block}_{index} has the shape {kernel.shape}")
            channels_in = channels


def _vgg(weights):
    """VGG-16 up to conv5_1 with frozen weights; returns the five compared layers."""
    x = picture = keras.Input((None, None, 3))
    compared = []
    for block, (channels, count) in enumerate(BLOCKS, start=1):
        if block > 1:
            x = keras.layers.MaxPooling2D(2, strides=2, padding="same")(x)
        for index in range(1, count + 1):
            name = f"conv{block}_{index}"
            layer = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name=name)
            x = layer(x)
            layer.set_weights(weights[name])
            if index == 1:
                compared.append(x)
    model = keras.Model(picture, compared, name="vgg16")
    model.trainable = False
    return model


def read_arrays(path):
    """Return the dict of a vgg16.npy, layer name to list of arrays, without running its pickle.

    The file is a 0-dimensional object array (numpy.lib.format) whose one element is a dict
    from layer name to [kernel, bias], pickled by Python 2 or 3 in a protocol up to 4.

    Raises:
        OSError: it cannot be read.
        pickle.UnpicklingError, ValueError and others: it is damaged, or holds anything else
            than arrays of floating-point numbers.
    """
    with open(path, "rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        # Text of Python 2 stays bytes: that is where it has the samples.
        *_, (table,) = _PartsUnpickler(file, encoding="bytes").load().state
    return {_text(name): [_array(parts) for parts in layer] for name, layer in table.items()}


class _Parts:
    """What a pickle gives for an array, a dtype or bytes: arguments and state, not yet applied."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __setstate__(self, state):
        self.state = state


class _PartsUnpickler(pickle.Unpickler):
    """Calls nothing that a pickle names.

    Not numpy's own functions either: dtype.__setstate__ takes flags from the file, with which
    an array takes the file's bytes for pointers.
    """

    ALLOWED = (
        "numpy.core.multiarray._reconstruct",
        "numpy.ndarray",
        "numpy.dtype",
        "_codecs.encode",  # Python 3 writes bytes so in the protocols of Python 2
    )

    def find_class(self, module, name):
        """Return the class of parts for the names of arrays, or refuse."""
        if f"{module.replace('numpy._core', 'numpy.core')}.{name}" not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not an array")
        return _Parts


def _array(parts):
    """Return the array of its parts; ValueError where they disagree or are no numbers."""
    _, shape, dtype, by_columns, samples = parts.state
    dtype = np.dtype(_text(dtype.state[1]) + _text(dtype.arguments[0]))
    if dtype.kind != "f":
        raise ValueError(f"an array of {dtype} holds no weights")
    if isinstance(samples, _Parts):
        samples = samples.arguments[0].encode("latin1")
    return np.frombuffer(samples, dtype).reshape(shape, order="F" if by_columns else "C")


def _text(value):
    return value.decode("latin1") if isinstance(value, bytes) else value
