"""The contestants of `benchmark`: each trains the same β-VAEs its own way, in its own process.

A worker reads `run` or `loss` a line from its standard input and answers with one number: the
seconds of one repetition, or its loss on the reference parameters and batch.
"""

import itertools
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from biasvae_jax import host
from biasvae_jax.config import Config

RATE = 1e-3
ALONE_MODELS = 4  # contestants that take one model after another need no more of them
STEPS = 10


class Contestant(NamedTuple):
    """One way of training, ready to be timed."""

    run: Callable[[], Any]
    """Do one repetition and wait for it."""
    loss: Callable[[dict[str, np.ndarray]], float]
    """Mean loss on a reference: `params`, `x`, `eps`, at β = 2."""
    model_steps: int
    """Training steps in a repetition, over all models."""


def reference(config: Config, seed: int = 0) -> dict[str, np.ndarray]:
    """Parameters of both networks, images and posterior noise that every contestant is given."""
    rng = np.random.default_rng(seed)
    pixels, latents, hidden = (config.n * config.m) ** 2, config.latents, config.hidden[0]
    shapes = {
        "e1": (pixels, hidden),
        "e2": (hidden, 2 * latents),
        "d1": (latents, hidden),
        "d2": (hidden, pixels),
    }
    weights = {k: rng.normal(size=s) / s[0] ** 0.5 for k, s in shapes.items()}
    biases = {k + "b": 0.1 * rng.normal(size=s[1]) for k, s in shapes.items()}
    batch = {
        "x": rng.normal(0.5, 0.5, (config.batch_size, pixels)),
        "eps": rng.normal(size=(config.batch_size, latents)),
    }
    return {k: v.astype(np.float32) for k, v in {**weights, **biases, **batch}.items()}


def grid_of(models: int) -> Config:
    """A config of about as many models: a square grid for a square number, else a row."""
    side = round(models**0.5)
    mus, betas = (side, side) if side * side == models else (1, models)
    spread = lambda low, high, count: tuple(np.linspace(low, high, count).tolist())  # noqa: E731
    return Config(mu=spread(0, 5, mus), beta=spread(0.1, 10, betas))


# JAX ----------------------------------------------------------------------------------------------


def _jax_params(given: dict[str, np.ndarray]) -> Any:
    layer = lambda name: {"kernel": given[name], "bias": given[name + "b"]}  # noqa: E731
    return {
        "encoder": {"Dense_0": layer("e1"), "Dense_1": layer("e2")},
        "decoder": {"Dense_0": layer("d1"), "Dense_1": layer("d2")},
    }


def _jax_loss(recipe: Any) -> Callable[[dict[str, np.ndarray]], float]:
    def loss(given):
        batch = _jax_params(given), given["x"], given["eps"]
        losses = recipe.objective.losses(
            recipe.network, *batch, 2.0, np.int32(0), recipe.likelihood_variance
        )
        return float(losses.loss.mean())

    return loss


def ours(config: Config, images: int | None = None, kind: str = "beta_elbo") -> Contestant:
    """Our own, through the public API: `make_plan` and `Sweep.train`.

    Of so many images a seed, and with the objective of a kind.
    """
    import dataclasses

    import jax

    jax.config.update("jax_num_cpu_devices", host.cores())
    from biasvae_jax import Recipe
    from biasvae_jax.components import find_kind

    objective: Any = find_kind("objective", kind)()
    recipe = Recipe.from_config(config)
    recipe = dataclasses.replace(recipe, training_images=images, objective=objective)
    return _swept(recipe, config.study.grid)


def ours_faces(config: Config) -> Contestant:
    """Our own, on drawn faces with the convolution: the preset `faces`, whatever the config."""
    import jax

    jax.config.update("jax_num_cpu_devices", host.cores())
    from biasvae_jax.presets import STUDIES
    from biasvae_jax.study import Study

    study = STUDIES["faces"]()
    assert isinstance(study, Study)
    return _swept(study.recipe, study.grid, chunk=STEPS)


