"""Write record files from HDR pictures.

    python generate_tfrec.py                         test records of dataset/test
    python generate_tfrec.py --phase training        step 1 (train_bot, train_high)
    python generate_tfrec.py --phase training --ft   step 2 (train_ft)

Training needs pairs: an HDR and an SDR picture of the same name and size in
data.hdr_path and data.sdr_path. Test records are prepared as the checkpoint that
test.py will use was trained; without one, or where --set names a dev setting, as
the dev section says.
"""

import shutil
import sys
from contextlib import closing

from tqdm import tqdm

from configs.command_line import keys_from_set, make_parser, run, settings
from configs.schema import existing_folder
from configs.stage_settings import weights_folder
from data.pairs import Pair, find_pairs, hdr_suffix, ignored_hdr, inspect_pair
from data.pictures import list_hdr
from data.preparation.prepare import Preparation
from data.records.examples import (
    PatchSettings,
    inspect_picture,
    one_thread,
    pair_samples,
    picture_bytes,
    picture_sample,
)
from system.devices import import_tensorflow
from system.errors import InputError
from system.files import file_stamps, result_stems
from system.parallel import in_order

SWITCHES = {
    "phase": "dev.phase",
    "ft": "dev.ft",
    "test_resize_to_half": "dev.test_resize_to_half",
}
JUDGED_PAIRS = 8  # prepared beforehand to estimate the size of the records


def main(argv=None):
    """Write the record file that the switches ask for; return the exit status."""
    args = make_parser(__doc__, SWITCHES).parse_args(argv)
    config = settings(args, SWITCHES)
    if config.dev.phase == "training":
        return write_training(config)
    return write_test(config, keys_from_set(args))


def write_training(config):
    """Check all pairs, then cut them into the records of step 1 or step 2."""
    preparation = Preparation.from_settings(config.dev)
    patch_settings = patch_settings_of(config)
    kind, count = patch_settings.kind, patch_settings.count
    pairs = checked_pairs(config.data)
    import_tensorflow()
    from data.records.index import index_path, read_index
    from data.records.writer import record_writer

    path, shards = index_path(config.model[f"tfrecord_{kind}"]), config.data.tfrecord_shards
    tasks = [(pair, index, patch_settings, preparation) for index, pair in enumerate(pairs)]
    with record_writer(path, kind, patch_settings.size, preparation, count, shards) as write:
        total = estimate(tasks, config.data.processes)
        announce(path, total, f"{len(pairs)} pairs x {count} patches")
        with closing(samples_of(tasks, config.data.processes, "writing")) as work:
            for pair, samples in work:
                for sample in samples:
                    write(pair.hdr.stem, sample)
    info = read_index(path, kind)
    written = megabytes(sum(shard.bytes for shard in info.shards))
    print(
        f"{info.count} records of {len(pairs)} pairs written to {path}: {written} in {shards} "
        "shards"
    )
    return 0


def patch_settings_of(config):
    """Return the PatchSettings of the records that the settings ask for."""
    data, kind, key = config.data, "dual", "patch_size"
    if config.dev.ft:
        kind, key = "ft", "patch_size_ft"
    return PatchSettings(
        kind,
        (data[f"{key}_h"], data[f"{key}_w"]),
        (data.patch_ratio_x, data.patch_ratio_y),
        data.patch_per_img,
        data.seed,
        data.patch_flip,
    )


def samples_of(tasks, processes, doing):
    """Yield (pair, its samples) of each task of pair_samples; raise InputError naming the pair."""
    for pair, samples in results(pair_samples, tasks, processes, doing):
        if isinstance(samples, InputError):
            raise samples
        yield pair, samples


def results(function, tasks, processes, doing):
    """Yield (first argument, result) of each task; an InputError begins with the file's name."""
    with closing(in_order(function, tasks, processes, one_thread)) as work:
        for (what, *_), result in tqdm(work, doing, len(tasks), unit="file"):
            path = what.hdr if isinstance(what, Pair) else what
            if isinstance(result, InputError) and str(path) not in str(result):
                result = InputError(f"{path}: {result}")
            yield what, result


