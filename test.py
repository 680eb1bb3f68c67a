"""Tone-map HDR pictures with the trained network.

    python test.py                                   the records of generate_tfrec.py
    python test.py PICTURE_OR_FOLDER ... --output DIR     straight from files

Without records, and with --keep_size or --test_resize_to_half, the pictures of
test.hdr_path are read themselves.
Writes one picture per input, under its name, to result/ (test.result). A file
that cannot be read is named and skipped, and the exit status is then 1.
"""

import sys
import time
from datetime import timedelta
from pathlib import Path

from tqdm import tqdm

from configs.command_line import keys_from_set, make_parser, run, settings
from configs.schema import existing_folder
from configs.stage_settings import operator_settings
from data.pictures import HDR_SUFFIXES, read_hdr_counted, write_sdr
from data.pictures.sanitize import remarks_on
from data.preparation.prepare import prepare_picture
from inference import load_operator
from system.errors import InputError, naming
from system.files import (
    file_stamps,
    find_pictures,
    make_folder,
    result_path,
    result_stems,
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
    args = parser.parse_args(argv)
    config = settings(args, SWITCHES)

    if "test.hdr_path" in keys_from_set(args):
        existing_folder(config.test.hdr_path, "test.hdr_path")
    operator = load_operator(**operator_settings(config))
    compare_with_checkpoint(config.dev, keys_from_set(args), operator)
    layer_names = names_of_layers() if args.save_layers else ()
    given = args.pictures or folder_instead_of_records(args, config)
    if given:
        paths = find_pictures(given, HDR_SUFFIXES)
        source, total = from_files(paths, operator.preparation, config, layer_names), len(paths)
    else:
        source, total = from_records(config.test, operator, layer_names)
    make_folder(config.test.result)
    written = skipped = 0
    for stem, layers in tqdm(source, "tone mapping", total, unit="picture"):
        try:
            if isinstance(layers, InputError):
                raise layers
            with naming(stem, REMEDY):
                write(stem, layers, operator, config, layer_names)
            written += 1
        except InputError as error:
            tqdm.write(f"skipped: {error}", file=sys.stderr)
            skipped += 1
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
    """Return test.hdr_path in a list where it is read itself, [] where the records are.

    Raises:
        InputError: it is to be read and is no folder.
    """
    from data.records.test_records import record_path

    path = record_path(config.test.tfrecord_test)
    reason = f"there are no records at {path}"
    if path.exists():
        if not (config.test.keep_size or args.test_resize_to_half):
            return []
        reason = "the records hold pictures cropped and of one size"
    folder = existing_folder(config.test.hdr_path, "test.hdr_path")
    print(f"{reason}; reading {folder}", flush=True)
    return [folder]


def from_files(paths, preparation, config, layer_names):
    """Yield (name of the result, Layers or InputError) of each of find_pictures."""
    stems = result_stems(paths, layer_names)
    for path in paths:
        if isinstance(path, InputError):
            yield None, path
            continue
        try:
            with naming(path, REMEDY):
                picture, mended = read_hdr_counted(path)
                how = config.dev.test_resize_to_half, config.test.keep_size
                layers = prepare_picture(picture, preparation, *how)
        except InputError as error:
            yield None, error
            continue
        for remark in remarks_on(picture, mended):
            tqdm.write(f"{path}: {remark}", file=sys.stderr)
        del picture  # the network needs the memory
        yield stems[path], layers


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
        (unique_stem(stem, taken, layer_names), layers) for stem, layers in stored_layers(path)
    )
    return named, info.count


def differing_names(folder, sources):
    """Return the names that a folder's pictures and the stamps of records do not share."""
    paths = [path for path in find_pictures([folder], HDR_SUFFIXES) if isinstance(path, Path)]
    stamps = file_stamps(paths)
    names = sorted({*stamps, *sources})
    return [name for name in names if stamps.get(name) != sources.get(name)]


def write(stem, layers, operator, config, layer_names):
    """Tone-map one picture and write it, and its layers of these names."""
    from models.display import stretched

    pictures = operator.pictures(layers, ("output", *layer_names))
    result = operator.to_display(pictures["output"], layers)
    folder, ending, quality = config.test.result, config.test.format, config.test.jpg_quality
    write_sdr(result_path(folder, stem, ending), result, quality)
    for name in layer_names:
        path = result_path(folder, f"{stem}_{name}", ending)
        write_sdr(path, stretched(pictures[name]), quality)


if __name__ == "__main__":
    run(main)
