"""Write the trained operator as SavedModel, ONNX and TFLite (LiteRT) files, and check them.

    python export.py
    python export.py --formats onnx,tflite --output DIR --check PICTURE_OR_FOLDER ...
    python export.py --formats tflite_float16 --size 1080x1920

Each file holds the whole operator: one picture of linear RGB goes in, 1×H×W×3
float32 of any size ("linear_rgb"), the displayed picture comes out, uint8
("display_rgb"). With --size HEIGHTxWIDTH it takes that size alone, so that all shapes are
known, as delegates of phones want. Each is then run in its own runtime on the check pictures and on
odd-sized parts of them; export.json beside the files says how far it is from this
code and how fast. The exit status is 1 if a format was skipped or is too far off.
"""

import json
import operator
import os
import re
import statistics
import sys
from pathlib import Path

from configs.command_line import make_parser, run, settings
from configs.stage_settings import operator_settings
from data.pictures import find_hdr, read_hdr
from data.preparation.prepare import MIN_BOT_SIDE, prepare_picture
from inference import load_operator
from system.atomic import replacing
from system.errors import InputError, naming
from system.files import make_folder

NAMES = ("savedmodel", "onnx", "tflite", "tflite_float16")
ROUNDS = 3  # timed runs of each on each whole picture
SWITCHES = {
    "no_high_branch": "dev.no_high_branch",
    "no_ft_branch": "dev.no_ft_branch",
    "precision": "test.precision",
}


def main(argv=None):
    """Write and check the formats that are asked for; return the exit status."""
    args, config = arguments(argv)
    names, size = chosen(args.formats), size_in(args.size)
    paths = find_hdr(args.check or [config.test.hdr_path])
    folder = make_folder(args.output or Path(config.test.result) / "export")

    tone_mapper = load_operator(**operator_settings(config))
    from portable.graph import portable_operator

    least = MIN_BOT_SIDE * 2**tone_mapper.preparation.level_num
    if size and min(size) < least:
        raise InputError(f"--size {args.size}: each side needs at least {least} pixels")
    display = tone_mapper.display
    print("display:", *(f"{key} {value}" for key, value in display._asdict().items()), flush=True)

    parts = tone_mapper.network, tone_mapper.preparation, display
    module = portable_operator(*parts, size or (None, None))
    runtimes, about = written(names, module, folder, args.size and f"iqatm_{args.size}")
    if not runtimes:
        return 1

    def here(picture):
        layers = prepare_picture(picture, tone_mapper.preparation)
        return tone_mapper.to_display(tone_mapper.pictures(layers)["output"], layers)

    results, skipped = checked(paths, here, runtimes, tone_mapper.preparation.level_num, size)
    report = {
        "checkpoint": Path(tone_mapper.path).name,
        "preparation": tone_mapper.preparation._asdict(),
        "display": display._asdict(),
        "size": size,
        "cores": os.cpu_count(),
        "formats": summary(about, results),
        "pictures": results,
    }
    with replacing(folder / "export.json") as file:
        file.write((json.dumps(report, indent=2) + "\n").encode())
    print_table(report["formats"])
    return verdict(report["formats"], skipped or len(runtimes) < len(names))


def arguments(argv):
    """Return (parsed arguments, checked config)."""
    parser = make_parser(__doc__, SWITCHES)
    parser.add_argument("--formats", default=",".join(NAMES), metavar="A,B", help="some of these")
    parser.add_argument("--size", metavar="HEIGHTxWIDTH", help="for pictures of this size alone")
    parser.add_argument("--output", metavar="DIR", help="where to (default: result/export)")
    parser.add_argument(
        "--check",
        nargs="+",
        metavar="PICTURE",
        help="HDR pictures or folders to compare on (default: test.hdr_path)",
    )
    args = parser.parse_args(argv)
    return args, settings(args, SWITCHES)


