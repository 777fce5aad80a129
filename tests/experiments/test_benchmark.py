"""What the benchmark compares is the same everywhere, and what it prints are ratios of times."""

import numpy as np
import pytest

from biasvae_jax.components import kinds
from biasvae_jax.errors import UsageError
from biasvae_jax.training import Recipe
from experiments.benchmark import command, contestants, measures
from experiments.benchmark.ours import loss_of
from experiments.benchmark.reference import as_tree, faces, faces_reference, reference
from experiments.benchmark.settings import QUICK, Extent, Setting
from experiments.benchmark.worker import row

SMALL = Setting(models=4, batch_size=3, hidden=5, latents=2)


def test_our_loss_on_the_reference_is_numpys():
    config = SMALL.config
    given = reference(config)
    layer = lambda x, name: x @ given[name] + given[name + "b"]  # noqa: E731
    mean, logvar = np.split(layer(np.maximum(layer(given["x"], "e1"), 0), "e2"), 2, -1)
    z = mean + np.exp(logvar / 2) * given["eps"]
    x_hat = 1 / (1 + np.exp(-layer(np.maximum(layer(z, "d1"), 0), "d2")))
    kl = 0.5 * (z**2 - given["eps"] ** 2 - logvar).sum(1)
    expected = (0.5 * ((given["x"] - x_hat) ** 2).sum(1) / 0.25 + 2 * kl).mean()
    assert loss_of(Recipe.from_config(config))(given) == pytest.approx(expected, rel=1e-5)


def test_the_convolutions_reference_holds_its_parameters():
    study, given = faces(), faces_reference()
    tree = as_tree(given)
    assert set(tree) == {"encoder", "decoder"} and tree["encoder"]["code"]["bias"].ndim == 1
    assert given["x"].shape == (study.training.batch_size, 64 * 64 * 3)
    assert np.isfinite(loss_of(study.recipe, as_tree)(given))


def test_a_setting_is_read_as_it_was_written_and_sizes_the_grid():
    assert Setting.from_json(SMALL.to_json()) == SMALL
    config = SMALL.config
    assert config.models == 4 and (config.batch_size, config.hidden) == (3, (5,))
    assert config.latents == 2 and Setting(models=11).config.models == 11


def test_every_contestant_is_where_it_is_said_to_be():
    for module, names in contestants.MODULES.items():
        if module.startswith("torch"):
            pytest.importorskip("torch")
        for name in names:
            assert callable(contestants.find(name))
    assert contestants.find("ours_objective:factor").keywords == {"kind": "factor"}


def test_ratios_are_taken_within_a_round():
    """A slow minute slows everyone, so ratios are of the same round."""
    ours, other = np.array([100.0, 300.0, 110.0]), np.array([200.0, 600.0, 220.0])
    found = row(other, ours, flops=1e6, product=np.array([1e-5, 3e-5, 1.1e-5]))
    assert found["ratio"] == 2 and found["us"] == 220 and found["share"] == pytest.approx(0.05)


@pytest.mark.parametrize("flag", ["--repetitions", "--hidden", "--latents", "--batch-size"])
def test_sizes_that_are_none_are_one_line(flag):
    with pytest.raises(UsageError, match=flag):
        command.main([flag, "0"])


def test_what_comes_after_training_begins_with_the_first_line_of_a_hundred_per_cent(
    tmp_path, monkeypatch
):
    command = tmp_path / "python"
    command.write_text(
        "#!/bin/sh\necho '  3% step 10'\nsleep 0.2\necho '100% scoring'\nsleep 0.2\n"
    )
    command.chmod(0o755)
    monkeypatch.setattr(measures.sys, "executable", str(command))
    seconds, trained = measures._command("smoke", tmp_path, "run")
    assert 0.2 <= trained <= seconds - 0.2
    command.write_text("#!/bin/sh\necho 'error: no disk'\nexit 1\n")
    with pytest.raises(ChildProcessError, match="smoke"):
        measures._command("smoke", tmp_path, "run")


def test_less_is_measured_to_see_that_it_works():
    assert set(QUICK.parts) < set(Extent().parts) and set(QUICK.peers) < set(Extent().peers)
    assert set(QUICK.scales) < set(Extent().scales) and 121 in QUICK.scales
    assert set(QUICK.objectives) <= set(kinds("objective"))
