"""The environment variable that names the workers of one training."""

import json

from system.errors import InputError

JOBS = ("chief", "worker")


def check_tf_config(text):
    """Raise InputError where TF_CONFIG does not say who the workers are and which one this is."""
    example = (
        '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
        '"task": {"type": "worker", "index": 0}}'
    )
    remedy = f"give each worker its own, for instance {example}"
    if not text:
        raise InputError(f"train.strategy is 'multi_worker' but TF_CONFIG is not set; {remedy}")
    try:
        config = json.loads(text)
        job, index = config["task"]["type"], config["task"]["index"]
        address = config["cluster"][job][index]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(f"TF_CONFIG does not name this worker: {text}; {remedy}") from error
    if job not in JOBS or not isinstance(address, str) or index < 0:
        raise InputError(f"TF_CONFIG does not name this worker: {text}; {remedy}")
