"""How many copies run is told by a job's step, never by what is left over in the environment."""

import pytest

from biasvae_jax.cli import report, score
from biasvae_jax.cli import sweep as full_sweep
from biasvae_jax.errors import UsageError
from biasvae_jax.runs import launchers
from experiments import identifiability, proxy
from experiments.findings import command as findings

BATCH = {"SLURM_NTASKS": "4", "SLURM_JOB_ID": "1234", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
STEP = BATCH | {"SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_NODELIST": "node1"}
MPI = {
    "OMPI_COMM_WORLD_SIZE": "2",
    "OMPI_COMM_WORLD_RANK": "0",
    "OMPI_COMM_WORLD_LOCAL_RANK": "0",
    "OMPI_MCA_orte_hnp_uri": "1.0;tcp://127.0.0.1:1",
}
TPU = {"TPU_WORKER_HOSTNAMES": "one,two", "TPU_WORKER_ID": "0"}


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch):
    for name in (*STEP, *MPI, *TPU, "TPU_PROCESS_ADDRESSES"):
        monkeypatch.delenv(name, raising=False)


def start(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    "left_over",
    [
        {},
        BATCH,
        STEP | {"SLURM_STEP_NUM_TASKS": "1"},
        STEP | {"SLURM_STEP_NUM_TASKS": "many"},
        {"SLURM_STEP_NUM_TASKS": "4"},
        {"OMPI_COMM_WORLD_SIZE": "4"},
        MPI | {"OMPI_COMM_WORLD_SIZE": "1"},
        TPU,
    ],
)
def test_what_is_left_over_starts_no_copies(monkeypatch, left_over):
    start(monkeypatch, left_over)
    assert launchers.copies() == (1, "")


@pytest.mark.parametrize(("variables", "count"), [(STEP, 4), (MPI, 2), (TPU, 2)])
def test_a_step_says_how_many_copies_run(monkeypatch, variables, count):
    monkeypatch.setattr(launchers, "_has_tpu", lambda: True)
    start(monkeypatch, variables)
    assert launchers.copies()[0] == count


def test_a_batch_script_without_srun_runs_alone(monkeypatch, tmp_path, capsys):
    start(monkeypatch, BATCH)
    full_sweep.main(["--preset", "smoke", "--dry-run", "--out", str(tmp_path / "run")])
    assert "training 9 models" in capsys.readouterr().out


@pytest.mark.parametrize("command", [findings, identifiability, proxy, report, score])
def test_commands_that_run_once_refuse_to_run_as_copies(monkeypatch, tmp_path, command):
    start(monkeypatch, STEP)
    flags = [] if command in (findings, identifiability) else [str(tmp_path)]
    with pytest.raises(UsageError, match="runs once, and 4 copies"):
        command.main(flags)
