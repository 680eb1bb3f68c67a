"""Tone-map HDR pictures with the trained network.

    python test.py                                   the records of generate_tfrec.py
    python test.py PICTURE_OR_FOLDER ... --output DIR     straight from files

Writes one picture per input, under its name, to result/ (test.result). A file
that cannot be read is named and skipped, and the exit status is then 1.
"""

import sys

from tqdm import tqdm

from configs.command_line import keys_from_set, make_parser, run, settings
from data.pictures import HDR_SUFFIXES, read_hdr_counted, write_sdr
from data.pictures.sanitize import remarks_on
from data.preparation.prepare import Preparation, prepare_picture
from inference.load import load_operator
from system.errors import InputError
from system.files import find_pictures, make_folder, result_path, result_stems

SWITCHES = {
    "output": "test.result",
    "no_high_branch": "dev.no_high_branch",
    "no_ft_branch": "dev.no_ft_branch",
    "test_resize_to_half": "dev.test_resize_to_half",
}


def main(argv=None):
    """Tone-map everything that is asked for; return the exit status."""
    parser = make_parser(__doc__, SWITCHES)
    parser.add_argument("pictures", nargs="*", help="HDR pictures or folders of them")
    parser.add_argument(
        "--save_layers",
        action="store_true",
        help="also write what each branch saw and made",
    )
    args = parser.parse_args(argv)
    config = settings(args, SWITCHES)

    if args.test_resize_to_half and not args.pictures:
        raise InputError(
            "--test_resize_to_half is for pictures given here; the size of test records is "
            "settled by generate_tfrec.py --test_resize_to_half"
        )
    operator = load_operator(config)
    refuse_other_preparation(config, keys_from_set(args), operator)
    if args.pictures:
        paths = find_pictures(args.pictures, HDR_SUFFIXES)
        source, total = from_files(paths, operator.preparation, config), len(paths)
    else:
        source, total = from_records(config.test.tfrecord_test, operator)
    make_folder(config.test.result)
    written = skipped = 0
    for stem, layers in tqdm(source, "tone mapping", total, unit="picture"):
        try:
            if isinstance(layers, InputError):
                raise layers
            write(stem, layers, operator, config, args.save_layers)
            written += 1
        except InputError as error:
            tqdm.write(f"skipped: {error}", file=sys.stderr)
            skipped += 1
        except MemoryError:
            remedy = "does not fit into the memory; try --test_resize_to_half"
            tqdm.write(f"skipped: {stem}: {remedy}", file=sys.stderr)
            skipped += 1
    print(f"{written} written, {skipped} skipped")
    return 1 if skipped else 0


def refuse_other_preparation(config, by_hand, operator):
    """Raise InputError where --set asks for layers that the checkpoint was not trained on."""
    asked = Preparation.from_settings(config.dev)
    for key in Preparation._fields:
        if f"dev.{key}" in by_hand and getattr(asked, key) != getattr(operator.preparation, key):
            raise InputError(
                f"dev.{key} is {getattr(asked, key)} but {operator.path} was trained with "
                f"{getattr(operator.preparation, key)}; leave it out"
            )


def from_files(paths, preparation, config):
    """Yield (name of the result, Layers or InputError) of each of find_pictures."""
    stems = result_stems(paths)
    for path in paths:
        if isinstance(path, InputError):
            yield None, path
            continue
        stem = stems[path]
        try:
            picture, mended = read_hdr_counted(path)
            layers = prepare_picture(picture, preparation, config.dev.test_resize_to_half)
        except InputError as error:
            text = error.args[0]
            yield stem, InputError(text if str(path) in text else f"{path}: {text}")
            continue
        except MemoryError:
            yield stem, InputError(f"{path}: does not fit into the memory; give a smaller picture")
            continue
        for remark in remarks_on(picture, mended):
            tqdm.write(f"{path}: {remark}", file=sys.stderr)
        del picture  # the network needs the memory
        yield stem, layers


def from_records(prefix, operator):
    """Return the pictures of the test records, as from_files does, and their number."""
    from data.datasets import stored_layers
    from data.records.test_records import inspect, record_path

    path = record_path(prefix)
    info = inspect(path)
    if info.preparation != operator.preparation:
        # A published checkpoint does not say how it was trained: the dev section does.
        says = "the dev section says" if operator.info.preparation is None else "the network wants"
        raise InputError(
            f"{path} has {info.preparation.describe()}, {says} {operator.preparation.describe()}; "
            "make the records again with generate_tfrec.py"
        )
    return stored_layers(path), info.count


def write(stem, layers, operator, config, save_layers):
    """Tone-map one picture and write it, and its layers if asked for."""
    from models.display import stretched
    from models.tone_mapper import PICTURES

    pictures = operator.pictures(layers, PICTURES if save_layers else ("output",))
    result = operator.shown(pictures["output"], layers, config.test)
    folder, ending, quality = config.test.result, config.test.format, config.test.jpg_quality
    write_sdr(result_path(folder, stem, ending), result, quality)
    if save_layers:
        seen = {"input": layers.normalized, "high": layers.high, "bot": layers.bot}
        made = {name: picture for name, picture in pictures.items() if name != "output"}
        for name, layer in {**seen, **made}.items():
            write_sdr(result_path(folder, f"{stem}_{name}", ending), stretched(layer), quality)


if __name__ == "__main__":
    run(main)
