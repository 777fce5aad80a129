"""Generated flags and configs, each of which must be planned or refused in one line."""

import contextlib
import io
import json
import warnings
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import strategies as st

from biasvae_jax.cli import common
from biasvae_jax.cli.sweep import main
from biasvae_jax.config import PRESETS, Config
from biasvae_jax.runs.signals import LISTENER
from biasvae_jax.sweep.plan import make_plan
from biasvae_jax.training import Recipe
from experiments.torture.victim import Tally

ABSURD = (
    *("", " ", "nan", "inf", "-inf", "-0", "1e-400", "1e400", "-1", "0", "1", "1.5", "0.1"),
    *("0x10", "1_000", str(2**31), str(2**63), "9" * 400, "None", "True", "()", "[]", "µ"),
    *("sigmoid", "identity", "smoke", "blog", "on", "off", "--", "-", "=", "a b", "\n"),
    *("β=1", "\u202e1", "\ud800", "\x1b[31m"),
)
UNTOUCHED = ("--dry-run", "--compilation-cache", "off")
FIELDS = tuple(Config.__dataclass_fields__)
EXECUTION = ("checkpoint-interval", "quiet", "devices", "group", "width", "chunk", "process-id")
FLAGS = ("preset", "out", *EXECUTION, *(name.replace("_", "-") for name in FIELDS))
SOUND = (
    *("--n 2", "--m 2", "--mu 0 1", "--mu -1e9", "--beta 1 2", "--beta 1e29", "--steps 9"),
    *("--hidden", "--hidden 4 4", "--group 1", "--chunk 7", "--learning-rate 1e29", "--quiet"),
    *("--output identity", "--kl-warmup 3", "--bins 0.5", "--latent-dim 1", "--noise-mean -5"),
)
ALLOWED = {  # each by itself; some are too large for any machine
    "mu": [[0], [-1e9, 2]],
    "beta": [[0], [1e29], [1, 2]],
    "seeds": [1, 100_000],
    "steps": [10_000, 2**31 - 1],
    "batch_size": [1, 2**31 - 1],
    "learning_rate": [1e-29, 1e29],
    "kl_warmup": [0, 2_000],
    "hidden": [[], [1] * 50, [2**20, 2**20]],
    "latent_dim": [None, 1, 2**31 - 1],
    "output": ["identity", "sigmoid"],
    "n": [1, 2],
    "m": [1, 10_000],
    "noise_variance": [1e-29, 1e29],
    "likelihood_variance": [None, 1e-29, 1e29],
    "bins": [[0.5], [0.01, 0.99]],
}

text = st.text(st.characters(exclude_characters="\0"), max_size=8)  # no argument can hold a NUL
words = st.sampled_from(ABSURD) | text | st.integers().map(str) | st.floats().map(repr)
flags = st.sampled_from(FLAGS).map("--{}".format)
wild = st.tuples(flags, st.lists(words, max_size=3)).map(lambda both: [both[0], *both[1]])
wild |= words.map(lambda word: [word])
flag_lists = st.tuples(
    st.lists(st.sampled_from(SOUND).map(str.split), max_size=4), st.lists(wild, max_size=2)
).map(lambda parts: [word for some in parts for flag in some for word in flag])

scalars = st.none() | st.booleans() | st.integers() | st.floats() | words
numbers = st.integers(-1, 2**40) | st.floats() | st.sampled_from([0, 1, 2, 10**400])
values = scalars | numbers | st.lists(numbers, max_size=4) | st.dictionaries(words, scalars)
allowed = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(some) for name, some in ALLOWED.items()}
)
changes = st.dictionaries(st.sampled_from(FIELDS), values, max_size=1)
configs = st.tuples(allowed, changes | st.just({})).map(
    lambda both: json.loads(PRESETS["smoke"]().to_json()) | both[0] | both[1]
)
anything = st.recursive(scalars, lambda one: st.lists(one) | st.dictionaries(words, one))


def inputs(count: int, seed: int) -> list[Tally]:
    """Generate `count` flag lists and as many configs, and see how each ends."""
    flags, jsons = Tally("generated flag lists"), Tally("generated configs")
    _generate(flag_lists, count, seed, lambda arguments: _try_flags(flags, arguments))
    _generate(configs, count - count // 10, seed, lambda values: _try_config(jsons, values))
    _generate(anything, count // 10, seed, lambda values: _try_config(jsons, values))
    return [flags, jsons]


def _generate(strategy: st.SearchStrategy, count: int, seed: int, use: Callable) -> None:
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=(
            hypothesis.HealthCheck.too_slow,
            hypothesis.HealthCheck.large_base_example,
        ),
    )
    @hypothesis.seed(seed)
    @hypothesis.given(strategy)
    def each(example):
        use(example)

    each()


def _try_flags(tally: Tally, arguments: list[str]) -> None:
    _judge(tally, arguments, lambda: main([*UNTOUCHED, *arguments]))


def _try_config(tally: Tally, values: Any) -> None:
    def plan() -> None:
        config = Config.from_json(json.dumps(values))
        make_plan(Recipe.from_config(config), len(config.mu) * len(config.beta), config.seeds)

    _judge(tally, values, plan)


def _judge(tally: Tally, example: Any, command: Callable[[], None]) -> None:
    tally.trials += 1
    status, errors = _status(command)
    if status == common.BAD_INPUT and errors.startswith("error: ") and errors.count("\n") == 1:
        tally.saw("refused in one line")
    elif status == common.DONE and not errors:
        tally.saw("planned")
    else:
        tally.wrong.append(f"{example!r}: {status}, {errors!r}")


def _status(command: Callable[[], None]) -> tuple[Any, str]:
    """Run a command as `common.run` does; return its exit status and what it printed as errors."""
    started = LISTENER.start()
    errors = io.StringIO()
    with (
        contextlib.redirect_stderr(errors),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")
        try:
            common.run(lambda _: command())
        except SystemExit as stop:
            return stop.code, errors.getvalue()
        except Exception as error:
            return f"{type(error).__name__}: {error}", errors.getvalue()
        finally:
            if started:
                LISTENER.stop()
