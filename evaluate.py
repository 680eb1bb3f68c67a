"""Score tone-mapped pictures, compare them with classical operators and show them.

    python evaluate.py                                    the HDR files of test.hdr_path
    python evaluate.py PICTURE_OR_FOLDER ... --output DIR
    python evaluate.py --results other=DIR                pictures of another program too
    python evaluate.py --no_network --operators gamma,durand

Methods are IQATM (the checkpoint that test.py uses), the folders of --results,
whose pictures are found by the stem of the HDR file, and the operators of
metrics/operators. Writes scores.csv, scores.md and report.html to result/
(test.result). JOD needs
requirements-evaluation.txt. Rerun an interrupted command to resume it: a row of scores.csv stays
while the HDR file, the result file or the checkpoint, and the settings that make
the picture have the same content; --fresh scores all rows again, as is needed after a
change to the code of operators or scores. A file that cannot be read is named and
skipped, and the exit status is then 1.

The network's 8-bit picture is scored as test.py makes it, before any JPEG. Seconds
are those of tone mapping alone while other processes work; use
--set data.processes=1 to compare them.
"""

import functools
import sys
import time

import cv2
from tqdm import tqdm

from configs.command_line import make_parser, run, settings
from configs.schema import existing_folder
from configs.stage_settings import operator_settings
from data.pictures import find_hdr
from evaluation.plan import ScoreTasks, folder_methods, operator_methods, plan_rows, reusable_rows
from evaluation.report import write_report
from evaluation.scoring import FIELDS, ToneMapped, inspect_source, score_row
from evaluation.table import nan_notes, summarize, tables, write_summary
from inference import load_operator
from metrics import jod
from metrics.operators import OPERATORS
from system.csv_file import content_key, read_rows, write_rows
from system.devices import import_tensorflow
from system.errors import InputError
from system.files import make_folder, result_stems
from system.parallel import in_order

SWITCHES = {
    "output": "test.result",
    "no_high_branch": "dev.no_high_branch",
    "no_ft_branch": "dev.no_ft_branch",
    "test_resize_to_half": "dev.test_resize_to_half",
    "keep_size": "test.keep_size",
    "precision": "test.precision",
}
NETWORK = "IQATM"
SAVE_SECONDS = 5.0  # what a killed run loses at most
# The processes are the parallelism; metrics.jod gives PyTorch as many threads as OpenCV has.
ONE_THREAD = functools.partial(cv2.setNumThreads, 1)


def main(argv=None):
    """Score everything that is asked for; return the exit status."""
    args = parsed(argv)
    config = settings(args, SWITCHES)
    methods = {**folder_methods(args.results, [NETWORK]), **operator_methods(args.operators)}
    if args.no_network and not methods:
        raise InputError("there is nothing to score; give --operators or --results")
    given = args.pictures or [existing_folder(config.test.hdr_path, "test.hdr_path")]
    paths = find_hdr(given)
    step, sentence = 2**config.dev.level_num, ""
    if not args.no_network:
        network, step, sentence = load_network(config)
        methods = {NETWORK: network, **methods}
    folder = make_folder(config.test.result)
    pictures = folder / "report"

    to_half, processes = config.dev.test_resize_to_half, config.data.processes
    sources, skipped = inspected(paths, to_half, processes, pictures)
    if not sources:
        raise InputError("there is no HDR picture to score; give others")
    plan, faults = plan_rows(sources, methods, to_half)
    for fault in faults:
        print(f"skipped: {fault}", file=sys.stderr)
    table = folder / "scores.csv"
    rows = reusable_rows(plan, [] if args.fresh else read_rows(table, FIELDS), pictures)
    if not jod.installed():
        print(f"JOD is left out: ColorVideoVDP is not installed; {jod.REMEDY}")
    print(f"{len(rows)} of {len(plan)} rows are taken over from an earlier run", flush=True)
    missing = [planned for planned in plan if planned.name not in rows]
    tasks = ScoreTasks(missing, to_half, step, pictures)
    faults += scored(tasks, rows, [planned.name for planned in plan], table, processes)
    if not rows:
        raise InputError("no picture could be scored; see above")

    rows = [rows[planned.name] for planned in plan if planned.name in rows]
    intro = f"{len(sources)} pictures, {len(methods)} methods.{sentence}"
    notes, summary = [*faults, *nan_notes(rows)], tables(summarize(rows, methods))
    print(f"\n{write_summary(folder / 'scores.md', summary, notes)}")
    report = folder / "report.html"
    size = write_report(report, intro, summary, notes, sources, rows, pictures)
    print(f"{report}: {size / 1e6:.1f} MB")
    count = len({row["picture"] for row in rows})
    skipped += len(sources) - count
    print(f"{count} pictures scored, {skipped} skipped")
    return 1 if skipped or faults else 0


