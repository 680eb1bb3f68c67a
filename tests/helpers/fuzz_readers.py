"""Damage small valid files and read them: no crash, no hang, no allocation over 1 GB.

    python tests/helpers/fuzz_readers.py --inputs 100000 --seed 0

Every input follows from the seed and its number, so that a finding can be repeated with
--first NUMBER --inputs 1. A crash, or an input that takes too long, ends the program; the
file that it names first then holds the number of the input.
"""

import argparse
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402

from data.pictures import read_hdr, read_sdr  # noqa: E402
from helpers.fuzz_seeds import damaged, picture_seeds  # noqa: E402
from system.errors import InputError  # noqa: E402

READERS = ("hdr", "sdr", "record")
MAX_BYTES = 2**30  # of address space that one input may add
LIMIT_BYTES = 2**32  # where the process is refused more, to spare the machine
PROCESSOR_SECONDS = 5  # for one input


def main(argv=None):
    """Run the fuzzing and print its figures; return 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--readers", nargs="+", choices=READERS, default=READERS)
    parser.add_argument("--inputs", type=int, default=1000, help="for each reader")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    numbers = range(args.first, args.first + args.inputs)
    found = [fuzz(reader, numbers, args.seed) for reader in args.readers]
    return int(any(found))


def fuzz(reader, numbers, seed):
    """Read the damaged files of these numbers; return the number of findings, which it prints."""
    seeds, check = seeds_and_check(reader)
    folder = Path(tempfile.mkdtemp())
    at_work = folder.with_suffix(".number")
    print(f"{reader}: {at_work} holds the number of the input at work", flush=True)
    for one in seeds:  # libraries start their threads and caches at the first file
        check(one, one.data, folder, None)
    before = most_address_space()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]  # one reader follows another
    resource.setrlimit(resource.RLIMIT_AS, (before + LIMIT_BYTES, hard))
    read = found = 0
    slowest = 0.0
    for number in numbers:
        at_work.write_text(str(number))
        generator = np.random.default_rng([seed, number])
        one = seeds[number % len(seeds)]
        partner = seeds[generator.integers(len(seeds))]
        data = damaged(one.data, partner.data, generator)
        # Processor time, because others may have the machine; the signal ends the process.
        signal.setitimer(signal.ITIMER_PROF, PROCESSOR_SECONDS)
        start = time.process_time()
        try:
            read += check(one, data, folder, generator)
        except Exception as error:  # whatever it is, it is a finding
            found += 1
            print(f"  input {number}, {one.name}: {error!r:.300}", flush=True)
        slowest = max(slowest, time.process_time() - start)
        signal.setitimer(signal.ITIMER_PROF, 0)
        grown = most_address_space() - before
        if grown > MAX_BYTES:  # it never shrinks, so the next input needs another process
            sys.exit(f"input {number}, {one.name}: the memory grew by {grown / 1e9:.2f} GB")
    shutil.rmtree(folder)
    at_work.unlink()
    figures = f"{read} read, {found} findings, slowest {slowest:.3f} s"
    print(f"{reader}: {len(numbers)} inputs, {figures}")
    return found


def most_address_space():
    """Return the most bytes of address space that this process ever had."""
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmPeak"))
    return 1024 * int(line.split()[1])


def seeds_and_check(reader):
    """Return (list of Seed, function that reads damaged ones) of a reader."""
    if reader == "record":
        from helpers.fuzz_records import check_record, record_seeds

        return list(record_seeds()), check_record
    return [seed for seed in picture_seeds() if seed.reader == reader], check_picture


def check_picture(seed, data, folder, generator):
    """Read a picture file; return whether there was a picture in it."""
    path = folder / seed.name
    path.write_bytes(data)
    try:
        image = (read_hdr if seed.reader == "hdr" else read_sdr)(path)
    except InputError as error:
        text = str(error)
        assert text.startswith(str(path)) and text.endswith(".") and "\n" not in text, text
        return False
    assert image.ndim == 3 and image.shape[2] == 3 and image.size, image.shape
    if seed.reader == "hdr":
        assert image.dtype == np.float32 and image.min() >= 0 and image.max() < np.inf
    else:
        assert image.dtype in (np.uint8, np.uint16)
    return True


if __name__ == "__main__":
    sys.exit(main())
