"""The epochs of one stage, and the learning rate along them."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

from system.errors import InputError


class CosineDecay(keras.optimizers.schedules.CosineDecay):
    """The learning rate of a whole training.

    A schedule, constant ones too, is no variable of the optimizer: a resumed
    run takes it from the settings and not from the checkpoint.

    Args:
        initial: at the first step.
        final_fraction: of it, at the last; 1 keeps it constant, as in the paper,
            less falls along a cosine (I. Loshchilov, F. Hutter, 2017).
        steps: of the whole training.
        first_step: the optimizer's count at the first of them; the authors' checkpoints
            bring their own count along.
    """

    def __init__(self, initial, final_fraction, steps, first_step=0):
        super().__init__(initial, steps, alpha=final_fraction)
        self.first_step = first_step

    def __call__(self, step):
        """Return the learning rate at one count of the optimizer."""
        return super().__call__(step - self.first_step)


def fit(trainer, checkpoint, batches, batch_size, steps, epochs, stop, callbacks, after_epoch=None):
    """Train until `epochs` are done, saving after each; go on where `checkpoint` stands.

    Args:
        trainer: training.trainer.Trainer.
        checkpoint: training.checkpoint.StageCheckpoint, restored or new.
        batches: callable (epoch, skip) -> the batches of an epoch.
        batch_size: patches of a batch; may differ from an interrupted run's.
        steps: of an epoch.
        epochs: in all, those before this run included.
        stop: training.callbacks.StopAtSignal.
        callbacks: further Keras callbacks.
        after_epoch: None, or callable (epoch, step, stop), called once the epoch is saved.

    Returns:
        The path of the last checkpoint written, None if there was nothing to do.

    Raises:
        InputError: a loss or a weight is not finite, the records are no longer the same, or
            a checkpoint cannot be written.
    """
    path, (first, skip) = None, checkpoint.resume_point.batches(batch_size, steps)
    for epoch in range(first, epochs):
        with records_stay():
            trainer.fit(
                batches(epoch, skip),
                initial_epoch=epoch,
                epochs=epoch + 1,
                verbose=0,
                shuffle=False,
                callbacks=[*callbacks, stop],
            )
        _check_weights_are_finite(trainer, checkpoint.step)
        if skip + stop.done < steps:
            return checkpoint.save(epoch, (skip + stop.done) * batch_size)
        path, skip = checkpoint.save(epoch + 1), 0
        if after_epoch is not None:
            after_epoch(epoch, checkpoint.step, stop)
        if stop.asked:
            return path
    return path


@contextlib.contextmanager
def records_stay():
    """Raise InputError where the records are removed or overwritten while they are read."""
    try:
        yield
    except (tf.errors.NotFoundError, tf.errors.DataLossError) as error:
        raise InputError(
            "the records changed while this training read them, by generate_tfrec.py or by hand "
            f"({error.message.splitlines()[0]}); the checkpoints of the epochs before are as they "
            "were: run the same command again when the records are complete"
        ) from error


def _check_weights_are_finite(trainer, step):
    for variable in trainer.network.trainable_variables:
        if not np.all(np.isfinite(variable)):
            raise InputError(
                f"step {step}: the weights {variable.path} are no longer finite; the training "
                "stops here, the checkpoints of the epochs before are as they were"
            )