def parsed(argv):
    """Return the command line's arguments."""
    parser = make_parser(__doc__, SWITCHES)
    add = parser.add_argument
    add("pictures", nargs="*", metavar="PICTURE_OR_FOLDER", help="default: test.hdr_path")
    add("--no_network", action="store_true", help="leave IQATM out; needs no checkpoint")
    add("--operators", metavar="A,B", help=f"of {', '.join(OPERATORS)}; or none (default: all)")
    text = "also score the pictures in DIR, named as the HDR files, as method NAME; repeatable"
    add("--results", action="append", default=[], metavar="NAME=DIR", help=text)
    add("--fresh", action="store_true", help="score all rows again, an earlier run's too")
    return parser.parse_args(argv)


def load_network(config):
    """Return the checkpoint's method (see evaluation.plan), multiple of its sides, and name."""
    jod.load()
    import_tensorflow()
    try:
        operator = load_operator(**operator_settings(config))
    except InputError as error:
        text = error.args[0].rstrip(".")
        raise InputError(f"{text}; or leave the network out with --no_network") from error
    to_half, keep_size = config.dev.test_resize_to_half, config.test.keep_size
    content = [*operator.content(), *(["keep_size"] if keep_size else [])]
    parts = "network", content_key(*content)

    def method(_):
        return lambda path: ToneMapped(*operator.tone_map(path, to_half, keep_size)), parts

    return method, 2**operator.preparation.level_num, f" {NETWORK} is {operator.path}."


def inspected(paths, to_half, processes, folder):
    """Return the Sources of all readable files, and how many others were named and skipped."""
    unreadable = [path for path in paths if isinstance(path, InputError)]
    for error in unreadable:
        print(f"skipped: {error}", file=sys.stderr)
    sources, skipped = [], len(unreadable)
    stems = result_stems(paths)
    tasks = [(str(path), stem, to_half, str(folder)) for path, stem in stems.items()]
    work = in_order(inspect_source, tasks, processes, ONE_THREAD)
    for (path, *_), outcome in tqdm(work, "reading", len(tasks), unit="picture"):
        if isinstance(outcome, InputError):
            tqdm.write(f"skipped: {outcome}", file=sys.stderr)
            skipped += 1
            continue
        for remark in outcome.remarks:
            tqdm.write(f"{path}: {remark}", file=sys.stderr)
        sources.append(outcome)
    return sources, skipped


def scored(tasks, rows, order, path, processes):
    """Add what the ScoreTasks give to `rows`, saving them at times; return sentences on faults."""
    faults = []
    saved = time.monotonic()

    def save():
        write_rows(path, FIELDS, [rows[name] for name in order if name in rows])

    try:
        work = in_order(score_row, tasks, processes, ONE_THREAD)
        for (source, method, *_), outcome in tqdm(work, "scoring", len(tasks), unit="row"):
            if isinstance(outcome, InputError):
                faults.append(str(outcome))
                tqdm.write(f"skipped: {outcome}", file=sys.stderr)
                continue
            rows[source.stem, method] = outcome
            if time.monotonic() - saved > SAVE_SECONDS:
                save()
                saved = time.monotonic()
    finally:
        save()
    return faults


if __name__ == "__main__":
    run(main)
