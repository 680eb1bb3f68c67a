"""models.display as a TensorFlow graph. Pictures are 1×H×W×3 float32."""

import math

import tensorflow as tf

from data.preparation.normalize import GAMMA
from models.display import DARKEST, GUIDE_EDGE, LUMINANCE
from portable.guided import guided_filter
from portable.preparation import minmax


def displayed(output, normalized, domain, display, black_offset=0.0):
    """Return the picture to show as uint8, see models.display.displayed."""
    picture = minmax(output) if display.range == "minmax" else tf.clip_by_value(output, 0.0, 1.0)
    if domain == "linear":
        picture = tf.pow(picture, GAMMA)
    if display.colour == "source":
        light = tf.pow(normalized, 1 / GAMMA) if domain == "gamma" else normalized
        # Each channel is an array of its own, as in portable.pyramid.
        light = tf.unstack(light + black_offset, axis=-1)
        target = _luminance(tf.unstack(srgb_decode(picture), axis=-1))
        if display.guided:
            target = _following(light, target, display.guided)
        picture = _recoloured(target, light, display.saturation)
    return tf.cast(tf.round(picture * 255.0), tf.uint8)


def _following(light, target, radius):
    """Filter the displayed luminance, 1×H×W, guided by the HDR's logarithm."""
    guide = tf.math.log(tf.maximum(_luminance(light), DARKEST)) * (1 / math.log(2))
    codes = guided_filter(guide, srgb_encode(target), radius, GUIDE_EDGE)
    return srgb_decode(tf.clip_by_value(codes, 0.0, 1.0))


def _recoloured(target, light, saturation):
    """Give the source's chromaticity to the displayed luminance; see models.display.

    Args:
        target: 1×H×W.
        light: three of 1×H×W.
        saturation: the ratios' exponent.

    Returns:
        1×H×W×3.
    """
    luminance = tf.maximum(_luminance(light), 1e-9)
    colour = [tf.pow(channel / luminance, saturation) for channel in light]
    level = tf.maximum(_luminance(colour), 1e-9)
    black = _largest(light) <= 0
    colour = [tf.where(black, target, channel / level * target) for channel in colour]
    excess = _largest(colour) - target
    room = 1.0 - target
    keep = tf.where(excess > room, room / tf.maximum(excess, 1e-9), 1.0)
    inside = [target + keep * (channel - target) for channel in colour]
    return srgb_encode(tf.stack(inside, axis=-1))


def _luminance(channels):
    return sum(float(share) * c for share, c in zip(LUMINANCE, channels, strict=True))


def _largest(channels):
    return tf.maximum(tf.maximum(channels[0], channels[1]), channels[2])


def srgb_decode(code):
    """Return the linear light of sRGB codes in [0, 1] (IEC 61966-2-1)."""
    return tf.where(code <= 0.04045, code / 12.92, tf.pow((code + 0.055) / 1.055, 2.4))


def srgb_encode(light):
    """Return the sRGB codes of linear light; what lies outside [0, 1] is cut off."""
    light = tf.clip_by_value(light, 0.0, 1.0)
    return tf.where(light <= 0.0031308, 12.92 * light, 1.055 * tf.pow(light, 1 / 2.4) - 0.055)
