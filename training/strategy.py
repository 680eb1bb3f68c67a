"""Training on several GPUs and several machines, through tf.distribute.

Each step's batch is divided evenly among the replicas (one a GPU). Every replica takes the
moments of its own share, computes the loss of it, and the gradients are averaged. Of
several workers (one a machine), the chief alone writes; all of them read the checkpoints.
"""

import contextlib
import os

import keras
import tensorflow as tf

from system.errors import InputError
from training.callbacks import StopAtSignal
from training.checkpoint import StageCheckpoint
from training.tf_config import JOBS, check_tf_config
from training.trainer import Trainer

AGREE_EVERY = 10  # steps between two questions whether a worker was asked to stop
# What a collective operation raises where the other end has gone.
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


class Team:
    """The replicas that train together, as this process sees them.

    Args:
        strategy: a tf.distribute.Strategy.
    """

    def __init__(self, strategy):
        self.strategy = strategy
        self.replicas = strategy.num_replicas_in_sync
        cluster = strategy.cluster_resolver and strategy.cluster_resolver.cluster_spec().as_dict()
        self.workers = sum(len(cluster.get(job, ())) for job in JOBS) if cluster else 1
        self.chief = self.workers == 1 or strategy.extended.should_checkpoint

    def words(self):
        """Say who trains, "" where it is one device."""
        if self.workers > 1:
            role = "the chief" if self.chief else "not the chief"
            return f"{self.replicas} replicas, {self.workers} workers, this one {role}"
        return f"{self.replicas} replicas" if self.replicas > 1 else ""

    def check_batch(self, key, batch_size, patches):
        """Raise InputError where the replicas cannot have equal shares."""
        if batch_size % self.replicas:
            raise InputError(
                f"{key} is {batch_size}, which {self.replicas} replicas cannot share; "
                f"make it a multiple of {self.replicas}"
            )
        if self.replicas > 1 and patches < batch_size:
            raise InputError(
                f"{key} is {batch_size} but the records hold {patches} patches; with several "
                "replicas every batch must be full"
            )

    def steps(self, steps, batch_size, patches):
        """Return the steps of an epoch: of several replicas each needs its whole share."""
        return steps if self.replicas == 1 else min(steps, patches // batch_size)

    def share(self, batches, steps):
        """Return a tf.data.Dataset of so many batches, to be divided among the workers."""
        if self.replicas == 1:
            return batches
        return batches.take(steps)  # divided as data.datasets asks for: each batch by rows

    def trainer(self, *arguments):
        """Return the training.trainer.Trainer; call it within the strategy's scope."""
        kind = Trainer if self.replicas == 1 else _TeamTrainer
        return kind(*arguments, replicas=self.replicas)

    def checkpoint(self, *arguments):
        """Return the training.checkpoint.StageCheckpoint; it writes nothing but on the chief."""
        return (StageCheckpoint if self.chief else _ReadCheckpoint)(*arguments)

    def stop(self):
        """Return the callback that stops all workers where one of them was asked to."""
        return StopAtSignal() if self.workers == 1 else _StopTogether(self)

    def check_same(self, step):
        """Raise InputError where the workers did not restore the same step."""
        mean, square = self.mean(step), self.mean(step * step)
        if square != mean * mean:
            raise InputError(
                f"this worker goes on from step {step}, others from another; all of them must see "
                "the same folder of checkpoints"
            )

    def wait(self):
        """Return when all workers are here."""
        self.mean(0)

    def mean(self, number):
        """Return the mean of a number over all replicas; all workers must ask at once."""
        if self.workers == 1:
            return float(number)
        values = self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(float(number), tf.float64)
        )
        return float(self.strategy.reduce("MEAN", values, axis=None))

    @contextlib.contextmanager
    def together(self):
        """Turn the loss of another worker into InputError."""
        try:
            yield
        except LOST as error:
            if self.workers == 1:
                raise
            raise InputError(
                f"the training stops, another worker was lost ({type(error).__name__}); start the "
                "same command on all workers again, they go on from the latest checkpoint"
            ) from error


def make_team(name):
    """Return the Team of "default", "mirrored" or "multi_worker"; call it before any tensor.

    Raises:
        InputError: "multi_worker" without a usable TF_CONFIG.
    """
    if name == "multi_worker":
        check_tf_config(os.environ.get("TF_CONFIG"))
        return Team(tf.distribute.MultiWorkerMirroredStrategy())
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return Team(tf.distribute.MirroredStrategy([device.name for device in devices]))
    return Team(tf.distribute.get_strategy())


class _TeamTrainer(Trainer):
    """Keras' own fit fails with several workers: it averages batches and logs in ways that
    tf.distribute refuses (Keras 3.15; structures, and scalars along their first axis).
    """

    def fit(self, batches, initial_epoch, callbacks, **_):
        """Train one epoch."""
        strategy = self.distribute_strategy
        callbacks = keras.callbacks.CallbackList(callbacks, model=self)
        self.stop_training = False
        callbacks.on_epoch_begin(initial_epoch)
        for step, batch in enumerate(strategy.experimental_distribute_dataset(batches)):
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_end(step, self._step(batch))
            if self.stop_training:
                break
        callbacks.on_epoch_end(initial_epoch)

    @tf.function(autograph=False, reduce_retracing=True)
    def _step(self, batch):
        def step(batch):
            logs = self.train_step(batch)
            # One vector on this replica's device: the metrics' own values cannot be reduced.
            values = tf.stack([tf.convert_to_tensor(value) for value in logs.values()])
            means = tf.distribute.get_replica_context().all_reduce("MEAN", values)
            return dict(zip(logs, tf.unstack(means, len(logs)), strict=True))

        logs = self.distribute_strategy.run(step, args=(batch,))
        local = self.distribute_strategy.experimental_local_results
        return {name: local(value)[0] for name, value in logs.items()}


class _ReadCheckpoint(StageCheckpoint):
    def claim(self):
        pass

    def save(self, epoch, patches=0):
        self.epoch.assign(epoch)
        self.patches.assign(patches)


class _StopTogether(StopAtSignal):
    def __init__(self, team):
        super().__init__()
        self.team = team
        self.wanted = False

    def on_train_batch_end(self, batch, logs=None):
        self.done += 1
        if self.done % AGREE_EVERY == 0:
            self._agree()

    def on_epoch_end(self, epoch, logs=None):
        self._agree()

    def _agree(self):
        self.asked = self.asked or self.team.mean(self.wanted) > 0
        self.model.stop_training = self.model.stop_training or self.asked

    def _ask(self, number, frame):
        self.wanted = True