def chosen(text):
    """Return the names of formats in a list with commas, without repeats."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in NAMES:
            raise InputError(f"--formats {text}: {name!r} is none of {', '.join(NAMES)}")
    return names


def size_in(text):
    """Return (height, width) in a text such as 1080x1920, or None for None."""
    if text is None:
        return None
    if not (match := re.fullmatch(r"(\d{1,5})x(\d{1,5})", text, re.ASCII)):
        raise InputError(f"--size {text}: write it as HEIGHTxWIDTH in pixels, as 1080x1920")
    return int(match[1]), int(match[2])


def written(names, module, folder, stem=None):
    """Write the formats; return (dict of their runtimes, dict of their file, runtime, bytes).

    stem: that the files' names begin with in place of "iqatm".
    """
    from portable.formats import FORMATS

    runtimes, about = {}, {}
    for name in names:
        form = FORMATS[name]
        if missing := form.missing():
            print(
                f"skipped: {name} needs {' and '.join(missing)}; "
                "pip install -r requirements-export.txt",
                file=sys.stderr,
            )
            continue
        path = folder / form.name.replace("iqatm", stem or "iqatm")
        print(f"writing {path}", flush=True)
        form.write(module, path)
        runtimes[name], runtime = form.load(path)
        about[name] = {"file": path.name, "runtime": runtime, "bytes": size_of(path)}
    return runtimes, about


def size_of(path):
    """Return the bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def checked(paths, here, runtimes, level_num, size=None):
    """Return (list of the results of every picture and size, number of skipped pictures)."""
    from portable.check import compare, parts_of

    results, skipped = [], 0
    for path in paths:
        try:
            with naming(path, "a smaller one with --check"):
                if isinstance(path, InputError):
                    raise path
                for number, part in enumerate(parts_of(read_hdr(path), level_num, size)):
                    height, width = part.shape[:2]
                    print(f"checking {path} at {width}x{height}", flush=True)
                    seconds, outcomes = compare(part, here, runtimes, 0 if number else ROUNDS)
                    row = {"picture": path.name, "height": height, "width": width}
                    outcomes = {name: outcome._asdict() for name, outcome in outcomes.items()}
                    results.append({**row, "seconds": seconds, **outcomes})
        except InputError as error:
            print(f"skipped: {error}", file=sys.stderr)
            skipped += 1
    if not results:
        raise InputError("no picture was compared; give a readable one with --check")
    return results, skipped


def summary(about, results):
    """Return the results of each format over all pictures, and of this code, by name."""
    timed = [row for row in results if row["seconds"]]
    here = [row["seconds"] for row in timed]
    megapixels = [row["height"] * row["width"] / 1e6 for row in timed]

    def paces(seconds):
        return {
            "seconds_per_megapixel": statistics.median(map(operator.truediv, seconds, megapixels)),
            "times_this_code": statistics.median(map(operator.truediv, seconds, here)),
        }

    formats = {"this code": paces(here)}
    for name, facts in about.items():
        worst = {
            "largest_difference": max(row[name]["largest"] for row in results),
            "differing_share": max(row[name]["share"] for row in results),
        }
        formats[name] = {**facts, **worst, **paces([row[name]["seconds"] for row in timed])}
    return formats


def print_table(formats):
    """Print the results; differences are in grey levels of 255."""
    print(f"{'':16}{'MB':>6}{'differs by':>12}{'in samples':>12}{'s/MP':>7}{'times':>7}  runtime")
    for name, row in formats.items():
        if "file" in row:
            size, off = f"{row['bytes'] / 1e6:.2f}", row["largest_difference"]
            share = f"{100 * row['differing_share']:.3f} %"
        else:
            size = off = share = ""
        speed = f"{row['seconds_per_megapixel']:7.2f}{row['times_this_code']:7.2f}"
        print(f"{name:16}{size:>6}{off:>12}{share:>12}{speed}  {row.get('runtime', '')}".rstrip())


def verdict(formats, incomplete):
    """Name the formats that are too far off; return the exit status."""
    from portable.check import MAX_DIFFERENCE

    status = int(bool(incomplete))
    for name, row in formats.items():
        if row.get("largest_difference", 0) > MAX_DIFFERENCE:
            text = f"{name} differs from this code by more than {MAX_DIFFERENCE} grey levels"
            print(text, file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    run(main)
