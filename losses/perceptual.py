"""Perceptual loss on the first convolution of each VGG-16 block.

K. Simonyan, A. Zisserman, 2015; J. Johnson et al., 2016. RGB in [0, 1] goes in
as it is, as in the original: no mean, no ×255, no channel swap.
"""

import keras
import numpy as np
from keras import ops

from losses.vgg16_file import read_arrays
from system.errors import InputError

# (channels, convolutions) of each block, up to the last layer that is compared.
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 1))
LAYERS = [
    f"conv{block}_{index}"
    for block, (_, count) in enumerate(BLOCKS, start=1)
    for index in range(1, count + 1)
]


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
        InputError: the weights are not to be had, or are not VGG-16's.
    """
    return _from_keras() if source == "imagenet" else _from_npy(source)


def _from_keras():
    try:
        vgg = keras.applications.VGG16(weights="imagenet", include_top=False)
    except Exception as error:  # Keras raises bare Exception when the download fails
        raise InputError(
            "the VGG-16 weights could not be downloaded for model.loss_vgg = 'imagenet': connect "
            "to the network once, name a vgg16.npy, or leave the term out with "
            "--set model.loss_vgg=None"
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
