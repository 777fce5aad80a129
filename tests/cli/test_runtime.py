"""jax's own settings and devices, whatever the environment says of them."""

import json
import os
import shutil
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from biasvae_jax import host
from biasvae_jax.cli import common, runtime
from biasvae_jax.cli import sweep as full_sweep
from biasvae_jax.errors import UsageError
from biasvae_jax.runs.sums import write_checked
from biasvae_jax.scores.diagnosis import CodeVariance, signal_share


def raising(error):
    def command(_):
        raise error

    try:
        common.run(command)
    finally:
        common.LISTENER.stop()  # it would outlive the test


@pytest.mark.parametrize(
    "error", [MemoryError(), jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 9 GiB")]
)
def test_too_little_memory_is_one_line_and_status_1(error, capsys):
    with pytest.raises(SystemExit) as stop:
        raising(error)
    assert stop.value.code == 1
    assert capsys.readouterr().err.startswith("error: out of memory; free some")


def test_what_nobody_foresaw_is_no_lack_of_memory():
    for error in (jax.errors.JaxRuntimeError("INTERNAL"), ZeroDivisionError()):
        with pytest.raises(type(error)):
            raising(error)


@pytest.fixture
def settings():
    """Let a test change jax's settings."""
    names = (*runtime.FIXED, *runtime.KEPT, "jax_debug_nans")
    before = {name: runtime._value(name) for name in names}
    yield
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jax_enable_x64", True),
        ("jax_threefry_partitionable", False),
        ("jax_default_prng_impl", "rbg"),
        ("jax_random_seed_offset", 1),
        ("jax_numpy_dtype_promotion", "strict"),
    ],
)
def test_no_setting_of_jax_chooses_other_numbers(capsys, name, value):
    draw = lambda: jax.random.normal(jax.random.key(3), (4,))  # noqa: E731
    expected = draw()
    jax.config.update(name, value)
    runtime.start_jax(cache=False)
    assert runtime._value(name) == runtime.FIXED[name]
    np.testing.assert_array_equal(draw(), expected)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and name in said
    runtime.start_jax(cache=False)
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("settings")
def test_a_run_goes_on_only_with_the_precision_it_was_begun_with(half_run, tiny_flags, tmp_path):
    flags = [*tiny_flags, "--out", str(half_run)]
    jax.config.update("jax_default_matmul_precision", "highest")
    for old in (False, True):  # a run of 0.1.0 has no settings stored: they were the defaults
        if old:
            file = half_run / "config.json"
            description = json.loads(file.read_text())
            del description["settings"]
            write_checked(file, json.dumps(description).encode())
        with pytest.raises(UsageError, match="unset JAX_DEFAULT_MATMUL_PRECISION"):
            full_sweep.main(flags)
    other = shutil.copytree(half_run, tmp_path / "other")
    description["settings"] = runtime.describe_settings()
    write_checked(other / "config.json", json.dumps(description).encode())
    jax.config.update("jax_default_matmul_precision", None)
    with pytest.raises(UsageError, match="begun with jax_default_matmul_precision = highest"):
        full_sweep.main([*tiny_flags, "--out", str(other)])


def test_a_number_of_devices_that_is_chosen_already_is_kept():
    command = (
        "import jax; from biasvae_jax.cli.runtime import start_jax; {}start_jax(cache=False);"
        "print(len(jax.devices()))"
    )
    flag = "import os; os.environ['XLA_FLAGS'] = '--xla_force_host_platform_device_count=3';"
    started = "jax.config.update('jax_num_cpu_devices', 5); jax.devices();"
    for before, count in ((flag, 3), (started, 5)):
        done = subprocess.run(
            [sys.executable, "-c", command.format(before)], capture_output=True, text=True
        )
        assert done.stdout.strip() == str(count), done.stderr


def test_jax_that_has_started_is_used_as_it_is(monkeypatch):
    jax.devices()
    monkeypatch.setitem(jax.config.values, "jax_num_cpu_devices", -1)  # nobody chose a number
    runtime.start_jax(cache=False)


def test_a_platform_that_is_not_there_is_one_line(monkeypatch):
    def devices():
        raise RuntimeError("Unable to initialize backend 'cuda': no GPU\nmore")

    monkeypatch.setattr(jax, "devices", devices)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    with pytest.raises(UsageError, match=r"no GPU.*JAX_PLATFORMS, which is cuda") as caught:
        runtime.start_jax(cache=False)
    assert "\n" not in str(caught.value)


def test_lapack_has_one_thread_though_jax_has_not_called_it_yet():
    """Two devices that call it would each wait for the other's threads, on the same cores."""
    command = (
        "from biasvae_jax.cli.runtime import start_jax; start_jax(cache=False);"
        "import jax, jax.numpy as jnp, threadpoolctl as t; jnp.linalg.svd(jnp.eye(3));"
        "print({lib['num_threads'] for lib in t.threadpool_info() if lib['user_api'] == 'blas'})"
    )
    room = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, env=room)
    assert done.stdout.strip() == "{1}", done.stderr


def test_a_quota_of_cores_is_told_to_xla(monkeypatch):
    monkeypatch.setattr(host, "cores", lambda: 1)
    monkeypatch.setattr(host, "cores_without_quota", lambda: 4)
    monkeypatch.delenv("PJRT_NPROC", raising=False)
    runtime.start_jax(cache=False)
    assert runtime.os.environ["PJRT_NPROC"] == "1"
    monkeypatch.setenv("PJRT_NPROC", "3")
    runtime.start_jax(cache=False)
    assert runtime.os.environ["PJRT_NPROC"] == "3"


@pytest.mark.usefixtures("settings")
def test_a_score_that_is_nan_by_intention_is_no_error_where_jax_looks_for_nan():
    jax.config.update("jax_debug_nans", True)
    silent = CodeVariance(jnp.zeros((2, 3)), jnp.zeros((2, 3)))
    assert np.isnan(signal_share(silent)).all()


def test_a_group_is_stored_before_it_is_scored(tiny_flags, tmp_path, monkeypatch):
    def fail(*_):
        raise FloatingPointError

    flags = [*tiny_flags, "--out", str(tmp_path / "run")]
    with monkeypatch.context() as patched:
        patched.setattr(full_sweep.Sweep, "score", fail)
        with pytest.raises(FloatingPointError):
            full_sweep.main(flags)
    names = [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()]
    assert "group-00000-step-000000040" in names
