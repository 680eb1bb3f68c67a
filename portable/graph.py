"""The whole operator as one graph: linear RGB in, displayed RGB out."""

import tensorflow as tf

from models.display import to_display
from portable.preparation import crop_to_multiple, decompose, normalize_hdr_with_offset
from standards.srgb import MAX_CODE

INPUT, OUTPUT = "linear_rgb", "display_rgb"


def portable_operator(network, preparation, display):
    """Join preparation, network and display.

    Args:
        network: the keras.Model of models.tone_mapper.
        preparation: the data.preparation.prepare.Preparation it was trained with.
        display: the models.display.Display to show its output with.

    Returns:
        tf.Module whose tone_map(linear_rgb) takes one picture, 1×H×W×3 float32,
        scene-linear, of any scale, finite and not negative, at least
        7·2^level_num pixels on each side, and returns {"display_rgb": uint8},
        display-encoded, cropped at the bottom and right to sides that 2^level_num divides.
    """

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.float32, INPUT)])
    def tone_map(linear_rgb):
        cropped = crop_to_multiple(linear_rgb, 2**preparation.level_num)
        normalized, black_offset = normalize_hdr_with_offset(cropped, preparation.data_domain)
        high, bot = decompose(normalized, *preparation[1:])
        output = network({"high": high, "bot": bot}, training=False)["output"]
        picture = to_display(output, normalized, preparation.data_domain, display, black_offset)
        codes = tf.cast(tf.round(picture * MAX_CODE), tf.uint8)
        codes.set_shape([1, None, None, 3])
        return {OUTPUT: codes}

    operator = tf.Module(name="iqatm")
    # The variables only: with the Keras model its layers would be saved, too.
    operator.weights = [variable.value for variable in network.variables]
    operator.tone_map = tone_map
    return operator
