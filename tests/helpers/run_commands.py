"""Run the commands of a JSON list on stdin one after the other, as `python SCRIPT ARGUMENTS` would.

One process does it, in the working directory, so that TensorFlow is loaded once. Prints a
JSON object from command to [exit status, what it printed].
"""

import contextlib
import io
import json
import runpy
import shlex
import sys
import traceback


def run_command(command):
    """Return (exit status, output) of one command."""
    sys.argv = shlex.split(command)[1:]
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
            status = 0
        except SystemExit as end:
            status = end.code or 0
        except BaseException:
            traceback.print_exc()
            status = "traceback"
    return status, output.getvalue()


if __name__ == "__main__":
    print(json.dumps({command: run_command(command) for command in json.load(sys.stdin)}))