def _swept(recipe: Any, grid: Any, chunk: int | None = None) -> Contestant:
    """Train a grid by `Sweep.train`, a chunk a repetition."""
    import jax

    from biasvae_jax import Sweep, make_plan

    plan = make_plan(recipe, grid.cells, grid.seeds, chunk=chunk)
    sweep, models = Sweep(recipe, plan), grid.models
    groups = [models[part] for part in plan.groups(grid.size)]
    states = [sweep.init(group) for group in groups]  # all kept: only training is timed

    def run():
        for index, group in enumerate(groups):
            _, states[index], _ = next(sweep.train(group, states[index], 0, plan.chunk))
            jax.block_until_ready(states[index])

    return Contestant(run, _jax_loss(recipe), grid.size * plan.chunk)


def ours_few(config: Config) -> Contestant:
    """Our own, with a training set of 500 images."""
    return ours(config, 500)


def ours_many(config: Config) -> Contestant:
    """Our own, with a training set of 30,000 images."""
    return ours(config, 30_000)


def ours_beta_tc(config: Config) -> Contestant:
    """Our own, with β-TCVAE's objective."""
    return ours(config, kind="beta_tc")


def ours_factor(config: Config) -> Contestant:
    """Our own, with FactorVAE's objective."""
    return ours(config, kind="factor")


def jax_loop(config: Config) -> Contestant:
    """JAX as commonly written: a Python loop over a jitted step, one model after another."""
    import jax

    from biasvae_jax import Recipe, init_state, train_step

    recipe = Recipe.from_config(config)
    step = jax.jit(train_step, static_argnums=4, donate_argnums=1)
    keys = jax.random.split(jax.random.key(0), ALONE_MODELS)
    start = jax.jit(lambda key: init_state(key, recipe))  # eager zeros would share one buffer
    states = [start(key) for key in keys]

    def run():
        for index, key in enumerate(keys):
            for _ in range(5 * STEPS):
                states[index], _ = step(key, states[index], 1.0, 1.0, recipe)
        jax.block_until_ready(states)

    return Contestant(run, _jax_loss(recipe), ALONE_MODELS * 5 * STEPS)


def jax_vmap(config: Config) -> Contestant:
    """`jit(vmap(scan))` over all models on one device with all cores; each draws its own noise."""
    import jax
    import jax.numpy as jnp

    from biasvae_jax import Recipe, grid, init_state, train_step

    recipe, models = Recipe.from_config(config), grid(config)

    def train(key, state, bias, beta):
        body = lambda state, _: train_step(key, state, bias, beta, recipe)  # noqa: E731
        return jax.lax.scan(body, state, length=STEPS)

    many = jax.jit(jax.vmap(train), donate_argnums=1)
    keys = jax.random.split(jax.random.key(0), config.models)
    states = [jax.jit(jax.vmap(lambda key: init_state(key, recipe)))(keys)]

    def run():
        states[0], _ = many(keys, states[0], jnp.asarray(models.bias), jnp.asarray(models.beta))
        jax.block_until_ready(states)

    return Contestant(run, _jax_loss(recipe), config.models * STEPS)


# PyTorch ------------------------------------------------------------------------------------------


