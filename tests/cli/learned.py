"""The settings of a run that learns: of its four models two recover and two collapse."""

import shlex

from biasvae_jax.cli.flags import command
from biasvae_jax.config import Config

LEARNED = Config(
    mu=(0.0, 3.0),
    beta=(0.2, 50.0),
    steps=300,
    kl_warmup=100,
    batch_size=16,
    learning_rate=3e-3,
    n=2,
    m=3,
    hidden=(16,),
    noise_variance=0.01,
    contrast=(1.0, 0.9, 0.8, 0.7),
    bins=(0.1, 0.2, 0.35, 0.5, 0.65, 0.9),
)
FLAGS = [
    *shlex.split(command(LEARNED.study))[3:],
    *("--devices", "2", "--group", "3", "--chunk", "100"),  # two groups
]
