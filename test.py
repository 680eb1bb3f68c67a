"""Tone-map HDR pictures with the trained network.

    python test.py                                   the records of generate_tfrec.py
    python test.py PICTURE_OR_FOLDER ... --output DIR     straight from files

Without records, and with the flags that need the scene itself, the pictures of test.hdr_path
are read. Writes one sRGB picture per input, under its name, to result/ (test.result), in the
--format jpg, png, png16, tif16 or ultrahdr. A file of that name which this program did not make
is only replaced with --overwrite, an input never. What cannot be read or written is named and
skipped, and the exit status is then 1.

--exposure moves the limit at which highlights are cut off before the network: +1 cuts off what
is brighter than half of it, -1 keeps twice as much. The network sets the brightness itself, so
this decides what gets the contrast, not how bright the picture becomes; below 0 it does nothing
once all highlights are kept. --strength goes from Reinhard's global operator (0), whose exposure
it is, too, to the network (1). --wrap is for panoramas of 360°: no seam where the sides meet.
"""

import sys
import time
from datetime import timedelta
from pathlib import Path

from tqdm import tqdm

from configs.command_line import keys_from_set, make_parser, run, settings
from configs.schema import existing_folder
from configs.stage_settings import operator_settings
from data.pictures import find_hdr, read_hdr_with_remarks
from data.pictures.sdr import made_here
from data.preparation.prepare import frame_picture
from inference import load_operator
from inference.results import FORMATS, Prepared, Results
from system.errors import InputError, naming
from system.files import (
    file_identities,
    file_stamps,
    make_folder,
    result_stems,
    suffix_of,
    unique_stem,
)

REMEDY = "--precision bfloat16 or --test_resize_to_half"  # where the memory is too small
SWITCHES = {
    "output": "test.result",
    "no_high_branch": "dev.no_high_branch",
    "no_ft_branch": "dev.no_ft_branch",
    "test_resize_to_half": "dev.test_resize_to_half",
    "keep_size": "test.keep_size",
    "precision": "test.precision",
    "format": "test.format",
    "exposure": "test.exposure",
    "strength": "test.strength",
    "wrap": "test.wrap",
}


def main(argv=None):
    """Tone-map everything that is asked for; return the exit status."""
    parser = make_parser(__doc__, SWITCHES)
    parser.add_argument("pictures", nargs="*", help="HDR pictures or folders of them")
    parser.add_argument(
        "--save_layers",
        action="store_true",
        help="also write each branch's input and output",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files that this program did not make, too"
    )
    parser.add_argument("--layer", help="of EXR files that have several")
    args = parser.parse_args(argv)
    config = settings(args, SWITCHES)

    if "test.hdr_path" in keys_from_set(args):
        existing_folder(config.test.hdr_path, "test.hdr_path")
    operator = load_operator(**operator_settings(config))
    compare_with_checkpoint(config.dev, keys_from_set(args), operator)
    layer_names = names_of_layers() if args.save_layers else ()
    cropped: list[Path] = []
    given = args.pictures or folder_instead_of_records(args, config)
    if given:
        paths = without_results(find_hdr(given), given)
        source = from_files(paths, operator, config, cropped, layer_names, args.layer)
        total = len(paths)
    else:
        paths = []
        source, total = from_records(config.test, operator, layer_names)
    make_folder(config.test.result)
    test, inputs = config.test, file_identities(paths)
    how = test.format, test.jpg_quality, test.strength, test.exposure
    results = Results(test.result, inputs, args.overwrite, *how)
    written = skipped = 0
    outcomes = results.write_all(source, operator, layer_names, REMEDY)
    for error in tqdm(outcomes, "tone mapping", total, unit="picture"):
        if error:
            tqdm.write(f"skipped: {error}", file=sys.stderr)
            skipped += 1
        else:
            written += 1
    if written:
        print(f"pictures in {config.test.result}")
    if cropped:
        step = 2**operator.preparation.level_num
        print(f"{len(cropped)} cropped to sides that {step} divides; --keep_size keeps them whole")
    print(f"{written} written, {skipped} skipped")
    return 1 if skipped else 0


def compare_with_checkpoint(dev, from_set, operator):
    """Say where the checkpoint's settings are used and not those of the dev section.

    Raises:
        InputError: --set asks for others than the checkpoint's.
    """
    in_use = {**operator.preparation._asdict(), **operator.ablations}
    others = {key: value for key, value in in_use.items() if dev[key] != value}
    for key, value in others.items():
        if f"dev.{key}" in from_set:
            raise InputError(
                f"dev.{key} is {dev[key]} but {operator.path} was trained with {value}; "
                "leave it out"
            )
    if others:
        text = ", ".join(
            f"dev.{key} {value} (in configs.py {dev[key]})" for key, value in others.items()
        )
        print(f"the checkpoint was trained with, and is used with: {text}", flush=True)


