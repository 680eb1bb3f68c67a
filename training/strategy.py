"""Training on several GPUs and several machines, through tf.distribute.

Each step's batch is divided evenly among the replicas (one a GPU). Every replica takes the
moments of its own share, computes the loss of it, and the gradients are averaged. Of
several workers (one a machine), the chief alone writes; all of them read the checkpoints.
"""

import contextlib
import json
import os
from functools import partial

import keras
import tensorflow as tf

from system.errors import InputError
from training.trainer import Trainer

JOBS = ("chief", "worker")  # of TF_CONFIG
# What a collective operation raises where the other end has gone.
LOST_WORKER_ERRORS = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


class Replicas:
    """The replicas that train together, as this process sees them; make it before any tensor.

    Args:
        name: "default" (one device), "mirrored" (all GPUs of this machine) or
            "multi_worker" (those of the machines in TF_CONFIG).

    Attributes:
        strategy: the tf.distribute.Strategy.
        count: of replicas.
        workers: how many processes train.
        worker: the number of this one, from 0.
        chief: whether this one writes the files.

    Raises:
        InputError: "multi_worker" without a usable TF_CONFIG.
    """

    def __init__(self, name):
        self.strategy = _strategy(name)
        self.count = self.strategy.num_replicas_in_sync
        resolver = self.strategy.cluster_resolver
        cluster = resolver and resolver.cluster_spec().as_dict()
        self.workers = sum(len(cluster.get(job, ())) for job in JOBS) if cluster else 1
        self.worker = _number(cluster, resolver) if self.workers > 1 else 0
        self.chief = self.workers == 1 or self.strategy.extended.should_checkpoint

    def describe(self):
        """Return who trains as a short text, "" where it is one device."""
        if self.workers > 1:
            role = "the chief" if self.chief else "not the chief"
            return f"{self.count} replicas, {self.workers} workers, this one {role}"
        return f"{self.count} replicas" if self.count > 1 else ""

    def check_batch(self, key, batch_size, patches):
        """Raise InputError where the replicas cannot have equal shares."""
        if batch_size % self.count:
            raise InputError(
                f"{key} is {batch_size}, which {self.count} replicas cannot share; "
                f"make it a multiple of {self.count}"
            )
        if self.count > 1 and patches < batch_size:
            raise InputError(
                f"{key} is {batch_size} but the records hold {patches} patches; with several "
                "replicas every batch must be full"
            )

    def full_steps(self, steps, batch_size, patches):
        """Return the steps of an epoch: of several replicas each needs its whole share."""
        return steps if self.count == 1 else min(steps, patches // batch_size)

    def trainer(self, *arguments):
        """Return the training.trainer.Trainer; call it within the strategy's scope."""
        kind = Trainer if self.count == 1 else _ReplicaTrainer
        return kind(*arguments, replicas=self.count)  # type: ignore[misc]

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
    def explain_loss(self):
        """Turn the loss of another worker into InputError."""
        try:
            yield
        except LOST_WORKER_ERRORS as error:
            if self.workers == 1:
                raise
            raise InputError(
                f"the training stops, another worker was lost ({type(error).__name__}); start the "
                "same command on all workers again, they go on from the latest checkpoint"
            ) from error


def check_tf_config(text):
    """Raise InputError where TF_CONFIG does not say who the workers are and which one this is."""
    example = (
        '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
        '"task": {"type": "worker", "index": 0}}'
    )
    remedy = f"give each worker its own, for instance {example}"
    if not text:
        raise InputError(f"train.strategy is 'multi_worker' but TF_CONFIG is not set; {remedy}")
    try:
        config = json.loads(text)
        job, index = config["task"]["type"], config["task"]["index"]
        address = config["cluster"][job][index]
        usable = job in JOBS and isinstance(address, str) and index >= 0
    except (ValueError, LookupError, TypeError):
        usable = False
    if not usable:
        raise InputError(f"TF_CONFIG does not name this worker: {text}; {remedy}")


def _strategy(name):
    if name == "multi_worker":
        check_tf_config(os.environ.get("TF_CONFIG"))
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def _number(cluster, resolver):
    before = sum(len(cluster.get(job, ())) for job in JOBS[: JOBS.index(resolver.task_type)])
    return before + resolver.task_id


class _ReplicaTrainer(Trainer):
    """Keras' own fit fails with several workers: it averages batches and logs in ways that
    tf.distribute refuses (Keras 3.15; structures, and scalars along their first axis).
    """

    def fit(self, batches, initial_epoch, callbacks, **_):
        """Train one epoch; batches are this worker's parts, which its replicas share."""
        strategy = self.distribute_strategy
        share = partial(_shared, batches)
        callbacks = keras.callbacks.CallbackList(callbacks, model=self)
        self.stop_training = False
        callbacks.on_epoch_begin(initial_epoch)
        for step, batch in enumerate(strategy.distribute_datasets_from_function(share)):
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


def _shared(batches, context):
    """Return batches cut into those of a worker's replicas, one after the other."""
    count = context.num_replicas_in_sync // context.num_input_pipelines

    def cut(array):
        return tf.reshape(array, (count, -1, *array.shape[1:]))

    def parts(*batch):
        return tf.data.Dataset.from_tensor_slices(keras.tree.map_structure(cut, batch))

    known = tf.data.experimental.assert_cardinality(batches.cardinality() * count)
    return batches.flat_map(parts).apply(known).prefetch(count)
