"""The devices TensorFlow computes on."""

from pathlib import Path

import tensorflow as tf

# Instructions of x86 processors that multiply bfloat16, as Linux names them.
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


def devices_in_use():
    """Let GPU memory grow as needed; return the devices as a short text."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
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
    if tf.config.list_physical_devices("GPU"):
        return True
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return None
    return not words.isdisjoint(BFLOAT16_FLAGS) if "flags" in words else None
