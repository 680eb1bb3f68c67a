"""What a training stage and the trained operator need to know, out of the config."""

import logging
from pathlib import Path
from typing import Any, NamedTuple

from configs.schema import existing_folder
from data.pictures import list_hdr
from data.preparation.augmentation import Augmentation
from data.preparation.prepare import Preparation
from data.records.index import index_path
from models.display import Display
from system.devices import import_tensorflow

logger = logging.getLogger(__name__)


class StageSettings(NamedTuple):
    """The plain values of one training stage.

    Attributes:
        stage: "high", "bot" or "ft".
        records: index file of its training records.
        preparation: Preparation that the records must have.
        patch_size: (height, width) that they must have.
        whole_pictures: data.whole_pictures.WholePictures to train on in their place (ft), or None.
        pairs: that they must hold, or None.
        pad_bot: mirror the bot layer round its borders (ft).
        no_high_branch, no_ft_branch: ablations (ft).
        batch_size, epochs, learning_rate: of the stage.
        final_rate: fraction of the learning rate at the last step.
        loss_weights: dict from term to weight, changes to the paper's.
        vgg: "imagenet", the path of a vgg16.npy, or None.
        display: models.display.Display of the stage's pictures.
        displayed_share: of the total loss that the displayed picture makes up (ft).
        seed: of first weights and of the batches' order.
        strategy: "default", "mirrored" or "multi_worker".
        precision: of the convolutions, "float32" or "bfloat16".
        folder: of the stage's checkpoints.
        start_folders: dict from "high" and "bot" to the folders whose weights ft starts from.
        start_from: None, or "pretrained" or a folder whose joint network ft starts from instead.
        skip_step_1: start ft with fresh weights where a branch has no checkpoint.
        log_folder: of TensorBoard's files.
        val_folder: of HDR pictures for validation (ft), or None.
        val_every: epochs between two validations.
        saved: JSON-ready dict to save with the weights, see training.checkpoint.
    """

    stage: str
    records: Path
    preparation: Preparation
    patch_size: tuple[int, int]
    whole_pictures: Any
    pairs: int | None
    pad_bot: bool
    no_high_branch: bool
    no_ft_branch: bool
    batch_size: int
    epochs: int
    learning_rate: float
    final_rate: float
    loss_weights: dict
    vgg: str | None
    display: Display
    displayed_share: float
    seed: int
    strategy: str
    precision: str
    folder: Path
    start_folders: dict
    start_from: str | None
    skip_step_1: bool
    log_folder: Path
    val_folder: Path | None
    val_every: int
    saved: dict

    @property
    def ablations(self):
        """The dict of no_high_branch and no_ft_branch."""
        return {"no_high_branch": self.no_high_branch, "no_ft_branch": self.no_ft_branch}


def stage_settings(stage, config, preset=None, start_from=None, skip_step_1=False):
    """Return the StageSettings of a checked config.

    Args:
        stage: "high", "bot" or "ft".
        config: of configs.command_line.settings.
        preset: its name or None, to be saved with the weights.
        start_from, skip_step_1: see StageSettings.

    Raises:
        InputError: train.val_path is no folder.
    """
    data, dev, model, train = config.data, config.dev, config.model, config.train
    ft = stage == "ft"
    size = "patch_size_ft" if ft else "patch_size"
    preparation = Preparation.from_settings(dev)
    display = Display(*(model[f"display_{field}"] for field in Display._fields))
    ablations = {"no_high_branch": dev.no_high_branch, "no_ft_branch": dev.no_ft_branch}
    validated = ft and train.val_path is not None
    return StageSettings(
        stage=stage,
        records=index_path(model.tfrecord_ft if ft else model.tfrecord_dual),
        preparation=preparation,
        patch_size=(data[f"{size}_h"], data[f"{size}_w"]),
        whole_pictures=whole_pictures(data, preparation) if ft and train.whole_pictures else None,
        pairs=train.train_set_size,
        pad_bot=ft and train.pad_bot,
        **ablations,
        batch_size=train[f"batch_size_{stage}"],
        epochs=train[f"epochs_{stage}"],
        learning_rate=train[f"lr_{stage}"],
        final_rate=train.lr_final,
        loss_weights=train[f"loss_weights_{stage}"],
        vgg=model.loss_vgg,
        display=display,
        displayed_share=train.displayed_share if ft else 0.0,
        seed=train.seed,
        strategy=train.strategy,
        precision=train.precision,
        folder=checkpoint_folder(model, stage),
        start_folders={
            name: checkpoint_folder(model, name)
            for name in ("high", "bot")
            if ft and not (name == "high" and dev.no_high_branch)
        },
        start_from=start_from,
        skip_step_1=skip_step_1,
        log_folder=log_folder(config) / stage,
        val_folder=existing_folder(train.val_path, "train.val_path") if validated else None,
        val_every=train.val_every,
        saved={
            "preparation": preparation._asdict(),
            "display": display._asdict(),
            **ablations,
            "preset": preset,
            "config": config,
        },
    )


def whole_pictures(data, preparation):
    """Return the WholePictures of data.hdr_path.

    Raises:
        InputError: there are none.
    """
    import_tensorflow()
    from data.whole_pictures import WholePictures

    folder = existing_folder(data.hdr_path, "data.hdr_path")
    paths = tuple(list_hdr([folder]))
    shares = (data[f"augment_{field}"] for field in Augmentation._fields)
    return WholePictures(
        paths,
        preparation,
        (data.patch_size_ft_h, data.patch_size_ft_w),
        (data.patch_ratio_x, data.patch_ratio_y),
        data.patch_flip,
        Augmentation(*shares),
    )


def checkpoint_folder(model, stage):
    """Return the folder of a stage's checkpoints."""
    return Path(model[f"ckp_path_{stage}"] or Path(model.ckp_root) / f"{stage}layer")


def log_folder(config):
    """Return the folder of TensorBoard's files."""
    return Path(config.train.log_path or Path(config.model.ckp_root) / "logs")


def weights_folder(model):
    """Return the folder whose joint network makes pictures; say so where it is the pretrained one.

    That is the case while ftlayer in model.ckp_root holds no checkpoint.
    """
    own = checkpoint_folder(model, "ft")
    if model.ckp_path_ft is not None:
        return own
    import_tensorflow()
    from models.weights import default_checkpoint

    folder = default_checkpoint("ft", own)
    if folder != own:
        logger.info(f"the pretrained weights are used, as {own} holds none of your own")
    return folder


def operator_settings(config):
    """Return the keyword arguments of inference.load_operator that a config stands for."""
    return {
        "folder": weights_folder(config.model),
        "default_preparation": Preparation.from_settings(config.dev),
        "precision": config.test.precision,
        "no_high_branch": config.dev.no_high_branch,
        "no_ft_branch": config.dev.no_ft_branch,
        "display_settings": config.test,
    }
