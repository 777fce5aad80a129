"""What the linear β-VAE's optimum costs and scores, with nothing fitted. numpy, float64."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from biasvae_jax.biases import Bias
from biasvae_jax.factors import as_columns
from biasvae_jax.statistics.regimes import ACTIVE_THRESHOLD
from biasvae_jax.theory.base import TINY, Reduction, require
from biasvae_jax.theory.linear import collapse_threshold, linear_optimum
from biasvae_jax.theory.reduction import reduce_world
from biasvae_jax.theory.squares import cell_eigenvalues
from biasvae_jax.worlds import Squares, World


def collapse_boundary(
    world: World, mu: Sequence[float], variance: float, bias: Bias | None = None
) -> np.ndarray:
    """β*(μ) = λ(μ)/σ², λ the largest eigenvalue under each strength μ of a bias, `[mu]`.

    World and bias as `reduce_world` takes them. Raises ValueError unless variance > 0 and μ is
    finite.
    """
    largest = [reduce_world(world, strength, 1, bias=bias).eigenvalues[0] for strength in mu]
    return collapse_threshold(np.array(largest), variance)


class ExpectedLosses(NamedTuple):
    """Losses of the linear optimum, nats an image, without the likelihood's constant."""

    loss: np.ndarray
    reconstruction: np.ndarray
    kl: np.ndarray


def expected_losses(
    world: Squares,
    mu: np.ndarray | float,
    beta: np.ndarray | float,
    variance: float,
    latent_dim: int | None = None,
) -> ExpectedLosses:
    """Expected losses of the linear optimum on the squares world; `mu` and `beta` broadcast.

    reconstruction = Σ ½min(λ, t)/σ² + ½(the other eigenvalues)/σ², kl = Σ ½ ln(λ/t), sums over
    the `latent_dim` largest eigenvalues (None: n²). Latents to spare take noise directions,
    λ = σ_noise², which are active where β < σ_noise²/σ². Raises ValueError outside β > 0,
    variance > 0, latent_dim ≥ 1.
    """
    latents = world.latents if latent_dim is None else latent_dim
    require(latents >= 1, "latent_dim", "≥ 1", latent_dim)
    cells = -np.sort(-cell_eigenvalues(world, mu), axis=-1)
    spare = min(max(0, latents - world.latents), world.pixels - world.latents)
    noise = np.full((*cells.shape[:-1], spare), world.noise_variance)
    kept = np.concatenate([cells[..., :latents], noise], axis=-1)
    empty = world.pixels - world.latents - spare
    rest = cells[..., latents:].sum(-1) + empty * world.noise_variance
    return optimum_losses(kept, rest, beta, variance)


def optimum_losses(
    eigenvalues: np.ndarray,
    rest: np.ndarray | float,
    beta: np.ndarray | float,
    variance: float,
    seen: np.ndarray | None = None,
) -> ExpectedLosses:
    """Expected losses of the optimum for `eigenvalues` λ, on the images it was fitted to or others.

    reconstruction = ½[Σ r²a + r(1 − r)λ + rest]/σ² and kl = ½ Σ (1 − r)a/λ + r − 1 − ln r, with
    r = min(1, t/λ), a = `seen` the images' second moment about the model's mean along each
    direction, and `rest` that along all others. Where a = λ, as on the images that it was fitted
    to (None), they are ½[Σ min(λ, t) + rest]/σ² and ½ Σ −ln r. Shapes: `eigenvalues` and `seen`
    `[..., directions]`; `beta` broadcasts with `[...]`.
    """
    kept, beta = np.maximum(eigenvalues, TINY), np.asarray(beta, float)
    optimum = linear_optimum(kept, beta[..., None], variance)
    distortion, kl = optimum.distortion, optimum.kl
    if seen is not None:
        excess = seen / kept - 1
        distortion = distortion + optimum.posterior_variance**2 * kept * excess
        kl = kl + 0.5 * optimum.mean_variance * excess
    reconstruction = 0.5 * (distortion.sum(-1) + rest) / variance
    return ExpectedLosses(reconstruction + beta * kl.sum(-1), reconstruction, kl.sum(-1))


class Prediction(NamedTuple):
    """Scores of the linear optimum, named as in `results.nc`."""

    loss: np.ndarray
    reconstruction: np.ndarray
    kl: np.ndarray
    pmi: np.ndarray
    recovery_r2: np.ndarray
    generation_mse: np.ndarray
    generation_offset: np.ndarray
    generation_shrinkage: np.ndarray
    generation_head: np.ndarray
    signal_share: np.ndarray
    active_units: np.ndarray


