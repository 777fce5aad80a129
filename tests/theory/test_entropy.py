import numpy as np
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import norm

from biasvae_jax.theory import data_entropy, expected_losses, loss_bound
from biasvae_jax.worlds import Squares


@pytest.mark.parametrize("mu", [0.0, 2.0])
def test_the_entropy_is_the_mean_surprise_of_sampled_images(mu):
    """The density of a whole image as a mean over quantiles of z, noise directions and all."""
    world = Squares(n=1, m=3, noise_variance=0.1, noise_mean=3.0, contrast=(1.5,))
    rng = np.random.default_rng(0)

    def images(z):
        return np.asarray(world.render(expit(z)[:, None]), float) + 3.0

    x = images(rng.normal(mu, 1, 20_000)) + 0.1**0.5 * rng.normal(size=(20_000, 9))
    clean = images(norm.ppf((np.arange(300) + 0.5) / 300, mu))
    squares = (x**2).sum(1)[:, None] - 2 * x @ clean.T + (clean**2).sum(1)
    log_density = logsumexp(-squares / 0.2, axis=1) - np.log(300) - 4.5 * np.log(0.2 * np.pi)
    error = 4 * log_density.std() / np.sqrt(len(x))
    assert data_entropy(world, mu) == pytest.approx(-log_density.mean(), abs=error)


def test_the_noise_alone_and_the_gaussian_limit():
    faint = Squares(n=2, m=3, contrast=(1e-9,) * 4)
    assert data_entropy(faint, 1.0) == pytest.approx(18 * np.log(2 * np.pi * np.e * 0.25), abs=1e-9)
    gaps = []
    for contrast in (0.05, 0.2, 1.0):
        world = Squares(n=2, m=3, contrast=(contrast,) * 4)
        gaps.append(expected_losses(world, 2.0, 1.0, 0.25).loss - loss_bound(world, 2.0, 1.0, 0.25))
    assert 0 < gaps[0] < 1e-6 and gaps[0] < gaps[1] < gaps[2]


def test_entropies_add_over_unequal_squares():
    mixed = data_entropy(Squares(n=2, m=3, contrast=(1.0, 1.0, 0.3, 0.3)), 1.0)
    parts = (data_entropy(Squares(n=2, m=3, contrast=(c,) * 4), 1.0) for c in (1.0, 0.3))
    assert mixed == pytest.approx(sum(parts) / 2, abs=1e-9)


@pytest.mark.parametrize("beta", [0.1, 1.0, 4.0])
@pytest.mark.parametrize("variance", [0.1, 0.25, 1.0])
def test_the_linear_optimum_does_not_beat_the_bound(beta, variance):
    for mu in (0.0, 2.0, 5.0):
        for latents in (9, 441):
            best = expected_losses(Squares(), mu, beta, variance, latents).loss
            assert best > loss_bound(Squares(), mu, beta, variance)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((Squares(), np.nan, 1.0, 0.25), "mu must be finite"),
        ((Squares(), 0.0, 0.0, 0.25), "beta must be > 0"),
        ((Squares(), 0.0, 1.0, -1.0), "variance must be > 0"),
        ((Squares(noise_variance=1e-5), 0.0, 1.0, 0.25), "noise_variance must be ≥ 4.9e-05"),
    ],
)
def test_outside_the_domain_the_argument_and_its_bound_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        loss_bound(*arguments)
