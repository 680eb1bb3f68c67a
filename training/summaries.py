"""Scalars and pictures for TensorBoard, and what a full disk does to them."""

import logging
import tempfile

import tensorflow as tf

MAX_PICTURES = 3  # of each tag
PROBE_BYTES = 65536  # more than an event file grows by without asking the disk

logger = logging.getLogger(__name__)


class EventFile:
    """The event file of one run; it is made at the first write.

    TensorFlow drops events that it cannot write and says nothing. So after each write the
    folder is asked for room; where it has none, one warning is logged, `lost` becomes True
    and nothing more is written: a training must not end for want of its pictures.

    Args:
        folder: of the file.
    """

    def __init__(self, folder):
        self.folder = str(folder)
        self.lost = False
        self._writer = None

    def write(self, step, scalars, pictures):
        """Append one step.

        Args:
            step: its number.
            scalars: dict from tag to number.
            pictures: dict from tag to N×H×W×3, uint8 or float in [0, 1]; MAX_PICTURES are
                written.
        """
        if self.lost:
            return
        try:
            self._writer = self._writer or tf.summary.create_file_writer(self.folder)
            with self._writer.as_default(step=step):
                for name, value in scalars.items():
                    tf.summary.scalar(name, value)
                for name, batch in pictures.items():
                    tf.summary.image(name, batch, max_outputs=MAX_PICTURES)
            self._writer.flush()
            with tempfile.TemporaryFile(dir=self.folder) as probe:
                probe.write(bytes(PROBE_BYTES))
        except (OSError, tf.errors.OpError) as error:
            self.lost = True
            reason = getattr(error, "strerror", None) or getattr(error, "message", error)
            logger.warning(
                f"{self.folder}: the summaries from step {step} on are lost ({reason}); the "
                "training goes on without them"
            )
