"""Write record files from HDR pictures.

    python generate_tfrec.py                         test records of dataset/test
    python generate_tfrec.py --phase training        step 1 (train_bot, train_high)
    python generate_tfrec.py --phase training --ft   step 2 (train_ft)

Training needs pairs: an HDR and an SDR picture of the same name and size in
data.hdr_path and data.sdr_path. Test records are prepared as the checkpoint in
model.ckp_path_ft was trained; without one, or where --set names a dev setting,
as the dev section says.
"""

import shutil
import sys
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from configs.command_line import keys_from_set, make_parser, run, settings
from configs.schema import existing_folder
from data.pairs import find_pairs, hdr_suffix, inspect_pair
from data.preparation.prepare import Preparation
from data.records.examples import (
    Cutting,
    inspect_picture,
    one_thread,
    packed_bytes,
    pair_bytes,
    pair_samples,
    picture_bytes,
    picture_sample,
)
from system.devices import import_tensorflow
from system.errors import InputError
from system.files import list_pictures, result_stems
from system.parallel import in_order

SWITCHES = {
    "phase": "dev.phase",
    "ft": "dev.ft",
    "test_resize_to_half": "dev.test_resize_to_half",
}
# Pairs that are prepared beforehand to judge the size of the records.
JUDGED = 8


def main(argv=None):
    """Write the record file that the switches ask for; return the exit status."""
    args = make_parser(__doc__, SWITCHES).parse_args(argv)
    config = settings(args, SWITCHES)
    if config.dev.phase == "training":
        return write_training(config)
    return write_test(config, keys_from_set(args))


def write_training(config):
    """Check all pairs, then cut them into the records of step 1 or step 2."""
    kind = "ft" if config.dev.ft else "dual"
    preparation = Preparation.from_settings(config.dev)
    pairs = checked_pairs(config)
    size = [config.data[f"patch_size_ft_{s}" if kind == "ft" else f"patch_size_{s}"] for s in "hw"]
    cutting = Cutting(
        kind,
        tuple(size),
        (config.data.patch_ratio_x, config.data.patch_ratio_y),
        config.data.patch_per_img,
        config.data.seed,
        config.data.patch_flip,
    )
    tasks = [(pair, index, cutting, preparation) for index, pair in enumerate(pairs)]
    import_tensorflow()
    from data.records.index import index_path, read_index
    from data.records.writer import ShardWriter, remove_stale

    path = index_path(config.model[f"tfrecord_{kind}"])
    remove_stale(path)
    raw = len(pairs) * pair_bytes(cutting, preparation.level_num)
    what = f"{len(pairs)} pairs x {cutting.count} patches ({megabytes(raw)} as raw float32)"
    announce(path, estimate(tasks, config.data.processes), what)
    writer = ShardWriter(
        path, kind, cutting.size, preparation, cutting.count, config.data.tfrecord_shards
    )
    work = in_order(pair_samples, tasks, config.data.processes, one_thread, writer.folder)
    # The processes end before the writer removes what an error leaves.
    with writer, closing(work):
        for (pair, *_), samples in tqdm(work, "writing", len(tasks), unit="pair"):
            if isinstance(samples, InputError):
                raise samples
            for sample in samples:
                writer.write(pair.hdr.stem, sample)
    written = sum(shard.bytes for shard in read_index(path, kind).shards)
    print(
        f"{writer.count} records of {len(pairs)} pairs written to {path}: {megabytes(written)} in "
        f"{config.data.tfrecord_shards} shards, {written / raw:.0%} of raw float32"
    )
    return 0


