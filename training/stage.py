"""What train_bot.py, train_high.py and train_ft.py have in common.

Cheap checks come first, then the records' checksums and the validation pictures, then the
perceptual network, then the training.
"""

import logging
from functools import partial

import keras

from data.datasets import full_batches, steps_per_epoch
from data.records.index import read_index
from losses.objectives import Objective, check_weights
from losses.perceptual import DownloadError, PerceptualLoss, load_vgg16
from models.display import to_ground_truth
from models.tone_mapper import TEST_PADDING, make_branches, tone_mapper
from models.weights import checkpoint_info, load_weights, newest_checkpoint
from system.devices import bfloat16_is_fast, devices_in_use
from system.files import make_folder
from system.lock import lock
from training.callbacks import (
    MAX_PICTURES,
    EventFile,
    ProgressBar,
    StopAtNaN,
    StopAtSignal,
    Summaries,
)
from training.checkpoint import ResumePoint, StageCheckpoint, remove_unfinished, resume_point
from training.checks import (
    Run,
    check_checkpoint,
    check_folder,
    check_pad_bot,
    check_records,
    check_same_start,
    origin,
    start_checkpoints,
    verify_records,
)
from training.fit import CosineDecay, fit, records_stay
from training.strategy import Replicas
from training.validation import Validation, check_pictures

EXIT_INTERRUPTED = 130

logger = logging.getLogger(__name__)


def train(settings):
    """Train one stage.

    Args:
        settings: configs.stage_settings.StageSettings.

    Returns:
        The exit status: 0, 1 where summaries were lost, 130 after a signal.

    Raises:
        InputError: anything that the user can mend.
    """
    devices = devices_in_use()
    replicas = Replicas(settings.strategy)
    logger.info(", ".join(filter(None, (f"devices: {devices}", replicas.describe()))))
    if settings.precision == "bfloat16" and bfloat16_is_fast() is False:
        logger.warning(
            "train.precision is bfloat16: this processor has no instructions for it "
            "(avx512_bf16 or AMX), float32 is faster here"
        )
    with replicas.explain_loss():
        run = check(settings, replicas)
        if run.epoch >= settings.epochs:
            logger.info(f"{settings.epochs} epochs are done already; ask for more with --epochs")
            return 0
        if run.records:
            verify_records(run.records)
        pictures = check_pictures(settings.val_folder, settings.preparation)
        trainer, terms, branches = build(run)
        checkpoint = restore(run, trainer, branches)
        return _fit(run, trainer, terms, branches, checkpoint, pictures)


def check(settings, replicas):
    """Make the cheap checks, claim the folders and return the Run."""
    stage = settings.stage
    check_folder(settings)
    domain, supervised = settings.preparation.data_domain, not settings.whole_pictures
    check_weights(stage, settings.loss_weights, domain, supervised)
    if settings.whole_pictures:
        records, count = None, settings.whole_pictures.count
        (height, width), bot_size = settings.patch_size, settings.whole_pictures.bot_size
    else:
        records = read_index(settings.records, "ft" if stage == "ft" else "dual")
        check_records(settings, records)
        count, bot_size = records.count, records.shapes["hdr_bot"][:2]
        height, width = bot_size if stage == "bot" else settings.patch_size
    check_pad_bot(settings, bot_size)
    objective(settings).check_patch(height, width)
    size = settings.batch_size
    replicas.check_batch(f"train.batch_size_{stage}", size, count)
    if count < size:
        logger.warning(
            f"train.batch_size_{stage} is {size} but the records hold {count} patches: an epoch "
            "is one step with all of them"
        )
    steps = replicas.full_steps(steps_per_epoch(count, size), size, count)
    if records and replicas.workers > 1:
        steps = full_batches(records, size, replicas.workers)
    key = f"model.ckp_path_{stage}"
    make_folder(settings.folder, key)
    make_folder(settings.log_folder, "train.log_path")
    held = None
    if replicas.chief:
        held = lock(settings.folder, f"--set {key}=FOLDER")
        remove_unfinished(settings.folder)
    checkpoint, point, start = newest_checkpoint(settings.folder), ResumePoint(), {}
    if checkpoint:
        check_checkpoint(checkpoint, stage, settings.saved)
        check_same_start(settings, checkpoint)
        point = resume_point(checkpoint)
    else:
        start = start_checkpoints(settings)
    epoch, done = point.batches(size, steps)
    return Run(settings, replicas, records, steps, checkpoint, epoch, done, start, held)


