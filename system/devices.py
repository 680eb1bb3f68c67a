"""The devices TensorFlow computes on."""

import tensorflow as tf


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