def names_of_layers():
    """Return the names under which --save_layers writes what the branches see and make."""
    from inference.operator import LAYERS

    return tuple(name for name in LAYERS if name != "output")


def folder_instead_of_records(args, config):
    """Return test.hdr_path in a list where it is read, [] where the records are.

    Raises:
        InputError: it is to be read and is no folder.
    """
    from data.records.test_records import record_path

    path = record_path(config.test.tfrecord_test)
    reason = f"there are no records at {path}"
    if path.exists():
        test = config.test
        whole = test.keep_size or args.test_resize_to_half or test.wrap or args.layer
        if not (whole or needs_light(test)):
            return []
        reason = "the records hold normalized pictures, cropped and of one size"
    folder = existing_folder(config.test.hdr_path, "test.hdr_path")
    print(f"{reason}; reading {folder}", flush=True)
    return [folder]


def without_results(paths, given):
    """Leave out what earlier runs wrote into a folder of pictures; not what is given by name."""
    names, endings = set(map(Path, given)), {f".{ending}" for ending, _ in FORMATS.values()}
    return [
        path
        for path in paths
        if isinstance(path, InputError)
        or path in names
        or suffix_of(path) not in endings
        or not made_here(path)
    ]


def needs_light(test):
    """Say whether the pictures are made of the scene's light, not of normalized samples alone."""
    return test.exposure != 0 or test.strength < 1 or test.format == "ultrahdr"


def from_files(paths, operator, config, cropped, layer_names, exr_layer=None):
    """Yield the inference.results.Prepared, or the InputError, of each of find_hdr.

    The list `cropped` gets the paths of those that are not tone-mapped whole.
    """
    stems = result_stems(paths, layer_names)
    for path in paths:
        if isinstance(path, InputError):
            yield path
            continue
        try:
            with naming(path, REMEDY):
                yield from_file(path, stems[path], operator, config, cropped, exr_layer)
        except InputError as error:
            yield error


def from_file(path, stem, operator, config, cropped, exr_layer):
    """Read and prepare a picture."""
    test = config.test
    keep_size = test.keep_size or test.wrap  # a crop would make a seam
    picture, remarks = read_hdr_with_remarks(path, exr_layer, config.dev.test_resize_to_half)
    scene = frame_picture(picture, operator.preparation, keep_size=keep_size)
    layers = operator.prepared(scene, keep_size, test.exposure, test.wrap)
    for remark in remarks:
        tqdm.write(f"{path}: {remark}", file=sys.stderr)
    if scene.shape != picture.shape:
        cropped.append(path)
    return Prepared(stem, layers, scene if needs_light(test) else None)


def from_records(test, operator, layer_names):
    """Return the pictures of the test records, as from_files does, and their number."""
    from data.datasets import stored_layers
    from data.records.test_records import inspect, record_path

    path = record_path(test.tfrecord_test)
    info = inspect(path)
    age = timedelta(seconds=round(time.time() - path.stat().st_mtime))
    print(f"records: {path}, {info.count} pictures, made {age} ago", flush=True)
    if names := differing_names(test.hdr_path, info.sources):
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        print(
            f"{test.hdr_path} does not hold what the records were made of: "
            f"{', '.join(names[:3])}{more} differ or are missing; make the records again with "
            f"generate_tfrec.py, or read the folder with test.py {test.hdr_path}",
            file=sys.stderr,
        )
    if info.preparation != operator.preparation:
        # A published checkpoint does not say how it was trained: the dev section does.
        says = "the dev section says" if operator.info.preparation is None else "the network wants"
        raise InputError(
            f"{path} has {info.preparation.describe()}, {says} {operator.preparation.describe()}; "
            "make the records again with generate_tfrec.py"
        )
    taken = set()
    named = (
        Prepared(unique_stem(stem, taken, layer_names), layers)
        for stem, layers in stored_layers(path)
    )
    return named, info.count


def differing_names(folder, sources):
    """Return the names that a folder's pictures and the stamps of records do not share."""
    paths = [path for path in find_hdr([folder]) if isinstance(path, Path)]
    stamps = file_stamps(paths)
    names = sorted({*stamps, *sources})
    return [name for name in names if stamps.get(name) != sources.get(name)]


if __name__ == "__main__":
    run(main)