def build(run):
    """Return (Trainer, its Objective, Branches) with fresh weights."""
    settings, strategy = run.settings, run.replicas.strategy
    with strategy.scope():
        perceptual = None
        if not settings.whole_pictures:
            perceptual = perceptual_loss(settings.vgg, run.replicas.workers)
        terms = objective(settings, perceptual)
    position = run.epoch * run.steps + run.done
    rate = CosineDecay(
        settings.learning_rate,
        settings.final_rate,
        settings.epochs * run.steps,
        checkpoint_info(run.checkpoint).step - position if run.checkpoint else 0,
    )
    keras.utils.set_random_seed(settings.seed)
    with strategy.scope():
        branches = make_branches(settings.precision)
        network = stage_network(settings, branches)
        display = None
        if settings.displayed_share:
            domain = settings.preparation.data_domain
            display = partial(to_ground_truth, domain=domain, display=settings.display)
        share, every = settings.displayed_share, run.summary_every
        trainer = run.replicas.trainer(network, terms, rate, display, share, every)
    return trainer, terms, branches


def objective(settings, perceptual=None):
    """Return the Objective of a stage."""
    supervised = not settings.whole_pictures
    return Objective(settings.stage, settings.loss_weights, perceptual, supervised)


def perceptual_loss(vgg, workers):
    """Return the PerceptualLoss, None without the term or where the download fails.

    Of several workers each must have the weights: all train on one loss.
    """
    try:
        return PerceptualLoss(load_vgg16(vgg)) if vgg else None
    except DownloadError as error:
        if workers > 1:
            raise
        logger.warning(f"training without the perceptual term: {error}")
        return None


def stage_network(settings, branches):
    """Return the network of a stage: a branch, or the joint network."""
    if settings.stage != "ft":
        return getattr(branches, settings.stage)
    padding = TEST_PADDING if settings.pad_bot else 0
    level_num = settings.preparation.level_num
    return tone_mapper(branches, level_num, padding, **settings.ablations)


def restore(run, trainer, branches):
    """Return the StageCheckpoint, resumed where there is one; else ft takes its branches."""
    settings, replicas, stage = run.settings, run.replicas, run.settings.stage
    used = branches.used(**settings.ablations)
    used = used if stage == "ft" else {stage: getattr(branches, stage)}
    info = checkpoint_info(run.checkpoint) if run.checkpoint else None
    start = info.start if info else {name: origin(found) for name, found in run.start.items()}
    saved = {**settings.saved, "start": start} if start else settings.saved
    checkpoint = StageCheckpoint(settings.folder, stage, used, trainer, saved, replicas.chief)
    if info:
        checkpoint.restore(run.checkpoint)
    replicas.check_same(checkpoint.step)
    if info:
        if info.remark:
            logger.warning(info.remark)
        epoch = checkpoint.resume_point.epoch
        logger.info(f"going on from {run.checkpoint.path}: step {checkpoint.step}, epoch {epoch}")
        for name, text in (start or {}).items():
            logger.info(f"it began with the {name} branch from {text}")
        if info.display != settings.display:
            old, new = tuple(info.display), tuple(settings.display)
            logger.info(f"its display was {old}, from now on it is {new}")
    else:
        for name, found in run.start.items():
            if found:
                load_weights(found, {name: used[name]})
            if found and found.remark:
                logger.warning(found.remark)
            logger.info(f"{name} branch from {start[name]}")
    logger.info(
        f"{run.source}, {run.steps} steps an epoch of "
        f"{settings.batch_size} each, {run.remaining} steps to go"
    )
    return checkpoint


def _fit(run, trainer, terms, branches, checkpoint, pictures):
    settings, replicas = run.settings, run.replicas
    stop = StopAtSignal((lambda asked: replicas.mean(asked) > 0) if replicas.workers > 1 else None)
    stop.install()
    callbacks, events, validate = [StopAtNaN(checkpoint.step)], [], None
    if replicas.chief:
        events = [EventFile(settings.log_folder), EventFile(settings.log_folder / "val")]
        with records_stay():
            preview = next(iter(run.batches(0).unbatch().batch(MAX_PICTURES)))
        callbacks += [
            Summaries(events[0], preview, checkpoint.step, run.summary_every),
            ProgressBar(run.steps, settings.epochs, run.done, list(terms.weights)),
        ]
        if pictures:
            level_num = settings.preparation.level_num
            network = tone_mapper(branches, level_num, TEST_PADDING, **settings.ablations)
            common = (settings.preparation, settings.display, events[1], settings.val_every)
            validate = Validation(pictures, network, *common).after_epoch
    size, epochs = settings.batch_size, settings.epochs
    path = fit(trainer, checkpoint, run.batches, size, run.steps, epochs, stop, callbacks, validate)
    replicas.wait()  # nobody leaves before the last checkpoint is written
    if replicas.chief:
        logger.info(
            f"step {checkpoint.step}, checkpoint {path}, summaries in {settings.log_folder}"
        )
        if settings.stage == "ft":
            logger.info(f"to use them: python test.py --set model.ckp_path_ft={settings.folder}")
    if stop.asked and checkpoint.resume_point.epoch < epochs:
        logger.info("stopped before the end; run the same command again to go on from there")
        return EXIT_INTERRUPTED
    return 1 if any(file.lost for file in events) else 0
