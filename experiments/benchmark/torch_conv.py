"""PyTorch's way with the convolution of 64×64 RGB: channels last, eager and compiled."""

import torch  # pyright: ignore[reportMissingImports] - the extra `bench`
from torch import nn  # pyright: ignore[reportMissingImports]

from experiments.benchmark.contestant import STEPS, Contestant
from experiments.benchmark.reference import faces, faces_reference
from experiments.benchmark.settings import Setting
from experiments.benchmark.torch_mlp import DEVICE, RATE, wait

SIDE, CHANNELS, DENSE = 64, (32, 32, 64, 64), 256
POOL = 64  # batches drawn beforehand: PyTorch is not timed for drawing them


class ConvVae(nn.Module):
    """The field's network, of Burgess et al. 2018, for RGB."""

    def __init__(self, latents: int, variance: float):
        super().__init__()
        self.latents, self.variance = latents, variance
        inputs, outputs = (3, *CHANNELS[:-1]), CHANNELS
        self.down = nn.ModuleList(
            nn.Conv2d(i, o, 4, 2, 1) for i, o in zip(inputs, outputs, strict=True)
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(o, i, 4, 2, 1)
            for i, o in zip(inputs[::-1], outputs[::-1], strict=True)
        )
        flat = CHANNELS[-1] * 16
        self.dense, self.code = nn.Linear(flat, DENSE), nn.Linear(DENSE, 2 * latents)
        self.dense_0, self.dense_1 = nn.Linear(latents, DENSE), nn.Linear(DENSE, flat)

    def forward(self, x, eps, beta):
        """Return the mean loss of images `[batch, 3, 64, 64]`."""
        h = x
        for layer in self.down:
            h = torch.relu(layer(h))
        h = torch.relu(self.dense(h.permute(0, 2, 3, 1).flatten(1)))
        mean, logvar = self.code(h).chunk(2, -1)
        z = mean + torch.exp(0.5 * logvar) * eps
        h = torch.relu(self.dense_1(torch.relu(self.dense_0(z))))
        h = h.view(-1, 4, 4, CHANNELS[-1]).permute(0, 3, 1, 2)
        for k, layer in enumerate(self.up):
            h = layer(h)
            h = torch.sigmoid(h) if k == len(self.up) - 1 else torch.relu(h)
        reconstruction = 0.5 * ((x - h) ** 2).sum((1, 2, 3)) / self.variance
        kl = 0.5 * (z**2 - eps**2 - logvar).sum(-1)
        return (reconstruction + beta * kl).mean()

    def load(self, given) -> None:
        """Take the reference's parameters."""
        place = lambda name: torch.from_numpy(given[name].copy()).to(DEVICE)  # noqa: E731
        dense = {"dense": "encoder/dense", "code": "encoder/code"}
        dense |= {f"dense_{k}": f"decoder/dense_{k}" for k in (0, 1)}
        layers = [(getattr(self, own), name, (1, 0)) for own, name in dense.items()]
        for part, role in (("down", "encoder"), ("up", "decoder")):
            layers += [
                (layer, f"{role}/conv_{k}", (3, 2, 0, 1))
                for k, layer in enumerate(getattr(self, part))
            ]
        with torch.no_grad():
            for layer, name, axes in layers:
                layer.weight.copy_(place(f"{name}/kernel").permute(*axes))
                layer.bias.copy_(place(f"{name}/bias"))


def torch_conv(setting: Setting, compiled: bool = False) -> Contestant:
    """Eager, fused Adam, channels last."""
    study = faces()
    model = ConvVae(study.latents, study.sigma2).to(DEVICE, memory_format=torch.channels_last)
    objective = torch.compile(model) if compiled else model
    optimizer = torch.optim.Adam(model.parameters(), RATE, fused=True)
    picture = lambda x: _picture(torch.tensor(x, device=DEVICE))  # noqa: E731
    x = picture(faces_reference()["x"])
    pool = [x + 0.1 * torch.randn_like(x) for _ in range(POOL)]

    def run():
        for step in range(5 * STEPS):
            eps = torch.randn(len(x), study.latents, device=DEVICE)
            optimizer.zero_grad()
            objective(pool[step % POOL], eps, 1.0).backward()
            optimizer.step()
        wait()

    def loss(given):
        model.load(given)
        with torch.no_grad():
            eps = torch.as_tensor(given["eps"], device=DEVICE)
            return float(model(picture(given["x"]), eps, 2.0))

    return Contestant(run, loss, 5 * STEPS)


def torch_conv_compiled(setting: Setting) -> Contestant:
    """The same under `torch.compile`."""
    return torch_conv(setting, compiled=True)


def _picture(x):
    images = x.reshape(-1, SIDE, SIDE, 3).permute(0, 3, 1, 2)
    return images.contiguous(memory_format=torch.channels_last)
