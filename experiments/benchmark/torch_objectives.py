"""PyTorch's way with objectives that have more to compute: eager, one model after another."""

import itertools
from functools import partial

import numpy as np
import torch  # pyright: ignore[reportMissingImports] - the extra `bench`
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from experiments.benchmark.contestant import ALONE_MODELS, RATE, STEPS, Contestant
from experiments.benchmark.settings import Setting
from experiments.benchmark.torch_mlp import DEVICE, one_after_another, parts, wait


def torch_beta_tc(setting: Setting) -> Contestant:
    """β-TCVAE in PyTorch, eager, one model after another: all pairs of a batch at once."""
    vae, batch, loss = parts(setting)
    models = [vae().to(DEVICE) for _ in range(ALONE_MODELS)]

    def density(z, mean, logvar):
        return -0.5 * (((z - mean) ** 2) * torch.exp(-logvar) + logvar + np.log(2 * np.pi))

    def forward(model, x, eps, beta):
        mean, logvar, z, reconstruction = model.passed(x, eps)
        each = density(z[:, None], mean[None], logvar[None])
        rows = np.log(len(z))
        joint = torch.logsumexp(each.sum(-1), 1) - rows
        product = (torch.logsumexp(each, 1) - rows).sum(-1)
        own, prior = density(z, mean, logvar).sum(-1), density(z, 0 * z, 0 * z).sum(-1)
        parts = own - joint + beta * (joint - product) + product - prior
        return (reconstruction + parts).mean()

    each = [partial(forward, model) for model in models]
    return one_after_another(models, each, batch, loss)


def torch_factor(setting: Setting) -> Contestant:
    """FactorVAE in PyTorch, eager: two optimisers, the codes permuted within the batch."""
    config, (vae, batch, _) = setting.config, parts(setting)
    widths = [config.latents, 128, 128, 128]

    def discriminator():
        layers = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
        return nn.Sequential(*layers, nn.Linear(widths[-1], 1)).to(DEVICE)

    players = [(vae().to(DEVICE), discriminator()) for _ in range(ALONE_MODELS)]
    adam = torch.optim.Adam
    optimizers = [
        (
            adam(m.parameters(), RATE, fused=True),
            adam(d.parameters(), 1e-4, (0.5, 0.999), fused=True),
        )
        for m, d in players
    ]

    def run():
        for (model, player), (one, other) in zip(players, optimizers, strict=True):
            for _ in range(5 * STEPS):
                x, eps = batch(1.0)
                _, logvar, z, reconstruction = model.passed(x, eps)
                kl = 0.5 * (z**2 - eps**2 - logvar).sum(-1)
                one.zero_grad()
                (reconstruction + kl + player(z)[:, 0]).mean().backward()
                one.step()
                code = z.detach()
                order = torch.rand_like(code).argsort(0)
                permuted = torch.gather(code, 0, order)
                told = functional.softplus(-player(code)) + functional.softplus(player(permuted))
                other.zero_grad()
                (0.5 * told).mean().backward()
                other.step()
        wait()

    return Contestant(run, lambda given: float("nan"), ALONE_MODELS * 5 * STEPS)
