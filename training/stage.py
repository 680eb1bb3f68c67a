"""What train_bot.py, train_high.py and train_ft.py have in common."""

import sys
from pathlib import Path

from tqdm import tqdm

from configs.command_line import make_parser, settings
from system.devices import import_tensorflow
from system.errors import InputError
from system.files import make_folder
from training.validation_pictures import make_validation


def train(stage, description, switches, argv):
    """Train one stage as the settings say; return the exit status, 1 where summaries are lost.

    Args:
        stage: "high", "bot" or "ft".
        description: the script's docstring.
        switches: its flags, as for configs.command_line.make_parser.
        argv: command line without the program's name, None for the process' own.
    """
    args = make_parser(description, switches).parse_args(argv)
    config = settings(args, switches)
    kept = snapshot(config, args.preset)

    import_tensorflow()
    from system.devices import devices_in_use
    from training.strategy import make_team

    devices = devices_in_use()
    team = make_team(config.train.strategy)
    print(", ".join(filter(None, (f"devices: {devices}", team.words()))), flush=True)
    with team.together():
        return _train(stage, config, kept, team)


def _train(stage, config, kept, team):
    import keras

    from data.datasets import steps_per_epoch, training_batches
    from data.records.index import index_path, read_index, verify
    from losses.objectives import Objective, check_weights
    from losses.perceptual import PerceptualLoss, load_vgg16
    from models.display import Display
    from models.tone_mapper import make_branches
    from training.callbacks import StopAtNaN, Summaries
    from training.fit import fit, place
    from training.progress import ProgressBar
    from training.schedule import learning_rate
    from training.summaries import EventFile

    kind = "ft" if stage == "ft" else "dual"
    records = index_path(config.model[f"tfrecord_{kind}"])
    info = read_index(records, kind)
    check_records(config, stage, info)
    size = sum(shard.bytes for shard in info.shards)
    with tqdm(desc="records", total=size, unit="B", unit_scale=True, leave=False, delay=1) as bar:
        for done in verify(info):
            bar.update(done)
    vgg = config.model.loss_vgg
    weights = config.train[f"loss_weights_{stage}"]
    check_weights(stage, weights, config.dev.data_domain)
    with team.strategy.scope():
        objective = Objective(stage, weights, PerceptualLoss(load_vgg16(vgg)) if vgg else None)
    objective.check_patch(*info.shapes["hdr_bot" if stage == "bot" else "hdr_high"][:2])

    batch_size = config.train[f"batch_size_{stage}"]
    epochs = config.train[f"epochs_{stage}"]
    team.check_batch(f"train.batch_size_{stage}", batch_size, info.count)
    steps = team.steps(steps_per_epoch(info.count, batch_size), batch_size, info.count)
    rate = learning_rate(config.train[f"lr_{stage}"], config.train.lr_final, epochs * steps)
    keras.utils.set_random_seed(config.train.seed)
    with team.strategy.scope():
        branches = make_branches()
        used, network = stage_network(config, stage, branches)
        shown = training_display(config, stage, kept["display"])
        trainer = team.trainer(network, objective, rate, *shown)
    folder = config.model[f"ckp_path_{stage}"]
    log = Path(config.train.log_path) / stage
    make_folder(folder, f"model.ckp_path_{stage}")
    checkpoint = team.checkpoint(folder, stage, used, trainer, kept)
    checkpoint.claim()
    team.wait()  # the chief clears the folder up before the others read it
    restored = checkpoint.restore()
    team.check_same(checkpoint.step)
    if restored:
        if checkpoint.restored.remark:
            print(checkpoint.restored.remark, file=sys.stderr)
        print(f"going on from {restored}: step {checkpoint.step}, epoch {int(checkpoint.epoch)}")
        shown, now = checkpoint.restored.display, kept["display"]
        if shown._asdict() != now:
            print(f"its display was {tuple(shown)}, from now on it is {tuple(now.values())}")
    elif stage == "ft":
        warm_start(config, used, info.preparation)
    print(f"{info.count} patches from {records}, {steps} steps an epoch of {batch_size} each")
    epoch, done = place(checkpoint, batch_size, steps)
    if epoch >= epochs:
        print(f"{epochs} epochs are done already; ask for more with --epochs")
        return 0

    def batches(epoch, skip=0):
        whole = training_batches(info, stage, batch_size, config.train.seed, epoch, skip)
        return team.share(whole, steps - skip)

    make_folder(log, "train.log_path")
    events = [EventFile(log, tell)]
    validation = None
    if stage == "ft" and team.chief:
        ablations = {key: config.dev[key] for key in ("no_high_branch", "no_ft_branch")}
        display = Display(**kept["display"])
        events.append(EventFile(log / "val", tell))
        validation = make_validation(
            config, branches, info.preparation, display, ablations, events[-1]
        )
    stop = team.stop()
    stop.install()
    callbacks = [StopAtNaN(checkpoint.step)]
    if team.chief:
        callbacks += [
            Summaries(events[0], preview(batches(0)), checkpoint.step),
            ProgressBar(steps, epochs, done, list(objective.weights)),
        ]
    path = fit(trainer, checkpoint, batches, batch_size, steps, epochs, stop, callbacks, validation)
    team.wait()  # nobody leaves before the last checkpoint is written
    if team.chief:
        print(f"step {checkpoint.step}, checkpoint {path}, summaries in {log}")
    if stop.asked and int(checkpoint.epoch) < epochs:
        print("stopped before the end; run the same command again to go on from there")
        return 130
    return 1 if any(file.lost for file in events) else 0


