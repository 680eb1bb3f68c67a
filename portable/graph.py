"""The whole operator as one graph: linear RGB in, displayed RGB out."""

import tensorflow as tf

from portable.display import displayed
from portable.preparation import crop_to_multiple, normalise_hdr
from portable.pyramid import decompose


class PortableOperator(tf.Module):
    """Preparation, joint network and display of a trained operator.

    Args:
        network: the keras.Model of models.tone_mapper.
        preparation: the data.prepare.Preparation it was trained with.
        display: the models.display.Display to show its output with.
    """

    def __init__(self, network, preparation, display):
        super().__init__(name="iqatm")
        self._network = network
        self._preparation = preparation
        self._display = display

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.float32, "linear_rgb")])
    def __call__(self, linear_rgb):
        """Tone-map one picture.

        Args:
            linear_rgb: 1×H×W×3 float32, scene-linear, of any scale, finite and not
                negative, at least 7·2^level_num pixels on each side.

        Returns:
            dict with "display_rgb", uint8, display-encoded; its sides are the
            picture's, cropped at the bottom and right to multiples of 2^level_num.
        """
        kind = self._preparation
        cropped = crop_to_multiple(linear_rgb, 2**kind.level_num)
        normalised = normalise_hdr(cropped, kind.data_domain)
        high, bot = decompose(
            normalised, kind.decompose_filter, kind.fuse_mid_layers, kind.level_num
        )
        output = self._network({"high": high, "bot": bot}, training=False)["output"]
        return {"display_rgb": displayed(output, normalised, kind.data_domain, self._display)}
