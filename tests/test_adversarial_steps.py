import numpy as np
import pytest
from helpers import adversarial_steps


@pytest.mark.parametrize(
    ("stage", "domain"), [("bot", "linear"), ("high", "gamma"), ("ft", "linear")]
)
def test_losses_and_gradients_stay_finite(stage, domain, capsys):
    adversarial_steps.main([stage, domain, "8"])
    assert '"taken": 8' in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("domain", ["gamma", "linear"])
@pytest.mark.parametrize("stage", ["bot", "high", "ft"])
def test_losses_and_gradients_stay_finite_long(stage, domain, capsys):
    adversarial_steps.main([stage, domain, "1000"])
    assert '"taken": 1000' in capsys.readouterr().out


def test_a_number_that_is_not_finite_is_seen():
    trainer, _ = adversarial_steps.make("bot", None)
    look = adversarial_steps.watch(trainer)
    assert np.isfinite(look()).all()
    for variables, index in (
        (trainer.network.trainable_variables, 0),
        ([v for v in trainer.optimizer.variables if v.path.endswith("velocity")], 1),
    ):
        for bad in (np.nan, np.inf, -np.inf):
            old = variables[5].numpy()
            new = old.copy()
            new.flat[3] = bad
            variables[5].assign(new)
            assert not np.isfinite(look()[index])
            variables[5].assign(old)


def test_every_kind_of_picture_comes():
    """And half of them outside what a record can hold."""
    low, high, shapes = 0.0, 0.0, set()
    for step in range(60):
        inputs, truth = adversarial_steps.batch_of(step, "high", "gamma")
        assert np.isfinite(inputs["source"]).all() and np.isfinite(truth).all()
        low, high = min(low, truth.min()), max(high, truth.max())
        shapes.add(truth.shape)
    assert shapes == {(1, 168, 168, 3)}
    assert low < -0.5 and high > 0.5
