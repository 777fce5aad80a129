"""`run.table()` and `results.csv`: the same table, a row a model."""

import zipfile
from pathlib import Path

import pandas as pd

from biasvae_jax import load_run
from biasvae_jax.runs.loading import write_table


def test_the_table_is_that_of_results_csv_with_a_row_a_model(tmp_path):
    with zipfile.ZipFile(Path(__file__).parent / "data" / "0.1.0.zip") as archive:
        wanted = [name for name in archive.namelist() if name.startswith("scored/")]
        archive.extractall(tmp_path, wanted)
    run = load_run(tmp_path / "scored")
    table = run.table()
    assert type(table) is pd.DataFrame and len(table) == run.grid.size == 8
    assert list(table.columns[:3]) == ["mu", "beta", "seed"]
    assert not table.duplicated(["mu", "beta", "seed"]).any()
    row = table.query("mu == 3 and beta == 4 and seed == 1").iloc[0]
    one = run.scores.sel(mu=3, beta=4, seed=1)
    assert all(row[name] == float(one[name]) for name in ("recovery_r2", "pmi", "mcc"))
    write_table(run)
    stored = pd.read_csv(tmp_path / "scored" / "results.csv")
    pd.testing.assert_frame_equal(stored, table, check_dtype=False, rtol=1e-6)
