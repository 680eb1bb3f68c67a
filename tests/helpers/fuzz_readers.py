"""Damage small valid files and read them: no crash, no hang, no allocation over 1 GB.

    python tests/helpers/fuzz_readers.py --inputs 100000 --seed 0

Every input follows from the seed and its number, so that a finding can be repeated with
--first NUMBER --inputs 1. The readers run in a process of their own, with a limit on memory
and a timer on each input; where that process dies, another goes on behind the input.
"""

import argparse
import json
import mmap
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
READERS = ("hdr", "sdr", "record")
MOST = 2**30  # bytes of address space that one input may add
STOP = 2**32  # where the process is refused more, to spare the machine
PROCESSOR_SECONDS = 5  # for one input
_NOWHERE = 2**64 - 1
_PROGRESS = struct.Struct("<QQd")  # the input at work, how many gave a picture, slowest seconds


def main(argv=None):
    """Run the fuzzing and print its figures; return 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--readers", nargs="+", choices=READERS, default=READERS)
    parser.add_argument("--inputs", type=int, default=1000, help="for each reader")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3600, help="stop then, whatever is left")
    parser.add_argument("--work", metavar="FILE", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.work:
        return work(args.readers[0], args.first, args.inputs, args.seed, args.work)
    found = False
    for reader in args.readers:
        result = hunt(reader, args.first, args.inputs, args.seed, args.seconds)
        findings = result.pop("findings")
        print(f"{reader}: {json.dumps(result)}", flush=True)
        for finding in findings:
            print(f"  {finding}", flush=True)
        found = found or bool(findings)
    return int(found)


def hunt(reader, first, inputs, seed, seconds):
    """Fuzz one reader in worker processes.

    Returns:
        dict: inputs tried, how many gave a picture, the slowest one's seconds, the
        seconds of it all, and a list of findings in words.
    """
    start, at, end = time.monotonic(), first, first + inputs
    totals, findings = Counter(), []
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        progress = Path(folder) / "progress"
        while at < end and time.monotonic() - start < seconds:
            progress.write_bytes(_PROGRESS.pack(_NOWHERE, 0, 0))
            command = [sys.executable, __file__, "--readers", reader, "--work", str(progress)]
            command += ["--first", str(at), "--inputs", str(end - at), "--seed", str(seed)]
            left = seconds - (time.monotonic() - start)
            status, error = _finished(command, left)
            place, read, slow = _PROGRESS.unpack(progress.read_bytes())
            if place == _NOWHERE:
                sys.exit(f"the reading of {reader} files could not start: {error}")
            totals["read"] += read
            slowest = max(slowest, slow)
            at = place
            if status is None or status == 0:
                break
            findings.append(f"input {place}: {_words(status)}; {error.strip()[-300:]}")
            at += 1
        found = Path(f"{progress}.found")
        findings += found.read_text().splitlines() if found.exists() else []
    totals["inputs"] = at - first
    seconds = round(time.monotonic() - start, 1)
    return {**totals, "slowest": round(slowest, 3), "seconds": seconds, "findings": findings}


def _finished(command, seconds):
    """Run a worker; return its exit status, None where its time was up, and its last words."""
    with tempfile.TemporaryFile() as error:
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        process = subprocess.Popen(command, stderr=error, env=environment)
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            process.kill()
            process.wait()
        error.seek(0)
        return status, error.read().decode(errors="replace")


def _words(status):
    if status == -signal.SIGPROF:
        return f"more than {PROCESSOR_SECONDS} processor seconds"
    return f"the process ended with {status}"


def work(reader, first, inputs, seed, progress):
    """Read damaged files in this process, noting in the file `progress` where it is."""
    import numpy as np

    from helpers.fuzz_damage import damaged

    seeds, check = _seeds_and_check(reader)
    folder = tempfile.TemporaryDirectory()
    for one in seeds:  # libraries start their threads and caches at the first file
        check(one, one.data, Path(folder.name), None)
    before = _address_space()
    resource.setrlimit(resource.RLIMIT_AS, (before + STOP, before + STOP))
    with open(progress, "r+b") as file, mmap.mmap(file.fileno(), 0) as shared:
        read, slowest = 0, 0.0
        for number in range(first, first + inputs):
            shared[:] = _PROGRESS.pack(number, read, slowest)
            generator = np.random.default_rng([seed, number])
            one = seeds[number % len(seeds)]
            partner = seeds[generator.integers(len(seeds))]
            data = damaged(one.data, partner.data, generator)
            # Processor time, because others may have the machine; the signal ends the process.
            signal.setitimer(signal.ITIMER_PROF, PROCESSOR_SECONDS)
            start = time.process_time()
            try:
                read += check(one, data, Path(folder.name), generator)
            except Exception as error:  # whatever it is, it is a finding
                with open(f"{progress}.found", "a") as found:
                    found.write(f"input {number}, {one.name}: {error!r:.300}\n")
            slowest = max(slowest, time.process_time() - start)
            signal.setitimer(signal.ITIMER_PROF, 0)
            grown = _address_space() - before
            if grown > MOST:  # it never shrinks, so the next input needs another process
                sys.exit(f"{one.name}: the address space grew by {grown / 1e9:.2f} GB")
        shared[:] = _PROGRESS.pack(first + inputs, read, slowest)
    folder.cleanup()
    return 0


def _address_space():
    """Return the most bytes of address space that this process ever had."""
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmPeak"))
    return 1024 * int(line.split()[1])


def _seeds_and_check(reader):
    if reader == "record":
        from helpers.fuzz_records import check_record
        from helpers.fuzz_seeds import record_seeds

        return list(record_seeds()), check_record
    from helpers.fuzz_seeds import picture_seeds

    return [seed for seed in picture_seeds() if seed.reader == reader], check_picture


def check_picture(seed, data, folder, generator):
    """Read a picture file; return whether there was a picture in it."""
    import numpy as np

    from data.pictures import read_hdr, read_sdr
    from system.errors import InputError

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
