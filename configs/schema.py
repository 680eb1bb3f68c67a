"""Find mistakes in the settings before any work starts."""

import difflib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from easydict import EasyDict

from system.errors import InputError


class Kind(NamedTuple):
    """What a value must be: a description for messages, and a test."""

    expected: str
    accepts: Callable[[Any], bool]


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _integer(least, most=math.inf):
    expected = f"of {least} or more" if most == math.inf else f"from {least} to {most}"
    return Kind(f"a whole number {expected}", lambda v: type(v) is int and least <= v <= most)


def _one_of(*choices):
    return Kind(" or ".join(map(repr, choices)), lambda v: isinstance(v, str) and v in choices)


def _or_none(kind):
    return Kind(f"{kind.expected}, or None", lambda v: v is None or kind.accepts(v))


def _are_weights(value):
    # Names such as "items" are attributes of EasyDict itself.
    return isinstance(value, dict) and all(
        isinstance(name, str) and not hasattr(EasyDict, name) and _is_number(weight) and weight >= 0
        for name, weight in dict.items(value)
    )


TEXT = Kind("a text", lambda v: isinstance(v, str) and v.strip() != "")
PATH = Kind("a text, a path", TEXT.accepts)  # a file, a folder or the beginning of their names
PATH_OR_NONE = _or_none(PATH)
SWITCH = Kind("True or False", lambda v: isinstance(v, bool))
COUNT = _integer(1)
SEED = _integer(0)
RADIUS = _integer(0, 1000)
SHARDS = _integer(1, 512)  # all are open at once; a process may commonly open 1024 files
POSITIVE = Kind("a number above 0", lambda v: _is_number(v) and v > 0)
FRACTION = Kind("a number above 0, at most 1", lambda v: _is_number(v) and 0 < v <= 1)
SHARE = Kind("a number from 0 to 1", lambda v: _is_number(v) and 0 <= v <= 1)
STOPS = Kind("a number from -20 to 20", lambda v: _is_number(v) and -20 <= v <= 20)
WEIGHTS = Kind("a dict from loss term to a weight of 0 or more", _are_weights)
RANGE = _one_of("minmax", "clip")
NOT_NEGATIVE = Kind("a number of 0 or more", lambda v: _is_number(v) and v >= 0)
COLOUR = _one_of("network", "source")
GAMUT = _one_of("desaturate", "clip", "darken")
PRECISION = _one_of("float32", "bfloat16")

KINDS = {
    "model": {
        "ckp_root": PATH,
        "ckp_path_high": PATH_OR_NONE,
        "ckp_path_bot": PATH_OR_NONE,
        "ckp_path_ft": PATH_OR_NONE,
        "tfrecord_dual": PATH,
        "tfrecord_ft": PATH,
        "loss_model": _one_of("vgg_16"),
        "loss_vgg": PATH_OR_NONE,
        "display_range": RANGE,
        "display_colour": COLOUR,
        "display_saturation": POSITIVE,
        "display_guided": RADIUS,
        "display_detail": NOT_NEGATIVE,
        "display_shadow_gain": NOT_NEGATIVE,
        "display_gamut": GAMUT,
    },
    "data": {
        "hdr_path": PATH,
        "sdr_path": PATH,
        "appendix_hdr": TEXT,
        "appendix_sdr": TEXT,
        "label_path": PATH,
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
        "augment_noise": SHARE,
        "augment_cast": SHARE,
        "augment_saturation": SHARE,
        "augment_range": SHARE,
        "augment_clipping": SHARE,
        "augment_border": SHARE,
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
        "whole_pictures": SWITCH,
        "val_path": PATH_OR_NONE,
        "val_every": COUNT,
        "strategy": _one_of("default", "mirrored", "multi_worker"),
        "precision": PRECISION,
        "log_path": PATH_OR_NONE,
    },
    "test": {
        "tfrecord_test": PATH,
        "hdr_path": PATH,
        "result": PATH,
        "format": _one_of("jpg", "png", "png16", "tif16", "ultrahdr"),
        "jpg_quality": _integer(1, 100),
        "precision": PRECISION,
        "keep_size": SWITCH,
        "wrap": SWITCH,
        "exposure": STOPS,
        "strength": SHARE,
        "display_range": _or_none(RANGE),
        "display_colour": _or_none(COLOUR),
        "display_saturation": _or_none(POSITIVE),
        "display_guided": _or_none(RADIUS),
        "display_detail": _or_none(NOT_NEGATIVE),
        "display_shadow_gain": _or_none(NOT_NEGATIVE),
        "display_gamut": _or_none(GAMUT),
    },
    "dev": {
        "data_domain": _one_of("gamma", "linear"),
        "decompose_filter": _one_of("bilateral", "gaussian"),
        "fuse_mid_layers": SWITCH,
        "level_num": _integer(1, 8),
        "phase": _one_of("testing", "training"),
        "ft": SWITCH,
        "test_resize_to_half": SWITCH,
        "no_high_branch": SWITCH,
        "no_ft_branch": SWITCH,
    },
}

PATHS = [
    (section, key)
    for section, kinds in KINDS.items()
    for key, kind in kinds.items()
    if kind in (PATH, PATH_OR_NONE)
]


def check_file(config):
    """Raise InputError for the first key or value of configs.py that is not allowed."""
    _check_names(config, KINDS, "section", "")
    for section, kinds in KINDS.items():
        if not isinstance(config[section], dict):
            raise InputError(f"{section} is a section of settings, it cannot be a value")
        _check_names(config[section], kinds, "setting", f"{section}.")
        for key in kinds:
            check_value(section, key, config[section][key])


def check_value(section, key, value):
    """Raise InputError for an unknown setting or a value that is not allowed."""
    _check_name(section, KINDS, "section", "")
    _check_name(key, KINDS[section], "setting", f"{section}.")
    kind = KINDS[section][key]
    if not kind.accepts(value):
        raise InputError(f"{section}.{key} is {value!r}; it must be {kind.expected}")


def check_together(config):
    """Raise InputError for the first settings that are allowed but not with each other."""
    data, model, step = config.data, config.model, 2**config.dev.level_num
    for key in ("patch_size_h", "patch_size_w", "patch_size_ft_h", "patch_size_ft_w"):
        if data[key] % step:
            raise InputError(
                f"data.{key} is {data[key]}; with dev.level_num = {config.dev.level_num} it must "
                f"be a multiple of {step}, for instance {max(step, data[key] // step * step)}"
            )
    if data.patch_ratio_x > data.patch_ratio_y:
        raise InputError(
            f"data.patch_ratio_x is {data.patch_ratio_x} and patch_ratio_y {data.patch_ratio_y}; "
            "the first is the smaller one"
        )
    display = (model.display_range, model.display_colour)
    if config.train.displayed_share > 0 and display != ("clip", "source"):
        raise InputError(
            "train.displayed_share is above 0, which needs model.display_range = 'clip' and "
            f"model.display_colour = 'source'; they are {display[0]!r} and {display[1]!r}"
        )


def _check_names(given, known, what, prefix):
    for name in given:
        _check_name(name, known, what, prefix)
    for name in known:
        if name not in given:
            raise InputError(f"the {what} {prefix}{name} is missing from configs/configs.py")


def _check_name(name, known, what, prefix):
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {prefix}{near[0]}?" if near else f", among {', '.join(known)}"
        raise InputError(f"{prefix}{name} is no {what}{hint}")


def existing_folder(path, key):
    """Return the folder as a Path, or raise InputError naming the setting."""
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"the folder {path} does not exist; make it, or set {key} to another")
    return folder
