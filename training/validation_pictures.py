"""The validation that train_ft.py makes between its epochs."""

from pathlib import Path

from tqdm import tqdm

from configs.schema import existing_folder
from data.pictures import HDR_SUFFIXES, read_hdr
from data.preparation.prepare import prepare_picture
from metrics.scores import scores
from metrics.tmqi import MIN_SIDE
from system.errors import InputError
from system.files import list_pictures, result_stems

# What is looked at along the way, of metrics.scores.
SHOWN = ("Q", "S", "N", "FSITM", "colour_correlation", "chroma_ratio", "cast")


def make_validation(config, branches, preparation, display, ablations, events):
    """Return the Validation on the pictures of train.val_path, or None without one.

    Args:
        config: the run's settings.
        branches: models.tone_mapper.Branches in training.
        preparation: data.preparation.prepare.Preparation of the records.
        display: models.display.Display of the run.
        ablations: dict of no_high_branch and no_ft_branch.
        events: training.summaries.EventFile.

    Raises:
        InputError: the folder is missing, or a picture unreadable or too small.
    """
    if config.train.val_path is None:
        return None
    from models.display import displayed
    from models.tone_mapper import TEST_PADDING, tone_mapper
    from training.validation import Validation

    folder_of_pictures = existing_folder(config.train.val_path, "train.val_path")
    paths = [Path(path) for path in list_pictures([folder_of_pictures], HDR_SUFFIXES)]
    scenes, layers = {}, {}
    for path, stem in result_stems(paths).items():
        hdr = read_hdr(path)
        try:
            layers[stem] = prepare_picture(hdr, preparation)
        except InputError as error:
            raise InputError(f"{path}: {error}; take it out of train.val_path") from error
        height, width = layers[stem].normalized.shape[:2]
        if min(height, width) < MIN_SIDE:
            raise InputError(
                f"{path}: {width}x{height} pixels are too few; TMQI needs {MIN_SIDE} on each "
                "side; take it out of train.val_path"
            )
        scenes[stem] = hdr[:height, :width]

    def show(output, layers):
        domain = preparation.data_domain
        return displayed(output, layers.normalized, domain, display, layers.black_offset)

    def score(stem, picture):
        found = scores(scenes[stem], picture)
        return {name: found[name] for name in SHOWN}

    def tell(step, means):
        words = ", ".join(f"{name} {value:.4f}" for name, value in means.items())
        tqdm.write(f"step {step}, {len(scenes)} validation pictures: {words}")

    network = tone_mapper(branches, preparation.level_num, TEST_PADDING, **ablations)
    every = config.train.val_every
    return Validation(events, network, layers, show, score, every, tell)
