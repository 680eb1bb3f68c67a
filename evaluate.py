"""Score tone-mapped pictures, compare them with classical operators and show them.

    python evaluate.py                                    the HDR files of test.hdr_path
    python evaluate.py PICTURE_OR_FOLDER ... --output DIR
    python evaluate.py --results other=DIR                pictures of another program too
    python evaluate.py --no_network --operators gamma,durand

Methods are IQATM (the checkpoint in model.ckp_path_ft), the folders of --results,
whose pictures are found by the stem of the HDR file, and the operators of
metrics/operators.py. Writes scores.csv, scores.md and report.html to result/
(test.result). A broken run goes on where it stopped: a row of scores.csv is kept
while the HDR file, the result file or the checkpoint, and the settings that make
the picture have the same content; --fresh scores all anew, as is needed after a
change to the code of operators or scores. A file that cannot be read is named and
skipped, and the exit status is then 1.

The network's 8-bit picture is scored as test.py makes it, before any JPEG. Seconds
are those of tone mapping alone while other processes work; use
--set data.processes=1 to compare them.
"""

import sys
import time
from functools import partial

from tqdm import tqdm

from configs.command_line import make_parser, run, settings
from configs.schema import existing_folder
from data.pictures import HDR_SUFFIXES
from data.preparation.prepare import Preparation
from evaluation.methods import chosen_operators, result_folders
from evaluation.plan import NetworkPictures, Tasks, kept_rows, make_plan
from evaluation.report import write_report
from evaluation.rows import inspect_source, quiet, quiet_opencv, score_row
from evaluation.score_file import read_rows, write_rows
from evaluation.table import nan_notes, summarise, tables, write_summary
from inference import load_operator
from system.devices import import_tensorflow
from system.errors import InputError
from system.files import find_pictures, make_folder, result_stems
from system.parallel import in_order

SWITCHES = {
    "output": "test.result",
    "no_high_branch": "dev.no_high_branch",
    "no_ft_branch": "dev.no_ft_branch",
    "test_resize_to_half": "dev.test_resize_to_half",
    "precision": "test.precision",
}
NETWORK = "IQATM"
SAVE_EVERY = 5.0  # seconds; what a killed run loses at most


def main(argv=None):
    """Score everything that is asked for; return the exit status."""
    args = parsed(argv)
    config = settings(args, SWITCHES)
    operators = chosen_operators(args.operators)
    folders = result_folders(args.results, [NETWORK])
    if args.no_network and not folders and not operators:
        raise InputError("there is nothing to score; give --operators or --results")
    given = args.pictures or [existing_folder(config.test.hdr_path, "test.hdr_path")]
    paths = find_pictures(given, HDR_SUFFIXES)
    network = None if args.no_network else load_network(config)
    folder = make_folder(config.test.result)
    pictures = make_folder(folder / "report")

    quiet_opencv()
    to_half = config.dev.test_resize_to_half
    sources, skipped = inspected(paths, to_half, config.data.processes, pictures)
    if not sources:
        raise InputError("there is no HDR picture to score; give others")
    makers = {**folders, **dict.fromkeys(operators)}
    step = 2**config.dev.level_num
    if network is not None:
        made = NetworkPictures(partial(network.tone_map, to_half=to_half), network.content())
        makers, step = {NETWORK: made, **makers}, 2**network.preparation.level_num
    plan, faults = make_plan(sources, makers, to_half)
    for fault in faults:
        print(f"skipped: {fault}", file=sys.stderr)
    table = folder / "scores.csv"
    rows = kept_rows(plan, {} if args.fresh else read_rows(table), pictures)
    print(f"{len(rows)} of {len(plan)} rows are kept from an earlier run", flush=True)
    todo = [item for item in plan if item.place not in rows]
    tasks = Tasks(todo, to_half, step, pictures)
    faults += scored(tasks, rows, [item.place for item in plan], table, config.data.processes)
    if not rows:
        raise InputError("no picture could be scored; see above")

    rows = [rows[item.place] for item in plan if item.place in rows]
    intro = f"{len(sources)} pictures, {len(makers)} methods."
    if network is not None:
        intro += f" {NETWORK} is {network.path}."
    write_results(folder, pictures, intro, list(makers), sources, rows, faults)
    done = {row["picture"] for row in rows}
    skipped += len(sources) - len(done)
    print(f"{len(done)} pictures scored, {skipped} skipped")
    return 1 if skipped or faults else 0


