"""Ways to run the root scripts with the tests' settings: here, or in processes of their own.

As a program it runs one script: python -m helpers.scripts SCRIPT ARGUMENT ...
"""

import contextlib
import gc
import io
import logging
import os
import resource
import runpy
import signal
import subprocess
import sys
from pathlib import Path

from helpers import config

ROOT = Path(__file__).parents[2]
MEMORY_BYTES = 2**30


def run_script(name, *arguments, cwd=ROOT):
    """Run a root script in this process, where TensorFlow is loaded already.

    Returns:
        subprocess.CompletedProcess: exit status and texts; what is no SystemExit is raised.
    """
    argv = [str(ROOT / name), *map(str, arguments)]
    output, errors = io.StringIO(), io.StringIO()
    with (
        _undone(argv),
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        try:
            runpy.run_path(argv[0], run_name="__main__")
            status = 0
        except SystemExit as end:
            status = end.code or 0
    gc.collect()  # a training's lock goes with its objects
    return subprocess.CompletedProcess(argv, status, output.getvalue(), errors.getvalue())


@contextlib.contextmanager
def _undone(argv):
    """Take back what a script changes in its process."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    root = logging.getLogger()
    before = sys.argv, list(root.handlers)
    loggers = [logging.getLogger(path.parent.name) for path in ROOT.glob("*/__init__.py")]
    levels = {logger: logger.level for logger in loggers}
    sys.argv = argv
    try:
        yield
    finally:
        sys.argv, root.handlers = before
        for logger, level in levels.items():
            logger.setLevel(level)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def script_command(name, *arguments):
    """Return the command line of a root script in a process of its own."""
    return [sys.executable, "-m", "helpers.scripts", str(ROOT / name), *map(str, arguments)]


def run_process(name, *arguments, cwd=ROOT, **options):
    """Run a root script in a process of its own; `options` are those of subprocess.run."""
    options = {"capture_output": True, "text": True, "timeout": 600, **options}
    return subprocess.run(script_command(name, *arguments), cwd=cwd, **options)


def run_limited(name, *arguments):
    """Run a root script in a process that has MEMORY_BYTES."""
    limits = MEMORY_BYTES, MEMORY_BYTES
    return run_process(
        name,
        *arguments,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, limits),
    )


def large_file(path):
    """Write 120 kB that stand for 100 megapixels, in old run lengths: 1.6 GB to read."""
    runs = b"\5\6\7\x80\1\1\1\x0f\1\1\1\x27" * 10000
    path.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 10000 +X 10000\n" + runs)


if __name__ == "__main__":
    sys.modules["configs.configs"] = config
    del sys.argv[0]
    # As Python does for a script that it runs itself.
    sys.path[0] = os.path.dirname(sys.argv[0])
    runpy.run_path(sys.argv[0], run_name="__main__")
