"""A folder with three pairs in which every script can be run."""

import numpy as np
from conftest import run_script, scene

from data.pictures import write_sdr
from helpers.hdr_files import write_hdr


class Studio:
    """A folder with pairs, and the settings that keep every script inside it."""

    def __init__(self, folder):
        self.folder = folder
        self.paths = {
            "data.hdr_path": "hdr",
            "data.sdr_path": "sdr",
            "model.tfrecord_dual": "records/dual_",
            "model.tfrecord_ft": "records/ft_",
            "test.tfrecord_test": "records/test_",
            "test.hdr_path": "hdr",
            "test.result": "result",
            "model.ckp_path_high": "high",
            "model.ckp_path_bot": "bot",
            "model.ckp_path_ft": "ft",
            "train.log_path": "logs",
            "train.val_path": "hdr",
        }
        self.values = {
            "data.appendix_sdr": "png",
            "data.patch_size_h": 168,
            "data.patch_size_w": 176,
            "data.patch_size_ft_h": 176,
            "data.patch_size_ft_w": 168,
            "data.patch_per_img": 3,
            "data.processes": 2,
            "train.batch_size_high": 3,
            "train.batch_size_bot": 4,
            "train.batch_size_ft": 4,
            "train.pad_bot": True,
            "model.loss_vgg": None,
        }
        (folder / "hdr").mkdir()
        (folder / "sdr").mkdir()
        for index, stem in enumerate(("first", "second", "third one")):
            picture = scene(184, 200, index)
            write_hdr(folder / "hdr" / f"{stem}.hdr", picture)
            shown = (255 * (picture / (1 + picture)) ** 0.4545).astype(np.uint8)
            write_sdr(folder / "sdr" / f"{stem}.png", shown)

    def arguments(self, **changes):
        paths = {key: self.folder / name for key, name in self.paths.items()}
        values = {**paths, **self.values, **changes}
        return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]

    def run(self, script, *arguments, **changes):
        changes = {key.replace("__", "."): value for key, value in changes.items()}
        return run_script(script, *arguments, *self.arguments(**changes))


def steps_in(folder):
    return sorted(int(path.stem.rpartition("-")[2]) for path in folder.glob("*.index"))


def weights_in(folder):
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(folder))
    names = [n for n in reader.get_variable_to_shape_map() if n.startswith(("bot/", "adam/"))]
    return {name: reader.get_tensor(name) for name in names}