def write_results(folder, pictures, intro, methods, sources, rows, faults):
    """Write and print the table, and write the report."""
    notes = [*faults, *nan_notes(rows)]
    summary = tables(summarise(rows, methods))
    print(f"\n{write_summary(folder / 'scores.md', summary, notes)}")
    path = folder / "report.html"
    size = write_report(path, intro, summary, notes, sources, rows, pictures)
    print(f"{path}: {size / 1e6:.1f} MB")


def parsed(argv):
    """Return the command line's arguments."""
    parser = make_parser(__doc__, SWITCHES)
    parser.add_argument("pictures", nargs="*", help="HDR pictures or folders of them")
    parser.add_argument("--no_network", action="store_true", help="leave the network out")
    parser.add_argument("--operators", metavar="A,B", help="these alone (now all), or none")
    parser.add_argument(
        "--results",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="a folder of finished pictures; may be repeated",
    )
    parser.add_argument("--fresh", action="store_true", help="score all rows anew")
    return parser.parse_args(argv)


def load_network(config):
    """Return the Operator of the checkpoint, or raise InputError."""
    import_tensorflow()
    from models.checkpoint_files import newest

    folder = config.model.ckp_path_ft
    if newest(folder) is None:
        raise InputError(
            f"there is no checkpoint in {folder}; train one with train_ft.py, name another folder "
            "with --set model.ckp_path_ft=..., or leave the network out with --no_network"
        )
    return load_operator(
        config.model.ckp_path_ft,
        Preparation.from_settings(config.dev),
        config.test.precision,
        no_high_branch=config.dev.no_high_branch,
        no_ft_branch=config.dev.no_ft_branch,
        display_settings=config.test,
    )


def inspected(paths, to_half, processes, folder):
    """Return the Sources of all readable files, and how many others were named and skipped."""
    stems = result_stems(paths)
    if len(set(stems.values())) < len(stems):
        raise InputError("two HDR files share name and folder name; give them in separate runs")
    sources, skipped = [], 0
    for path in paths:
        if isinstance(path, InputError):
            print(f"skipped: {path}", file=sys.stderr)
            skipped += 1
    tasks = [(str(path), stem, to_half, str(folder)) for path, stem in stems.items()]
    work = in_order(inspect_source, tasks, processes, quiet)
    for (path, *_), outcome in tqdm(work, "reading", len(tasks), unit="picture"):
        if isinstance(outcome, InputError):
            text = str(outcome)
            tqdm.write(f"skipped: {text if path in text else f'{path}: {text}'}", file=sys.stderr)
            skipped += 1
            continue
        for remark in outcome.remarks:
            tqdm.write(f"{path}: {remark}", file=sys.stderr)
        sources.append(outcome)
    return sources, skipped


def scored(tasks, rows, order, path, processes):
    """Add to `rows` what the Tasks give, saving now and then; return what failed, in words."""
    faults = []
    saved = time.monotonic()

    def save():
        write_rows(path, [rows[place] for place in order if place in rows])

    try:
        work = in_order(score_row, tasks, processes, quiet)
        for (source, method, *_), outcome in tqdm(work, "scoring", len(tasks), unit="row"):
            if isinstance(outcome, InputError):
                faults.append(f"{source.stem}, {method}: {outcome}")
                tqdm.write(f"skipped: {faults[-1]}", file=sys.stderr)
                continue
            rows[source.stem, method] = outcome
            if time.monotonic() - saved > SAVE_EVERY:
                save()
                saved = time.monotonic()
    finally:
        save()
    return faults


if __name__ == "__main__":
    run(main)