def _torch_parts(config: Config):
    import torch  # pyright: ignore[reportMissingImports] - the extra `bench`
    from torch import nn  # pyright: ignore[reportMissingImports]

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            pixels, latents, hidden = (config.n * config.m) ** 2, config.latents, config.hidden[0]
            self.e1, self.e2 = nn.Linear(pixels, hidden), nn.Linear(hidden, 2 * latents)
            self.d1, self.d2 = nn.Linear(latents, hidden), nn.Linear(hidden, pixels)

        def passed(self, x, eps):
            """Return mean, logvar, sample and reconstruction term."""
            mean, logvar = self.e2(torch.relu(self.e1(x))).chunk(2, -1)
            z_hat = mean + torch.exp(0.5 * logvar) * eps
            x_hat = torch.sigmoid(self.d2(torch.relu(self.d1(z_hat))))
            return mean, logvar, z_hat, 0.5 * ((x - x_hat) ** 2).sum(-1) / config.sigma2

        def forward(self, x, eps, beta):
            _, logvar, z_hat, reconstruction = self.passed(x, eps)
            kl = 0.5 * (z_hat**2 - eps**2 - logvar).sum(-1)
            return (reconstruction + beta * kl).mean()

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_float32_matmul_precision("high")  # TF32 on a GPU, as is JAX's default

    def batch(mu, *stack):
        """Fresh images and posterior noise; `mu` broadcasts over the leading `stack`."""
        n, m = config.n, config.m
        z = mu + torch.randn(*stack, config.batch_size, n, n, device=device)
        u = torch.sigmoid(z)
        image = u.repeat_interleave(m, -1).repeat_interleave(m, -2).flatten(-2)
        x = image + config.noise_variance**0.5 * torch.randn(image.shape, device=device)
        return x, torch.randn(*stack, config.batch_size, config.latents, device=device)

    def loss(forward, model, given):
        """Loss of `forward`, which uses the weights of `model`, on the reference."""
        place = lambda name: torch.from_numpy(given[name]).to(device)  # noqa: E731
        with torch.no_grad():
            for name in ("e1", "e2", "d1", "d2"):
                layer = getattr(model, name)
                layer.weight.copy_(place(name).T)
                layer.bias.copy_(place(name + "b"))
            return float(forward(place("x"), place("eps"), 2.0))

    def wait():
        if device.type == "cuda":
            torch.cuda.synchronize()

    return torch, VAE, device, batch, loss, wait


def torch_eager(config: Config, compiled: bool = False) -> Contestant:
    """PyTorch, one model after another, fused Adam."""
    torch, vae, device, batch, loss, wait = _torch_parts(config)
    models = [vae().to(device) for _ in range(ALONE_MODELS)]
    forward = [torch.compile(m) if compiled else m for m in models]
    return _one_after_another(torch, models, forward, batch, loss, wait)


def _one_after_another(torch, models, forward, batch, loss, wait) -> Contestant:
    """Train models by what `forward` has for each, an optimiser each."""
    optimizers = [torch.optim.Adam(m.parameters(), RATE, fused=True) for m in models]

    def run():
        for objective, optimizer in zip(forward, optimizers, strict=True):
            for _ in range(5 * STEPS):
                optimizer.zero_grad()
                objective(*batch(1.0), 1.0).backward()
                optimizer.step()
        wait()

    return Contestant(run, partial(loss, forward[0], models[0]), ALONE_MODELS * 5 * STEPS)


def torch_compiled(config: Config) -> Contestant:
    """The same with the model, and so its backward pass, under `torch.compile`."""
    return torch_eager(config, compiled=True)


def torch_vmap(config: Config) -> Contestant:
    """PyTorch's `torch.func.vmap` over stacked modules, fused Adam on the stacks."""
    torch, vae, device, batch, loss, wait = _torch_parts(config)
    func = torch.func
    pairs = list(itertools.product(config.mu, config.beta))
    mu, beta = torch.tensor(pairs, dtype=torch.float32, device=device).T
    params, _ = func.stack_module_state([vae().to(device) for _ in pairs])
    base = vae().to("meta")
    optimizer = torch.optim.Adam(list(params.values()), RATE, fused=True)
    one = lambda p, x, eps, beta: func.functional_call(base, p, (x, eps, beta))  # noqa: E731
    gradients = func.vmap(func.grad(one))

    def run():
        for _ in range(STEPS):
            x, eps = batch(mu[:, None, None, None], len(pairs))
            detached = {k: v.detach() for k, v in params.items()}
            for name, gradient in gradients(detached, x, eps, beta).items():
                params[name].grad = gradient
            optimizer.step()
        wait()

    def stacked_loss(given):
        def forward(x, eps, beta):
            stack, _ = func.stack_module_state([model, model])
            return func.vmap(one, (0, None, None, None))(stack, x, eps, beta).mean()

        model = vae().to(device)
        return loss(forward, model, given)

    return Contestant(run, stacked_loss, len(pairs) * STEPS)


