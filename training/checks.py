"""What a training refuses before any expensive work: files and settings that disagree."""

from pathlib import Path

from data.preparation.prepare import MIN_BOT_SIDE, Preparation
from models.import_tf1 import is_tf1
from models.weights import checkpoint_info
from system.errors import InputError


def check_records(settings, info):
    """Raise InputError where records and settings disagree.

    Args:
        settings: configs.stage_settings.StageSettings.
        info: the data.records.schema.RecordInfo of the records.
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
    side = min(info.shapes["hdr_bot"][:2])
    if settings.pad_bot and side < MIN_BOT_SIDE:
        raise InputError(
            f"train.pad_bot needs bot layers of {MIN_BOT_SIDE} and more pixels a side, these "
            f"have {side}; cut larger patches or set it to False"
        )
    pairs = info.count // info.patch_per_img
    if settings.pairs is not None and settings.pairs != pairs:
        raise InputError(
            f"train.train_set_size is {settings.pairs} but the records hold {pairs} pairs; set it "
            f"to {pairs} or to None, which counts them"
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
    if info.preparation != here:
        raise InputError(
            f"{path} was trained with {info.preparation.describe()}, the records have "
            f"{here.describe()}; {remedy}, or make the records again"
        )
    for name in ("no_high_branch", "no_ft_branch"):
        if getattr(info, name) != saved[name]:
            raise InputError(
                f"{path} was trained with {name} = {getattr(info, name)}, this run has "
                f"{saved[name]}; {remedy}"
            )


def check_start(checkpoint, name, folder, preparation):
    """Raise InputError where a branch that ft starts from was trained on other layers.

    Args:
        checkpoint: the models.weights.Checkpoint of the branch, or None.
        name: of the branch, "high" or "bot".
        folder: of the checkpoint.
        preparation: the data.preparation.prepare.Preparation of the records.
    """
    found = checkpoint and checkpoint_info(checkpoint).preparation
    if found not in (None, preparation):
        raise InputError(
            f"the checkpoint in {folder} was trained with {found.describe()}, the "
            f"records have {preparation.describe()}; train that stage on the same layers or "
            f"name another folder in model.ckp_path_{name}"
        )
