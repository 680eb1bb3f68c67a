"""Find mistakes in the settings before any work starts."""

import difflib
import math
from pathlib import Path
from typing import NamedTuple

from system.errors import InputError


class Kind(NamedTuple):
    """What a value must be: words for the message, and a test."""

    words: str
    accepts: callable


def _number(value):
    whole = isinstance(value, (int, float)) and not isinstance(value, bool)
    return whole and math.isfinite(value)


def _whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _one_of(*choices):
    return Kind(" or ".join(map(repr, choices)), lambda v: isinstance(v, str) and v in choices)


def _or_none(kind):
    return Kind(f"{kind.words}, or None", lambda v: v is None or kind.accepts(v))


TEXT = Kind("a text", lambda v: isinstance(v, str) and v.strip() != "")
SWITCH = Kind("True or False", lambda v: isinstance(v, bool))
COUNT = Kind("a whole number of 1 or more", lambda v: _whole(v) and v >= 1)
RADIUS = Kind("a whole number from 0 to 1000", lambda v: _whole(v) and 0 <= v <= 1000)
SEED = Kind("a whole number of 0 or more", lambda v: _whole(v) and v >= 0)
POSITIVE = Kind("a number above 0", lambda v: _number(v) and v > 0)
FRACTION = Kind("a number above 0, at most 1", lambda v: _number(v) and 0 < v <= 1)
SHARE = Kind("a number from 0 to 1", lambda v: _number(v) and 0 <= v <= 1)
# All are open at once, and a process may commonly open 1024 files.
SHARDS = Kind("a whole number from 1 to 512", lambda v: _whole(v) and 1 <= v <= 512)
QUALITY = Kind("a whole number from 1 to 100", lambda v: _whole(v) and 1 <= v <= 100)
WEIGHTS = Kind(
    "a dict from loss term to a weight of 0 or more",
    lambda v: (
        isinstance(v, dict)
        and all(isinstance(k, str) and _number(w) and w >= 0 for k, w in v.items())
    ),
)
RANGE = _one_of("minmax", "clip")
COLOUR = _one_of("network", "source")
PRECISION = _one_of("float32", "bfloat16")

KINDS = {
    "model": {
        "ckp_path_high": TEXT,
        "ckp_path_bot": TEXT,
        "ckp_path_ft": TEXT,
        "tfrecord_dual": TEXT,
        "tfrecord_ft": TEXT,
        "loss_model": _one_of("vgg_16"),
        "loss_vgg": _or_none(TEXT),
        "display_range": RANGE,
        "display_colour": COLOUR,
        "display_saturation": POSITIVE,
        "display_guided": RADIUS,
    },
    "data": {
        "hdr_path": TEXT,
        "sdr_path": TEXT,
        "appendix_hdr": TEXT,
        "appendix_sdr": TEXT,
        "label_path": TEXT,
        "label_saturation": POSITIVE,
        "patch_size_h": COUNT,
        "patch_size_w": COUNT,
        "patch_size_ft_h": COUNT,
        "patch_size_ft_w": COUNT,
        "patch_ratio_x": FRACTION,
        "patch_ratio_y": FRACTION,
        "patch_per_img": COUNT,
        "patch_flip": SWITCH,
        "seed": SEED,
        "tfrecord_shards": SHARDS,
        "processes": _or_none(COUNT),
    },
    "train": {
        "batch_size_high": COUNT,
        "batch_size_bot": COUNT,
        "batch_size_ft": COUNT,
        "train_set_size": _or_none(COUNT),
        "epochs_high": COUNT,
        "epochs_bot": COUNT,
        "epochs_ft": COUNT,
        "lr_high": POSITIVE,
        "lr_bot": POSITIVE,
        "lr_ft": POSITIVE,
        "lr_final": FRACTION,
        "loss_weights_high": WEIGHTS,
        "loss_weights_bot": WEIGHTS,
        "loss_weights_ft": WEIGHTS,
        "seed": SEED,
        "pad_bot": SWITCH,
        "displayed_share": SHARE,
        "val_path": _or_none(TEXT),
        "val_every": COUNT,
        "strategy": _one_of("default", "mirrored", "multi_worker"),
        "precision": PRECISION,
        "log_path": TEXT,
    },
    "test": {
        "tfrecord_test": TEXT,
        "hdr_path": TEXT,
        "result": TEXT,
        "format": _one_of("jpg", "png"),
        "jpg_quality": QUALITY,
        "precision": PRECISION,
        "display_range": _or_none(RANGE),
        "display_colour": _or_none(COLOUR),
        "display_saturation": _or_none(POSITIVE),
        "display_guided": _or_none(RADIUS),
    },
    "dev": {
        "data_domain": _one_of("gamma", "linear"),
        "decompose_filter": _one_of("bilateral", "gaussian"),
        "fuse_mid_layers": SWITCH,
        "level_num": Kind("a whole number from 1 to 8", lambda v: _whole(v) and 1 <= v <= 8),
        "phase": _one_of("testing", "training"),
        "ft": SWITCH,
        "test_resize_to_half": SWITCH,
        "no_high_branch": SWITCH,
        "no_ft_branch": SWITCH,
    },
}


def check(config):
    """Raise InputError, one sentence, for the first mistake in a config."""
    _check_names(config, KINDS, "section", "")
    for section, kinds in KINDS.items():
        if not isinstance(config[section], dict):
            raise InputError(f"{section} is a section of settings, it cannot be a value")
        _check_names(config[section], kinds, "setting", f"{section}.")
        for key, kind in kinds.items():
            value = config[section][key]
            if not kind.accepts(value):
                raise InputError(f"{section}.{key} is {value!r}; it must be {kind.words}")
    _check_patches(config)
    _check_display(config)
    _check_losses(config)


def _check_names(given, known, what, prefix):
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {prefix}{near[0]}?" if near else f", among {', '.join(known)}"
            raise InputError(f"{prefix}{name} is no {what}{hint}")
    for name in known:
        if name not in given:
            raise InputError(f"the {what} {prefix}{name} is missing from configs/configs.py")


def _check_losses(config):
    if config.train.loss_weights_ft.get("s") and config.dev.data_domain != "gamma":
        raise InputError(
            "train.loss_weights_ft gives 's' a weight, which reads domain gamma; dev.data_domain "
            f"is {config.dev.data_domain!r}"
        )


def _check_display(config):
    model = config.model
    shown = (model.display_range, model.display_colour)
    if config.train.displayed_share > 0 and shown != ("clip", "source"):
        raise InputError(
            "train.displayed_share is above 0, which needs model.display_range = 'clip' and "
            f"model.display_colour = 'source'; they are {shown[0]!r} and {shown[1]!r}"
        )


def _check_patches(config):
    step = 2**config.dev.level_num
    for key in ("patch_size_h", "patch_size_w", "patch_size_ft_h", "patch_size_ft_w"):
        size = config.data[key]
        if size % step:
            raise InputError(
                f"data.{key} is {size}; with dev.level_num = {config.dev.level_num} it must be "
                f"a multiple of {step}, for instance {max(step, size - size % step)}"
            )
    low, high = config.data.patch_ratio_x, config.data.patch_ratio_y
    if low > high:
        raise InputError(
            f"data.patch_ratio_x is {low} and patch_ratio_y {high}; the first is the smaller one"
        )


def existing_folder(path, key):
    """Return the folder as a Path, or raise InputError naming the setting."""
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"the folder {path} does not exist; make it, or set {key} to another")
    return folder
