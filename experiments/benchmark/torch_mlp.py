"""PyTorch's ways with the original study's network."""

import itertools
from functools import partial

import torch  # pyright: ignore[reportMissingImports] - the extra `bench`
from torch import nn  # pyright: ignore[reportMissingImports]

from experiments.benchmark.contestant import ALONE_MODELS, RATE, STEPS, Contestant
from experiments.benchmark.settings import Setting

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
torch.set_float32_matmul_precision("high")  # TF32 on a GPU, as is JAX's default


def wait() -> None:
    """Wait for a GPU."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def parts(setting: Setting):
    """Return the network's class, a function that draws a batch, and one for the loss."""
    config = setting.config

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

    def batch(mu, *stack):
        """Fresh images and posterior noise; `mu` broadcasts over the leading `stack`."""
        n, m = config.n, config.m
        z = mu + torch.randn(*stack, config.batch_size, n, n, device=DEVICE)
        u = torch.sigmoid(z)
        image = u.repeat_interleave(m, -1).repeat_interleave(m, -2).flatten(-2)
        x = image + config.noise_variance**0.5 * torch.randn(image.shape, device=DEVICE)
        return x, torch.randn(*stack, config.batch_size, config.latents, device=DEVICE)

    def loss(forward, model, given):
        """Loss of `forward`, which uses the weights of `model`, on the reference."""
        place = lambda name: torch.from_numpy(given[name]).to(DEVICE)  # noqa: E731
        with torch.no_grad():
            for name in ("e1", "e2", "d1", "d2"):
                layer = getattr(model, name)
                layer.weight.copy_(place(name).T)
                layer.bias.copy_(place(name + "b"))
            return float(forward(place("x"), place("eps"), 2.0))

    return VAE, batch, loss


def torch_eager(setting: Setting, compiled: bool = False) -> Contestant:
    """PyTorch, one model after another, fused Adam."""
    vae, batch, loss = parts(setting)
    models = [vae().to(DEVICE) for _ in range(ALONE_MODELS)]
    forward = [torch.compile(m) if compiled else m for m in models]
    return one_after_another(models, forward, batch, loss)


def one_after_another(models, forward, batch, loss) -> Contestant:
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


def torch_compiled(setting: Setting) -> Contestant:
    """The same with the model, and so its backward pass, under `torch.compile`."""
    return torch_eager(setting, compiled=True)


def torch_vmap(setting: Setting) -> Contestant:
    """PyTorch's `torch.func.vmap` over stacked modules, fused Adam on the stacks."""
    config, (vae, batch, loss) = setting.config, parts(setting)
    func = torch.func
    pairs = list(itertools.product(config.mu, config.beta))
    mu, beta = torch.tensor(pairs, dtype=torch.float32, device=DEVICE).T
    params, _ = func.stack_module_state([vae().to(DEVICE) for _ in pairs])
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

        model = vae().to(DEVICE)
        return loss(forward, model, given)

    return Contestant(run, stacked_loss, len(pairs) * STEPS)
