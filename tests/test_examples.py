"""The notebooks of examples/ run from their first cell to their last in a clean kernel."""

from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.ipynb"))


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own packages
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_it_runs_in_a_clean_kernel_and_is_stored_without_what_it_printed(file, tmp_path):
    nbformat, nbclient = map(pytest.importorskip, ("nbformat", "nbclient"))
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
    client = nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3")
    client.execute(cwd=str(tmp_path))  # raises where a cell does
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert "Recovery R² falls as β rises" in str(outputs)
    assert (tmp_path / "runs" / "first" / "report.html").is_file()
