"""Keep TensorFlow's start-up notices off the screen."""

import os
import sys
import tempfile


def import_tensorflow():
    """Import TensorFlow without the lines that its libraries print while they load.

    They come before any log level applies, so the process' stderr is put aside
    meanwhile; if the import fails, what was printed is shown. TF_CPP_MIN_LOG_LEVEL
    in the environment is respected. The scripts need Keras on TensorFlow, whatever
    backend the user's environment or ~/.keras names.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            import tensorflow  # noqa: F401
        except BaseException:
            aside.seek(0)
            os.write(stderr, aside.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
