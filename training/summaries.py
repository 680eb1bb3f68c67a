"""Scalars and pictures for TensorBoard, and what a full disk does to them."""

import tempfile

import tensorflow as tf

SHOWN = 3  # pictures of each kind
PROBE = 65536  # bytes; more than an event file grows by without asking the disk


class EventFile:
    """The event file of one run; it is made at the first write.

    TensorFlow drops events that it cannot write and says nothing. So after each write the
    folder is asked for room; where it has none, `tell` gets one sentence, `lost` becomes True
    and nothing more is written: a training must not end for want of its pictures.

    Args:
        folder: of the file.
        tell: callable taking the sentence.
    """

    def __init__(self, folder, tell):
        self.folder = str(folder)
        self.lost = False
        self._tell = tell
        self._writer = None

    def write(self, step, scalars, pictures):
        """Append one step.

        Args:
            step: its number.
            scalars: dict from tag to number.
            pictures: dict from tag to N×H×W×3, uint8 or float in [0, 1]; SHOWN are written.
        """
        if self.lost:
            return
        try:
            self._writer = self._writer or tf.summary.create_file_writer(self.folder)
            with self._writer.as_default(step=step):
                for name, value in scalars.items():
                    tf.summary.scalar(name, value)
                for name, batch in pictures.items():
                    tf.summary.image(name, batch, max_outputs=SHOWN)
            self._writer.flush()
            with tempfile.TemporaryFile(dir=self.folder) as probe:
                probe.write(bytes(PROBE))
        except (OSError, tf.errors.OpError) as error:
            self.lost = True
            reason = getattr(error, "strerror", None) or getattr(error, "message", error)
            self._tell(
                f"{self.folder}: the summaries from step {step} on are lost ({reason}); the "
                "training goes on without them"
            )