def estimate(tasks, processes):
    """Return about how many bytes the records of all tasks take, judged by a few pairs."""
    few = tasks[:: -(-len(tasks) // JUDGED)]
    total = 0
    for _, size in in_order(packed_bytes, few, processes, one_thread):
        if isinstance(size, InputError):
            raise size
        total += size
    return total * len(tasks) // len(few)


def checked_pairs(config):
    """Return all pairs, or list every fault and raise InputError."""
    data = config.data
    existing_folder(data.hdr_path, "data.hdr_path")
    existing_folder(data.sdr_path, "data.sdr_path")
    hdr_suffix(data.appendix_hdr)
    pairs, faults = find_pairs(data.hdr_path, data.sdr_path, data.appendix_hdr, data.appendix_sdr)
    work = in_order(inspect_pair, [(pair,) for pair in pairs], data.processes, one_thread)
    for (pair,), outcome in tqdm(work, "checking", len(pairs), unit="pair"):
        if isinstance(outcome, InputError):
            faults.append(str(outcome))
            continue
        for remark in outcome:
            tqdm.write(f"{pair.hdr}: {remark}", file=sys.stderr)
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        raise InputError(f"{len(faults)} faults in the pairs, listed above; nothing was written")
    if not pairs:
        raise InputError(
            f"there are no pairs: {data.hdr_path} has no .{data.appendix_hdr.lstrip('.')} with a "
            f"partner .{data.appendix_sdr.lstrip('.')} in {data.sdr_path}"
        )
    return pairs


def write_test(config, by_hand):
    """Prepare every picture of test.hdr_path; bad ones are named and skipped."""
    folder = existing_folder(config.test.hdr_path, "test.hdr_path")
    to_half = config.dev.test_resize_to_half
    paths = [Path(path) for path in list_pictures([folder], [hdr_suffix(config.data.appendix_hdr)])]
    preparation = test_preparation(config, by_hand)
    good, skipped, total = [], 0, 0
    work = in_order(inspect_picture, [(path,) for path in paths], config.data.processes, one_thread)
    for (path,), outcome in tqdm(work, "checking", len(paths), unit="picture"):
        if isinstance(outcome, InputError):
            tqdm.write(f"skipped: {outcome}", file=sys.stderr)
            skipped += 1
            continue
        shape, remarks = outcome
        for remark in remarks:
            tqdm.write(f"{path}: {remark}", file=sys.stderr)
        good.append(path)
        total += picture_bytes(shape, preparation.level_num, to_half)
    if not good:
        raise InputError(f"there is no readable HDR picture in {config.test.hdr_path}")
    import_tensorflow()
    from data.records.test_records import RecordWriter, encode, record_path

    path = record_path(config.test.tfrecord_test)
    announce(path, total, f"{len(good)} pictures")
    written, stems = 0, result_stems(good)
    tasks = [(path, preparation, to_half) for path in good]
    with RecordWriter(path) as writer:
        work = in_order(picture_sample, tasks, config.data.processes, one_thread)
        for (picture, *_), sample in tqdm(work, "writing", len(tasks), unit="picture"):
            if isinstance(sample, InputError):
                tqdm.write(f"skipped: {picture}: {sample}", file=sys.stderr)
                skipped += 1
                continue
            writer.write(encode(sample, stems[picture], preparation))
            written += 1
        if not written:
            raise InputError(f"no picture in {config.test.hdr_path} can be prepared; see above")
    print(f"{written} records written to {path}, {skipped} skipped")
    return 1 if skipped else 0


def test_preparation(config, by_hand):
    """Return the Preparation of the checkpoint, unless --set or its absence say otherwise."""
    preparation = Preparation.from_settings(config.dev)
    if any(f"dev.{key}" in by_hand for key in Preparation._fields):
        return preparation
    import_tensorflow()
    from models.checkpoint_info import info_in

    checkpoint = info_in(config.model.ckp_path_ft)
    if checkpoint is None:
        return preparation
    if checkpoint.remark:
        print(checkpoint.remark, file=sys.stderr)
    kept = checkpoint.preparation
    if kept is None or kept == preparation:
        return preparation
    print(
        f"preparation as the checkpoint in {config.model.ckp_path_ft} was trained: "
        f"{kept.describe()}"
    )
    return kept


def announce(path, total, what):
    """Print the estimate of size; refuse what the disk cannot hold."""
    folder = next(parent for parent in path.absolute().parents if parent.is_dir())
    free = shutil.disk_usage(folder).free
    print(f"{what}: about {megabytes(total)} to {path}", flush=True)
    if total > free:
        raise InputError(
            f"{path} needs {megabytes(total)} but {folder} has {megabytes(free)} left; make room, "
            "or lower data.patch_per_img or the patch sizes"
        )


def megabytes(count):
    """Return a number of bytes in words."""
    return f"{count / 1e6:,.1f} MB"


if __name__ == "__main__":
    run(main)
