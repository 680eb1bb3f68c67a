"""The file formats: how each is written, and run in its own runtime."""

import importlib.util
import logging
import os
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import NamedTuple

import tensorflow as tf

from portable.graph import INPUT, OUTPUT
from system.atomic import replacing, replacing_folder
from system.errors import InputError

SIGNATURE = "serving_default"
OPSET = 18  # the newest that tf2onnx 1.17 writes


class Format(NamedTuple):
    """One format.

    name: of the file or folder.
    packages: needed for writing and running it, beyond requirements.txt.
    write: function of (portable_operator's module, path).
    load: function of the path; returns (function from H×W×3 float32 to
        H×W×3 uint8, the runtime's name and version).
    """

    name: str
    packages: tuple[str, ...]
    write: Callable
    load: Callable

    def missing(self):
        """Return the packages that are not installed."""
        return [name for name in self.packages if importlib.util.find_spec(name) is None]


def write_savedmodel(operator, path):
    """Write a SavedModel folder.

    Raises:
        InputError: it cannot be written.
    """
    signatures = {SIGNATURE: operator.tone_map.get_concrete_function()}
    with replacing_folder(path) as folder:
        try:
            tf.saved_model.save(operator, folder, signatures)
        except tf.errors.OpError as error:
            raise InputError(f"{path}: cannot be written ({error.message})") from error


def write_tflite(operator, path, float16=False):
    """Write a TFLite (LiteRT) file; it needs built-in operations only.

    float16: of the weights; it computes in float32 where a delegate does not choose otherwise.
    """
    signatures = {SIGNATURE: operator.tone_map.get_concrete_function()}
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(operator, folder, signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        # Weights as constants; as variables they would be NaN before some initializer runs.
        converter.experimental_enable_resource_variables = False
        if float16:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        content = converter.convert()
    with replacing(path) as file:
        file.write(content)


def write_onnx(operator, path):
    """Write an ONNX file of standard operations only."""
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    tone_map = operator.tone_map
    model, _ = tf2onnx.convert.from_function(tone_map, tone_map.input_signature, opset=OPSET)
    for value, prefix in ((model.graph.input[0], ""), (model.graph.output[0], "cropped_")):
        sides = value.type.tensor_type.shape.dim[1:3]
        for side, name in zip(sides, ("height", "width"), strict=True):
            if not side.dim_value:
                side.dim_param = prefix + name
    with replacing(path) as file:
        file.write(model.SerializeToString())


def load_savedmodel(path):
    """Load a SavedModel in TensorFlow, see Format."""
    tone_map = tf.saved_model.load(os.fspath(path)).signatures[SIGNATURE]

    def run(picture):
        try:
            return tone_map(**{INPUT: tf.constant(picture[None])})[OUTPUT].numpy()[0]
        except tf.errors.ResourceExhaustedError as error:
            raise MemoryError from error

    return run, f"tensorflow {tf.__version__}"


def load_tflite(path):
    """Load a TFLite file in LiteRT where it is installed, else in TensorFlow; see Format."""
    threads = os.cpu_count()
    if importlib.util.find_spec("ai_edge_litert"):
        from ai_edge_litert.interpreter import Interpreter

        runtime = f"ai-edge-litert {version('ai-edge-litert')}"
    else:
        Interpreter, runtime = tf.lite.Interpreter, f"tf.lite {tf.__version__}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf.lite announces its end with each interpreter
        interpreter = Interpreter(os.fspath(path), num_threads=threads)
    tone_map = interpreter.get_signature_runner(SIGNATURE)
    return lambda picture: tone_map(**{INPUT: picture[None]})[OUTPUT][0], runtime


def load_onnx(path):
    """Load an ONNX file in ONNX Runtime, see Format."""
    import onnxruntime

    session = onnxruntime.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])

    def run(picture):
        return session.run([OUTPUT], {INPUT: picture[None]})[0][0]

    return run, f"onnxruntime {onnxruntime.__version__}"


FORMATS = {
    "savedmodel": Format("iqatm_savedmodel", (), write_savedmodel, load_savedmodel),
    "onnx": Format("iqatm.onnx", ("tf2onnx", "onnxruntime"), write_onnx, load_onnx),
    "tflite": Format("iqatm.tflite", (), write_tflite, load_tflite),
    "tflite_float16": Format(
        "iqatm_float16.tflite", (), partial(write_tflite, float16=True), load_tflite
    ),
}
