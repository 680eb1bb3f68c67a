"""One training step of each stage, under any Keras backend."""

import keras
from keras import ops

from losses.objectives import Pictures

SUMMARY_EVERY = 20
EPSILON = 1e-8  # Adam's, as TensorFlow 1 has it; Keras' own default is 1e-7


class Latest(keras.metrics.Metric):
    """A metric that holds the last value, not a mean over the epoch."""

    def __init__(self, name):
        super().__init__(name=name)
        self.value = self.add_variable((), initializer="zeros", aggregation="mean", name="value")

    def update_state(self, value):
        """Take a new scalar."""
        self.value.assign(ops.cast(value, self.value.dtype))

    def reset_state(self):
        """Keep the value: a new epoch does not make it untrue."""

    def result(self):
        """Return the last scalar."""
        return ops.convert_to_tensor(self.value)


@keras.saving.register_keras_serializable("iqatm")
class Trainer(keras.Model):
    """Train a network on batches (inputs, ground truth).

    inputs is a dict with "source" (N×H×W×3), which the unsupervised terms
    compare with; a branch reads it as its input, the joint network reads
    "high" and "bot"; "black_offset" (N×1×1×1) may be there. After each step the metrics
    total_loss and loss_<term> hold that step's values (where there is `display`, the terms are
    those of the displayed pictures); the terms outside the total are only computed on every
    `summary_every`-th step, the first included.

    Args:
        network: a branch, or models.tone_mapper's joint network.
        objective: losses.objectives.Objective or alike.
        learning_rate: number or Keras schedule.
        display: None, or callable (output, source, black_offset) -> pictures as they are
            displayed, which the losses then see too.
        displayed_share: of the total that those pictures make up, 0 to 1.
        summary_every: steps between two computations of the terms outside the total.
        replicas: that take a step together, see training.strategy.
    """

    def __init__(
        self,
        network,
        objective,
        learning_rate,
        display=None,
        displayed_share=0.0,
        summary_every=SUMMARY_EVERY,
        replicas=1,
    ):
        super().__init__(name="trainer")
        self.network = network
        self.objective = objective
        self.display = display
        self.displayed_share = displayed_share
        self.summary_every = summary_every
        self.replicas = replicas
        names = (*objective.weights, *objective.reported)
        self.terms = {name: Latest(f"loss_{name}") for name in names}
        self.total = Latest("total_loss")
        # Keras would choose XLA by the machine; runs must not depend on that. Under JAX a step
        # that is not compiled runs operation by operation.
        jit_compile = keras.backend.backend() == "jax"
        self.compile(keras.optimizers.Adam(learning_rate, epsilon=EPSILON), jit_compile=jit_compile)
        self.optimizer.build(network.trainable_variables)

    def call(self, inputs, training=False):
        """Return the dict of the network's pictures; "output" is the result."""
        if "high" in inputs:
            return self.network({"high": inputs["high"], "bot": inputs["bot"]})
        return {"output": self.network(inputs["source"])}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the stage's total of one batch and keep its terms as metrics."""
        source, black_offset = x["source"], x.get("black_offset", 0.0)
        pictures = Pictures(y_pred["output"], y, source, black_offset)
        variables = self.network.trainable_variables
        share, total = self.displayed_share, 0.0
        if share < 1:
            total, terms = self.objective.total(pictures, variables)
        if self.display is not None:
            displayed = self.display(pictures.output, source, black_offset=black_offset)
            seen = pictures._replace(output=displayed)
            total_displayed, terms = self.objective.total(seen, variables)
            total = (1 - share) * total + share * total_displayed
        for name, value in {**terms, **self._report(pictures, variables)}.items():
            self.terms[name].update_state(value)
        self.total.update_state(total)
        return total / self.replicas  # the optimizer sums over the replicas

    def _report(self, pictures, variables):
        """The terms outside the total: new on summary steps, else as they were."""
        names = self.objective.reported
        if not names:
            return {}
        pictures = Pictures(*map(ops.stop_gradient, pictures[:3]))

        def compute():
            report = self.objective.report(pictures, variables)
            return tuple(ops.cast(report[name], "float32") for name in names)

        def keep():
            return tuple(self.terms[name].result() for name in names)

        due = ops.equal(self.optimizer.iterations % self.summary_every, 0)
        return dict(zip(names, ops.cond(due, compute, keep), strict=True))