def predict(
    world: World,
    mu: Sequence[float],
    beta: Sequence[float],
    variance: float,
    latent_dim: int,
    key: jax.Array | None = None,
    bias: Bias | None = None,
    data: Any = (),
    reductions: Sequence[Reduction] | None = None,
) -> Prediction:
    """Predict the scores of the linear optimum, each `[mu, beta]`.

    With r = min(1, t/λ) along each direction v kept, p = v'(G(u) − E x) over the test set and p̂
    its least-squares fit from u, V a variance over the test set and e = decode(P(u)) − G(u):

        pmi                  = mean over latents of r + (1 − r)·V(p − p̂)/λ
        recovery_r2          = tr(K C⁻¹ K')/tr V(u), with C = V(z_hat), K = Cov(u, z_hat) and
                               z_hat = √((1 − r)/λ)·p + √r·noise; NaN where V(u) = 0
        generation_offset    = mean over pixels of (mean e)²
        generation_shrinkage = (1 − s)²·V(G), s the slope of decode(P(u)) on G(u)
        generation_head      = the rest of generation_mse
        signal_share         = Σ (1 − r)(signal/λ) / Σ (1 − r), NaN where no latent is active

    In the squares world p̂ = p, and at equal contrast c, with n² latents, they are r,
    s/(s + r) with s = (1 − r)(cm)²V(u)/λ, r²(c(mean u − E u) − noise_mean)², c²r²V(u), 0 and
    1 − σ_noise²/λ; noise directions add to the share's denominator alone. World, bias and data
    as in `reduce_world`; `reductions` are what it returned for each μ, if at hand. Raises
    ValueError outside β > 0, variance > 0, latent_dim ≥ 1 and finite μ.
    """
    require(latent_dim >= 1, "latent_dim", "≥ 1", latent_dim)
    factors, images = world.test_set(data)
    u, images = (np.asarray(a, float) for a in (as_columns(factors, world.factors), images))
    if reductions is None:
        reductions = [reduce_world(world, m, latent_dim, key, bias, data) for m in mu]
    rows = []
    for reduction in reductions:
        test = _TestSet.of(reduction, u, images)
        rows.append([_predict_one(reduction, test, np.asarray(b), variance) for b in beta])
    return Prediction(*np.moveaxis(np.array(rows, float), -1, 0))


class _TestSet(NamedTuple):
    """Moments of the test set, its images seen along the directions kept."""

    shift: np.ndarray
    """mean G − E x, `[pixels]`."""
    p: np.ndarray
    """Mean of p, `[k]`."""
    pp: np.ndarray
    """Covariance of p, `[k, k]`."""
    up: np.ndarray
    """Covariance of u and p, `[factors, k]`."""
    fitted: np.ndarray
    """V(p̂), `[k]`."""
    u: float
    """tr V(u)."""
    images: float
    """tr V(G)."""

    @classmethod
    def of(cls, reduction: Reduction, u: np.ndarray, images: np.ndarray) -> "_TestSet":
        shift = images.mean(0) - reduction.mean
        p = (images - reduction.mean) @ reduction.axes.T
        centred, factors = p - p.mean(0), u - u.mean(0)
        uu, up = factors.T @ factors / len(u), factors.T @ centred / len(u)
        fitted = np.einsum("fk,fk->k", up, np.linalg.pinv(uu, hermitian=True) @ up)
        pp = centred.T @ centred / len(u)
        return cls(shift, p.mean(0), pp, up, fitted, np.trace(uu), images.var(0).sum())


def _predict_one(
    reduction: Reduction, test: _TestSet, beta: np.ndarray, variance: float
) -> Prediction:
    losses = optimum_losses(reduction.eigenvalues, reduction.rest, beta, variance)
    optimum = linear_optimum(reduction.eigenvalues, beta, variance)
    r, active = optimum.posterior_variance, optimum.mean_variance
    gain = np.sqrt(active / reduction.eigenvalues)
    missed = np.maximum(np.diag(test.pp) - test.fitted, 0)
    covariance = gain[:, None] * test.pp * gain + np.diag(r)
    shared = test.up * gain
    explained = np.trace(shared @ np.linalg.solve(covariance, shared.T))
    # decoding P(u) gives E x + Σ v·(1 − r)·p̂
    pixels = len(test.shift)
    offset = test.shift - (active * test.p) @ reduction.axes
    slope = (active * test.fitted).sum() / max(test.images, TINY)
    spread = (active**2 * test.fitted).sum()
    terms = (
        (offset**2).sum() / pixels,
        (1 - slope) ** 2 * test.images / pixels,
        np.maximum(0, spread - slope**2 * test.images) / pixels,
    )
    units = (active > ACTIVE_THRESHOLD).sum()
    signal = (active * reduction.signal / reduction.eigenvalues).sum()
    return Prediction(
        *losses,
        pmi=(r + gain**2 * missed).mean(),
        recovery_r2=np.asarray(explained / test.u if test.u > TINY else np.nan),
        generation_mse=np.sum(terms),
        generation_offset=terms[0],
        generation_shrinkage=terms[1],
        generation_head=terms[2],
        signal_share=np.asarray(signal / active.sum() if units else np.nan),
        active_units=units,
    )