def estimate(tasks, processes):
    """Return about how many bytes the records of all tasks take, judged by a few patches."""
    few = [
        (pair, index, patch_settings._replace(count=min(2, patch_settings.count)), preparation)
        for pair, index, patch_settings, preparation in tasks[:: -(-len(tasks) // JUDGED_PAIRS)]
    ]
    sizes = [
        sum(map(len, sample.values()))
        for _, samples in samples_of(few, processes, "estimating")
        for sample in samples
    ]
    return sum(sizes) * len(tasks) * tasks[0][2].count // len(sizes)


def checked_pairs(data):
    """Return all pairs of the data section, or list every fault and raise InputError."""
    existing_folder(data.hdr_path, "data.hdr_path")
    existing_folder(data.sdr_path, "data.sdr_path")
    hdr_suffix(data.appendix_hdr)
    pairs, faults = find_pairs(data.hdr_path, data.sdr_path, data.appendix_hdr, data.appendix_sdr)
    if remark := ignored_hdr(data.hdr_path, data.appendix_hdr):
        tell(remark)
    tasks = [(pair,) for pair in pairs]
    for pair, result in results(inspect_pair, tasks, data.processes, "checking"):
        if isinstance(result, InputError):
            faults.append(str(result))
            continue
        for remark in result:
            tell(f"{pair.hdr}: {remark}")
    for fault in faults:
        tell(fault)
    if faults:
        raise InputError(f"{len(faults)} faults in the pairs, listed above; nothing was written")
    if not pairs:
        raise InputError(
            f"there are no pairs: {data.hdr_path} has no .{data.appendix_hdr.lstrip('.')} with a "
            f"partner in {data.sdr_path}"
        )
    return pairs


def write_test(config, keys_set):
    """Prepare every picture of test.hdr_path; bad ones are named and skipped."""
    folder = existing_folder(config.test.hdr_path, "test.hdr_path")
    paths = list_hdr([folder])
    sources = file_stamps(paths)
    to_half, processes = config.dev.test_resize_to_half, config.data.processes
    preparation = test_preparation(config, keys_set)
    inspected = readable(inspect_picture, [(path,) for path in paths], processes, "checking")
    pictures, total = [], 0
    for path, (shape, remarks) in inspected:
        for remark in remarks:
            tell(f"{path}: {remark}")
        pictures.append(path)
        total += picture_bytes(shape, preparation.level_num, to_half)
    if not pictures:
        raise InputError(f"there is no readable HDR picture in {folder}")
    import_tensorflow()
    from data.records.test_records import encode, record_file_writer, record_path

    file = record_path(config.test.tfrecord_test)
    announce(file, total, f"{len(pictures)} pictures")
    written, stems = 0, result_stems(pictures)
    tasks = [(path, preparation, to_half) for path in pictures]
    with record_file_writer(file) as writer:
        for path, sample in readable(picture_sample, tasks, processes, "writing"):
            writer.write(encode(sample, stems[path], preparation, sources))
            written += 1
        if not written:
            raise InputError(f"no picture in {folder} can be prepared; see above")
    skipped = len(paths) - written
    print(f"{written} records written to {file}, {skipped} skipped")
    return 1 if skipped else 0


def readable(function, tasks, processes, doing):
    """Yield (path, what function returned) of each task, a path first; name the others."""
    for path, result in results(function, tasks, processes, doing):
        if isinstance(result, InputError):
            tell(f"skipped: {result}")
        else:
            yield path, result


def test_preparation(config, keys_set):
    """Return the Preparation of the checkpoint, unless --set or its absence say otherwise."""
    preparation = Preparation.from_settings(config.dev)
    if any(f"dev.{key}" in keys_set for key in Preparation._fields):
        return preparation
    import_tensorflow()
    from models.weights import checkpoint_info, newest_checkpoint

    folder = weights_folder(config.model)
    found = newest_checkpoint(folder)
    if found is None:
        return preparation
    if found.remark:
        tell(found.remark)
    checkpoint = checkpoint_info(found)
    if checkpoint.preparation in (None, preparation):
        return preparation
    print(
        f"preparation as the checkpoint in {folder} was trained: "
        f"{checkpoint.preparation.describe()}"
    )
    return checkpoint.preparation


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


def tell(text):
    """Print a sentence on stderr, above the bar."""
    tqdm.write(text, file=sys.stderr)


def megabytes(count):
    """Return a number of bytes as a text."""
    return f"{count / 1e6:,.1f} MB"


if __name__ == "__main__":
    run(main)
