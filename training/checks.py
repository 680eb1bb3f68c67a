"""What a training refuses before any expensive work, and the Run that passed."""

from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from data.datasets import training_batches
from data.preparation.prepare import MIN_BOT_SIDE, Preparation
from data.records.index import verify
from models.import_tf1 import is_tf1
from models.weights import PRETRAINED, checkpoint_info, newest_checkpoint
from system.errors import InputError
from training.strategy import Replicas
from training.trainer import SUMMARY_EVERY

MIN_SUMMARIES = 20  # points of TensorBoard's curves in a run


class Run(NamedTuple):
    """A training that passed the cheap checks.

    Attributes:
        settings: configs.stage_settings.StageSettings.
        replicas: training.strategy.Replicas.
        records: data.records.index.RecordInfo, None where settings.whole_pictures is not.
        steps: of an epoch.
        checkpoint: models.weights.Checkpoint to resume from, or None.
        epoch, done: where to resume: epochs, and batches of the next one.
        start: without one, dict from branch name to the Checkpoint that ft takes it from, or None.
        lock: the open file that keeps other trainers out of the folder; None but on the chief.
    """

    settings: Any
    replicas: Replicas
    records: Any
    steps: int
    checkpoint: Any
    epoch: int
    done: int
    start: dict
    lock: Any

    @property
    def remaining(self):
        """The number of steps to go."""
        return (self.settings.epochs - self.epoch) * self.steps - self.done

    @property
    def source(self):
        """What the batches are made of, in words."""
        if self.settings.whole_pictures:
            return f"{self.settings.whole_pictures.count} whole pictures"
        return f"{self.records.count} patches from {self.settings.records}"

    @property
    def summary_every(self):
        """Steps between two points of TensorBoard's curves: at least MIN_SUMMARIES points."""
        return max(1, min(SUMMARY_EVERY, self.remaining // MIN_SUMMARIES))

    def batches(self, epoch, skip=0):
        """Return the batches of an epoch without its first `skip`."""
        settings, replicas = self.settings, self.replicas
        order = settings.batch_size, settings.seed, epoch, skip
        common = *order, replicas.worker, replicas.workers
        if settings.whole_pictures:
            whole = settings.whole_pictures.batches(*common)
        else:
            whole = training_batches(self.records, settings.stage, *common)
        return whole if self.replicas.count == 1 else whole.take(self.steps - skip)


def check_records(settings, info):
    """Raise InputError where records and settings disagree.

    Args:
        settings: configs.stage_settings.StageSettings.
        info: the data.records.index.RecordInfo of the records.
    """
    if info.preparation != settings.preparation:
        raise InputError(
            f"the records have {info.preparation.describe()}, the dev section says "
            f"{settings.preparation.describe()}; "
            "make the records again with generate_tfrec.py or change the settings"
        )
    found, size = info.shapes["hdr_high"][:2], settings.patch_size
    if found != size:
        key = "data.patch_size_ft_h" if settings.stage == "ft" else "data.patch_size_h"
        raise InputError(
            f"the records hold patches of {found[0]}x{found[1]}, {key} and _w say "
            f"{size[0]}x{size[1]}; make the records again or change the settings"
        )
    pairs = info.count // info.patch_per_img
    if settings.pairs is not None and settings.pairs != pairs:
        raise InputError(
            f"train.train_set_size is {settings.pairs} but the records hold {pairs} pairs; set it "
            f"to {pairs} or to None, which counts them"
        )


def check_pad_bot(settings, bot_size):
    """Raise InputError where train.pad_bot cannot mirror a bot layer of this (height, width)."""
    side = min(bot_size)
    if settings.pad_bot and side < MIN_BOT_SIDE:
        raise InputError(
            f"train.pad_bot needs bot layers of {MIN_BOT_SIDE} and more pixels a side, these "
            f"have {side}; cut larger patches or set it to False"
        )


def check_checkpoint(checkpoint, stage, saved):
    """Raise InputError where a checkpoint was trained on other layers or another network.

    Args:
        checkpoint: a models.weights.Checkpoint.
        stage: "high", "bot" or "ft".
        saved: what this run will save with its weights, see training.checkpoint.
    """
    if is_tf1(checkpoint.reader):
        return
    path, info = Path(checkpoint.path), checkpoint_info(checkpoint)
    mine = path.parent.parent / "mine" / stage
    remedy = f"train into another folder, --set model.ckp_path_{stage}={mine}"
    here = Preparation.from_settings(saved["preparation"])
    _check_layers(checkpoint, here, f"{remedy}, or make the records again")
    for name in ("no_high_branch", "no_ft_branch"):
        if getattr(info, name) != saved[name]:
            raise InputError(
                f"{path} was trained with {name} = {getattr(info, name)}, this run has "
                f"{saved[name]}; {remedy}"
            )


def check_folder(settings):
    """Raise InputError where a training would write into the folder of the shipped weights."""
    for folder in (settings.folder, settings.log_folder):
        if folder.resolve().is_relative_to(PRETRAINED.resolve()):
            raise InputError(
                f"{folder}: the shipped weights lie there, and no training changes them; name "
                "another folder in model.ckp_root"
            )


def start_checkpoints(settings):
    """Return dict from branch name to the Checkpoint that ft starts from, None for fresh weights.

    Raises:
        InputError: there is none, and settings.skip_step_1 is not set; or it was trained on
            other layers than the records'.
    """
    if settings.start_from is not None:
        folder = start_folder(settings.start_from)
        checkpoint = newest_checkpoint(folder)
        if checkpoint is None:
            raise InputError(
                f"there is no checkpoint in {folder}; name another folder with --start_from"
            )
        remedy = "make the records and train with its settings"
        if settings.start_from == "pretrained":
            remedy = "give --preset shipped to generate_tfrec.py and train_ft.py"
        _check_layers(checkpoint, settings.preparation, remedy)
        names = [*settings.start_folders] + ([] if settings.no_ft_branch else ["ft"])
        return dict.fromkeys(names, checkpoint)
    start = {}
    for name, folder in settings.start_folders.items():
        start[name] = newest_checkpoint(folder)
        if start[name] is None and not settings.skip_step_1:
            raise InputError(
                f"there is no checkpoint of the {name} branch in {folder}: run train_{name}.py "
                "first (step 1), or give --skip_step_1 to start it with fresh weights"
            )
        remedy = f"train that stage on them, or name another folder in model.ckp_path_{name}"
        _check_layers(start[name], settings.preparation, remedy)
    return start


def start_folder(name):
    """Return the folder that --start_from names."""
    return PRETRAINED / "ftlayer" if name == "pretrained" else Path(name)


def check_same_start(settings, checkpoint):
    """Raise InputError where a training to resume did not begin with --start_from's weights."""
    if settings.start_from is None:
        return
    began = (checkpoint_info(checkpoint).start or {}).get("bot", "")
    if not began.startswith(f"{start_folder(settings.start_from)}, "):
        raise InputError(
            f"{settings.folder} holds a training that did not begin with the weights that "
            "--start_from names; leave the flag out to go on with it, or name another folder in "
            "model.ckp_root"
        )


def _check_layers(checkpoint, preparation, remedy):
    found = checkpoint and checkpoint_info(checkpoint).preparation
    if found not in (None, preparation):
        raise InputError(
            f"{checkpoint.path} was trained with {found.describe()}, the records have "
            f"{preparation.describe()}; {remedy}"
        )


def verify_records(records):
    """Read all records and compare their checksums, below a bar if that takes long."""
    size = sum(shard.bytes for shard in records.shards)
    with tqdm(desc="records", total=size, unit="B", unit_scale=True, leave=False, delay=1) as bar:
        for done in verify(records):
            bar.update(done)


def origin(checkpoint):
    """Return where ft takes a branch from, as a text that is saved with the weights."""
    if checkpoint is None:
        return "fresh weights"
    return f"{Path(checkpoint.path).parent}, step {checkpoint_info(checkpoint).step}"