def tell(text):
    """Print a sentence on stderr, above the bar."""
    tqdm.write(text, file=sys.stderr)


def check_records(config, stage, info):
    """Raise InputError where records and settings disagree."""
    from data.preparation.prepare import MIN_BOT_SIDE, Preparation

    asked = Preparation.from_settings(config.dev)
    if info.preparation != asked:
        raise InputError(
            f"the records have {info.preparation.describe()}, the dev section says "
            f"{asked.describe()}; "
            "make the records again with generate_tfrec.py or change the settings"
        )
    keys = (
        ("patch_size_ft_h", "patch_size_ft_w")
        if stage == "ft"
        else ("patch_size_h", "patch_size_w")
    )
    size = tuple(config.data[key] for key in keys)
    found = info.shapes["hdr_high"][:2]
    if found != size:
        raise InputError(
            f"the records hold patches of {found[0]}x{found[1]}, data.{keys[0]} and _w say "
            f"{size[0]}x{size[1]}; make the records again or change the settings"
        )
    if stage == "ft" and config.train.pad_bot:
        side = min(info.shapes["hdr_bot"][:2])
        if side < MIN_BOT_SIDE:
            raise InputError(
                f"train.pad_bot needs bot layers of {MIN_BOT_SIDE} and more pixels a side, these "
                f"have {side}; cut larger patches or set it to False"
            )
    pairs = info.count // info.patch_per_img
    given = config.train.train_set_size
    if given is not None and given != pairs:
        raise InputError(
            f"train.train_set_size is {given} but the records hold {pairs} pairs; set it to "
            f"{pairs} or to None, which counts them"
        )


def stage_network(config, stage, branches):
    """Return the dict of trained branches and the network of a stage."""
    from models.tone_mapper import TEST_PADDING, tone_mapper

    if stage != "ft":
        branch = getattr(branches, stage)
        return {stage: branch}, branch
    ablations = {key: config.dev[key] for key in ("no_high_branch", "no_ft_branch")}
    padding = TEST_PADDING if config.train.pad_bot else 0
    network = tone_mapper(branches, config.dev.level_num, padding, **ablations)
    return branches.used(**ablations), network


def training_display(config, stage, display):
    """Return (show, share) of the losses of the displayed picture, see training.trainer."""
    from models.display import Display
    from models.training_display import TrainingDisplay

    share = config.train.displayed_share
    if stage != "ft" or not share:
        return None, 0.0
    return TrainingDisplay(config.dev.data_domain, Display(**display)), share


def warm_start(config, branches, preparation):
    """Take the high and bot branches from their own stages, where those have checkpoints."""
    from models.weights import load_branches

    for name in ("high", "bot"):
        folder = config.model[f"ckp_path_{name}"]
        if name not in branches:
            continue
        kept = load_branches(folder, {name: branches[name]})
        if kept is None:
            print(f"no checkpoint in {folder}: the {name} branch starts with fresh weights")
            continue
        if kept.remark:
            print(kept.remark, file=sys.stderr)
        if kept.preparation not in (None, preparation):
            raise InputError(
                f"the checkpoint in {folder} was trained with {kept.preparation.describe()}, the "
                f"records have {preparation.describe()}; train that stage on the same layers or "
                f"name another folder in model.ckp_path_{name}"
            )
        print(f"{name} branch from {folder}, step {kept.step}")


def snapshot(config, preset):
    """Return what is kept with a checkpoint: how to use it, and all settings of the run."""
    from data.preparation.prepare import Preparation
    from models.display import Display

    return {
        "preparation": Preparation.from_settings(config.dev)._asdict(),
        "display": Display(*(config.model[f"display_{f}"] for f in Display._fields))._asdict(),
        "no_high_branch": config.dev.no_high_branch,
        "no_ft_branch": config.dev.no_ft_branch,
        "preset": preset,
        "config": config,
    }


def preview(batches):
    """Return the first patches of an epoch's batches, as many as TensorBoard shows."""
    from training.summaries import SHOWN

    inputs, ground_truth = next(iter(batches.unbatch().batch(SHOWN)))
    return inputs, ground_truth
