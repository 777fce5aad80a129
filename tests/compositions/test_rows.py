"""Digits and a folder of photographs, trained for real by the command."""

import numpy as np
import pytest
import xarray as xr
from PIL import Image
from sklearn.datasets import load_sample_images

from biasvae_jax import load_run
from biasvae_jax.scores.base import unmet

CHINA, FLOWER = load_sample_images().images
FEW = [
    *("--preset", "smoke", "--seeds", "1", "--steps", "6", "--kl-warmup", "2", "--chunk", "3"),
    *("--batch-size", "8", "--devices", "1", "--hidden", "4"),
    *("--beta", "0.5", "--likelihood-variance", "0.05", "--quiet"),
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_folder_with_a_broken_picture_trains_without_it(trained, tmp_path, capsys):
    folder = tmp_path / "mine"
    folder.mkdir()
    rows = []
    for i in range(40):
        piece = (CHINA, FLOWER)[i % 2][9 * i : 9 * i + 20, 11 * i : 11 * i + 16]
        Image.fromarray(piece).save(folder / f"{i}.jpg")
        rows.append(f"{i}.jpg,{2 * (i % 2) - 1},{i % 3 // 2}")
    (folder / "0.jpg").write_bytes(b"\xff\xd8 no picture")
    (folder / "a.csv").write_text("\n".join(["file,flower,third", *rows]))
    flags = [
        *("--world", "folder", "--data", str(folder), "--size", "8", "--skip-broken"),
        *("--bias", "associate", "--attributes", "flower & third", "--phi", "0", "0.9"),
    ]
    run = load_run(trained([*FEW, *flags], tmp_path / "run", present=True))
    assert capsys.readouterr().err == ""  # --quiet
    assert run.study.world.skip_broken and run.study.world.image == (8, 8, 3)
    assert [f.name for f in run.study.world.factors] == ["flower", "third"]
    with xr.open_dataset(tmp_path / "run" / "results.nc") as results:
        assert results.sizes["phi"] == 2 and (results["finite"] == 1).all()
    assert "flower" in (tmp_path / "run" / "report.html").read_text()


def test_digits_train(trained, tmp_path):
    flags = ["--world", "digits", "--share", "0.9", "--test-images", "60"]
    run = load_run(trained([*FEW, *flags], tmp_path / "run"))
    assert [f.name for f in run.study.world.factors] == ["class", "slant", "thickness", "width"]
    assert "digits has no renderer" in unmet(run.recipe)["render"]
    with xr.open_dataset(tmp_path / "run" / "results.nc") as results:
        assert np.isfinite(results["recovery_r2"]).all()
