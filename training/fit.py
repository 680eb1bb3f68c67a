"""The epochs of one stage."""

import numpy as np

from system.errors import InputError


def fit(trainer, checkpoint, batches, batch_size, steps, epochs, stop, callbacks, validation=None):
    """Train until `epochs` are done, saving after each; go on where `checkpoint` stands.

    Args:
        trainer: training.trainer.Trainer.
        checkpoint: training.checkpoint.StageCheckpoint, restored or fresh.
        batches: callable (epoch, skip) -> the batches of an epoch.
        batch_size: patches of a batch; may differ from an interrupted run's.
        steps: of an epoch.
        epochs: in all, those before this run included.
        stop: training.callbacks.StopAtSignal.
        callbacks: further Keras callbacks.
        validation: training.validation.Validation or None; it comes behind the save, which
            must not wait for it.

    Returns:
        The path of the last checkpoint written, None if there was nothing to do.

    Raises:
        InputError: a loss or a weight is not finite, or a checkpoint cannot be written.
    """
    path, first, skip = None, *place(checkpoint, batch_size, steps)
    for epoch in range(first, epochs):
        trainer.fit(
            batches(epoch, skip),
            initial_epoch=epoch,
            epochs=epoch + 1,
            verbose=0,
            shuffle=False,
            callbacks=[*callbacks, stop],
        )
        _refuse_bad_weights(trainer, checkpoint.step)
        if skip + stop.done < steps:
            return checkpoint.save(epoch, (skip + stop.done) * batch_size)
        path, skip = checkpoint.save(epoch + 1), 0
        if validation is not None:
            validation.score_epoch(epoch, checkpoint.step, stop)
        if stop.asked:
            return path
    return path


def place(checkpoint, batch_size, steps):
    """Return (epoch, batches of it that are done) of a StageCheckpoint."""
    epoch, skip = int(checkpoint.epoch), int(checkpoint.patches) // batch_size
    return (epoch, skip) if skip < steps else (epoch + 1, 0)


def _refuse_bad_weights(trainer, step):
    for variable in trainer.network.trainable_variables:
        if not np.all(np.isfinite(variable)):
            raise InputError(
                f"step {step}: the weights {variable.path} are no longer finite; the training "
                "stops here, the checkpoints of the epochs before are as they were"
            )
