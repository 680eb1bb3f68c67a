"""Learning rates."""

import keras


def learning_rate(initial, final_fraction, steps):
    """Return the learning rate of a whole training.

    A schedule, constant ones too, is no variable of the optimizer: a resumed
    run takes it from the settings and not from the checkpoint.

    Args:
        initial: at the first step.
        final_fraction: of it, at the last; 1 keeps it constant, as in the paper,
            less falls along a cosine (I. Loshchilov, F. Hutter, 2017).
        steps: of the whole training.
    """
    return keras.optimizers.schedules.CosineDecay(initial, steps, alpha=final_fraction)