def torch_beta_tc(config: Config) -> Contestant:
    """β-TCVAE in PyTorch, eager, one model after another: all pairs of a batch at once."""
    torch, vae, device, batch, loss, wait = _torch_parts(config)
    models = [vae().to(device) for _ in range(ALONE_MODELS)]

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
    return _one_after_another(torch, models, each, batch, loss, wait)


def torch_factor(config: Config) -> Contestant:
    """FactorVAE in PyTorch, eager: two optimisers, the codes permuted within the batch."""
    torch, vae, device, batch, _, wait = _torch_parts(config)
    nn, functional = torch.nn, torch.nn.functional
    widths = [config.latents, 128, 128, 128]

    def discriminator():
        layers = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
        return nn.Sequential(*layers, nn.Linear(widths[-1], 1)).to(device)

    players = [(vae().to(device), discriminator()) for _ in range(ALONE_MODELS)]
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


# The machine's floor ------------------------------------------------------------------------------


def matrix_product(config: Config) -> Contestant:
    """A large float32 matrix product; `model_steps` counts its floating-point operations."""
    import jax
    import jax.numpy as jnp

    size = 2048
    a = jnp.ones((size, size))
    product = jax.jit(lambda a: jnp.matmul(a, a, precision="highest"))
    return Contestant(lambda: product(a).block_until_ready(), lambda _: 0.0, 2 * size**3)


def copy(config: Config) -> Contestant:
    """A large copy; `model_steps` counts the bytes read and written."""
    import jax
    import jax.numpy as jnp

    # in place: a fresh result each time would measure the kernel handing out pages
    add = jax.jit(lambda a: a + 1, donate_argnums=0)
    held = [jnp.ones(2**26)]

    def run():
        held[0] = add(held[0]).block_until_ready()

    return Contestant(run, lambda _: 0.0, 2 * held[0].nbytes)


CONTESTANTS = {
    f.__name__: f
    for f in (
        *(ours, ours_few, ours_many, jax_vmap, jax_loop),
        *(torch_vmap, torch_compiled, torch_eager),
    )
}
OBJECTIVES = {
    "β-ELBO": (ours, torch_eager),
    "β-TCVAE": (ours_beta_tc, torch_beta_tc),
    "FactorVAE": (ours_factor, torch_factor),
}
"""Objective → ours, and PyTorch's eager way."""
OTHERS = {f.__name__: f for pair in (*OBJECTIVES.values(), (ours_faces,)) for f in pair}
TITLES = {
    "ours": "ours",
    "ours_few": "ours, 500 images a seed",
    "ours_many": "ours, 30,000 images a seed",
    "jax_vmap": "JAX, jit(vmap(scan))",
    "jax_loop": "JAX, loop over jitted steps",
    "torch_vmap": "PyTorch, func.vmap",
    "torch_compiled": "PyTorch, compiled",
    "torch_eager": "PyTorch, eager",
}
FLOOR = {f.__name__: f for f in (matrix_product, copy)}


def serve(name: str, models: int, batch_size: int, pinned: int, given: Path) -> None:
    """Answer the questions on standard input until it ends; pinned to so many cores, if any."""
    if pinned:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:pinned])
    import dataclasses

    config = dataclasses.replace(grid_of(models), batch_size=batch_size)
    contestant = (CONTESTANTS | OTHERS | FLOOR)[name](config)
    contestant.run()  # compiles
    print(contestant.model_steps, flush=True)
    for question in sys.stdin:
        if question.strip() == "loss":
            with np.load(given) as arrays:
                print(contestant.loss(dict(arrays)), flush=True)
        else:
            started = time.perf_counter()
            contestant.run()
            print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    name, models, batch_size, pinned, given = sys.argv[1:]
    serve(name, int(models), int(batch_size), int(pinned), Path(given))
