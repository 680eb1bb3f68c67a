"""TensorFlow's start-up, and the devices it computes on."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

# Instructions of x86 processors that multiply bfloat16, as Linux names them.
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
# A program that writes what it has read to stderr, at the end of its input.
RELAY = "import sys; sys.stderr.buffer.write(sys.stdin.buffer.read())"


def import_tensorflow():
    """Import TensorFlow without the lines that its libraries print while they load.

    They come before any log level applies, so the process' stderr goes to a small program
    meanwhile. Where the import fails, even by a crash of this process (a processor without
    the instructions that TensorFlow was built for), that program prints them.
    TF_CPP_MIN_LOG_LEVEL in the environment is respected. Keras runs on TensorFlow in the
    scripts, whatever backend the user's environment or ~/.keras names.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    reader, writer = os.pipe()
    relay = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", RELAY], stdin=reader, start_new_session=True
    )
    os.dup2(writer, 2)
    os.close(reader)
    os.close(writer)
    try:
        import tensorflow  # noqa: F401

        relay.kill()
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        relay.wait()


def devices_in_use():
    """Let GPU memory grow as needed; return the devices as a short text."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    with contextlib.suppress(RuntimeError, ValueError):  # another program has set them up
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    names = [tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus]
    return ", ".join(
        f"{gpu.name.split(':', 1)[1]} {name or ''}".strip()
        for gpu, name in zip(gpus, names, strict=True)
    )


def bfloat16_is_fast():
    """Tell whether bfloat16 convolutions are faster here than float32 ones.

    Returns:
        True on a GPU or a processor with AVX-512 BF16 or AMX, False on another x86
        processor, None where it cannot be told.
    """
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return True
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return None
    return not words.isdisjoint(BFLOAT16_FLAGS) if "flags" in words else None
