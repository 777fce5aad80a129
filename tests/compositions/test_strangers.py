"""Components and data of one's own: used, gone on with, opened with them and without."""

import importlib.util
import sys
from importlib import metadata

import jax
import numpy as np
import pytest

from biasvae_jax import ConfigError, load_run
from biasvae_jax.cli import score, sweep
from biasvae_jax.components import use_file
from biasvae_jax.runs.directory import RunDirectoryError

KINDS = {"world": "bar", "bias": "first", "objective": "free-nats", "network": "tied"}
FILES = ("bar.py", "first.py", "free_nats.py", "tied.py")


@pytest.fixture(scope="module", autouse=True)
def readers():
    """The tests' rule against rank promotion is not asked of readers."""
    with jax.numpy_rank_promotion("allow"):
        yield


def classes(folder, *names):
    found = {}
    for name in names:
        spec = importlib.util.spec_from_file_location(f"own_{name[:-3]}", folder / name)
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        own = (v for v in vars(module).values() if getattr(v, "__module__", "") == spec.name)
        found |= {each.__name__: each for each in own}
    return found


@pytest.fixture(scope="module")
def own_flags(mine):
    chosen = [word for role, kind in KINDS.items() for word in (f"--{role}", kind)]
    return [
        *("--preset", "smoke", "--seeds", "1", "--steps", "20", "--batch-size", "8"),
        *("--chunk", "10", "--devices", "1"),
        *("--use", *(str(mine / name) for name in FILES), *chosen),
        *("--shift", "0", "2", "--beta", "0.5", "5", "--latent-dim", "2"),
    ]


@pytest.fixture(scope="module")
def own_run(own_flags, trained, tmp_path_factory):
    """A run of four components of one's own, killed and gone on with; the whole one beside it."""
    folder = tmp_path_factory.mktemp("own")
    trained([*own_flags, "--quiet"], folder / "whole")
    trained([*own_flags, "--quiet"], folder / "run", stop=True)
    return trained([*own_flags, "--quiet"], folder / "run", present=True)


def test_four_components_of_ones_own_go_on_after_a_kill_byte_for_byte(own_run):
    whole = own_run.parent / "whole"
    assert (whole / "results.nc").read_bytes() == (own_run / "results.nc").read_bytes()
    assert (own_run / "figures").is_dir() and "δ" in (own_run / "report.html").read_text()


def test_what_is_used_is_said_aloud(own_run, own_flags, mine, capsys):
    sweep.main([*own_flags, "--out", str(own_run)])
    printed = capsys.readouterr().out
    assert printed.count("components of your own are used from") == 4
    assert "bar.py" in printed and "finished" in printed


def test_a_run_opens_with_the_classes_and_its_parameters_are_what_they_were(own_run, mine, without):
    without(*KINDS.values())
    own = classes(mine, *FILES)
    components = [own[name] for name in ("Bar", "First", "FreeNats", "Tied")]
    run = load_run(own_run, components=components)
    params = run.params(shift=2, beta=0.5)
    assert type(params) is own["Weights"] and params.weight.shape == (24, 2)
    x = run.recipe.world.test_set(run.data)[1]
    assert run.decode(params, run.encode(params, x)[0]).shape == (200, 24)
    assert "gap" not in run.scores and set(np.unique(run.scores["regime"])) <= {1, 6, 7, 8}


def test_without_them_scores_curves_and_maps_are_there_and_params_say_what_is_missing(
    own_run, without
):
    without(*KINDS.values())
    run = load_run(own_run)
    assert run.scores["recovery_r2"].notnull().all() and run.grid.dims == ("shift", "beta", "seed")
    assert run.history["loss"].notnull().all() and run.heat_map("recovery_r2")
    assert len(run.table()) == 4 and "shift" in run.table() and "shift" in repr(run)
    for ask in (lambda: run.params(shift=2, beta=0.5), lambda: run.recipe):
        with pytest.raises(ConfigError, match=r"kind bar, which is not known here; give its") as e:
            ask()
        assert "\n" not in str(e.value)
    with pytest.raises(ConfigError, match="bar"):
        score.main([str(own_run), "--quiet"])


LISTED = """
from dataclasses import dataclass
import jax
from biasvae_jax import Architecture, MLP

@dataclass(frozen=True)
class Net(MLP):
    def init(self, key):
        made = super().init(key)
        return [made["encoder"], (made["decoder"],)]
    def encode(self, params, x):
        return super().encode({"encoder": params[0]}, x)
    def decode(self, params, z_hat):
        return super().decode({"decoder": params[1][0]}, z_hat)

@dataclass(frozen=True)
class Listed(Architecture):
    kind = "listed"
    def bind(self, image, latents):
        return Net(image[0] * image[1] * image[2], latents, (4,))
"""


def test_parameters_that_are_a_list_are_stored_and_come_back_as_a_list(
    trained, flags, tmp_path, without
):
    file = tmp_path / "listed.py"
    file.write_text(LISTED)
    at = flags["scale"].index("--hidden")
    arguments = [*flags["scale"][:at], *flags["scale"][at + 2 :], "--quiet"]
    arguments += ["--use", str(file), "--network", "listed"]
    trained(arguments, tmp_path / "run", stop=True)
    half = load_run(tmp_path / "run").params(scale=1, beta=50)
    run = load_run(trained(arguments, tmp_path / "run"))
    made = run.recipe.init(jax.random.key(0))
    for params in (half, run.params(scale=1, beta=50)):
        assert jax.tree.structure(params) == jax.tree.structure(made)
        assert type(params) is list and type(params[1]) is tuple


def test_an_objective_that_a_network_cannot_serve_is_one_line(
    trained, flags, tmp_path, without, monkeypatch
):
    """FactorVAE adds its discriminator to parameters that are a dict; it says so of others."""
    monkeypatch.setattr(sweep, "start_jax", None)
    file = tmp_path / "listed.py"
    file.write_text(LISTED)
    at = flags["factor"].index("--hidden")
    arguments = [*flags["factor"][:at], *flags["factor"][at + 2 :], "--quiet"]
    with pytest.raises(ConfigError, match="--objective factor"):
        trained([*arguments, "--use", str(file), "--network", "listed"], tmp_path / "run")


def test_an_installed_package_brings_its_components_by_an_entry_point(mine, without, monkeypatch):
    from biasvae_jax import components

    without("bar")
    own = classes(mine, "bar.py")["Bar"]
    entry = metadata.EntryPoint("bar", "own_bar:Bar", components.ENTRY_POINTS)
    found = lambda *, group: [entry] if group == components.ENTRY_POINTS else []  # noqa: E731
    monkeypatch.setattr(metadata, "entry_points", found)
    monkeypatch.setattr(components, "_installed", False)
    _, study, _ = sweep.read_flags(["--world", "bar", "--blur", "0.2"])
    assert study.world == own(blur=0.2)


def test_a_file_run_twice_is_no_other_component(mine, without):
    first, second = use_file(mine / "bar.py"), use_file(mine / "bar.py")
    assert first[0].kind == second[0].kind == "bar"


# Data of one's own -------------------------------------------------------------------------------


@pytest.fixture
def table_run(flags, trained, dsprites, tmp_path):
    """A half trained run of a file, the file, and the command with a place for it."""
    file = tmp_path / "data.npz"
    file.write_bytes(dsprites.read_bytes())
    words = [*flags["npz"], "--quiet"]
    at = words.index("--data") + 1
    command = lambda data: [*words[:at], str(data), *words[at + 1 :]]  # noqa: E731
    return trained(command(file), tmp_path / "run", stop=True, fresh=True), file, command


def test_a_file_that_was_changed_is_refused_and_a_moved_one_goes_on(table_run, trained, shapes3d):
    run, file, command = table_run
    before = file.read_bytes()
    with pytest.raises(RunDirectoryError, match="another config"):
        sweep.main([*command(shapes3d), "--out", str(run)])
    with np.load(file, allow_pickle=True) as stored:
        arrays = dict(stored)
    arrays["imgs"] = arrays["imgs"][::-1]
    np.savez(file, **arrays)
    with pytest.raises(RunDirectoryError, match="another data file") as caught:
        sweep.main([*command(file), "--out", str(run)])
    assert "\n" not in str(caught.value)
    moved = file.with_name("moved.npz")
    moved.write_bytes(before)
    file.unlink()
    trained(command(moved), run, fresh=True)
    assert load_run(run).params(share=0.2, beta=0.2)
    again = file.with_name("again.npz")
    moved.rename(again)
    sweep.main([*command(again), "--out", str(run)])  # finished; draws what is not drawn yet
    assert (run / "report.html").exists() and load_run(run).params(share=0.2, beta=0.2)
    again.unlink()
    opened = load_run(run)
    assert opened.scores["recovery_r2"].notnull().all()
    assert len(opened.table()) == 4 and opened.heat_map("recovery_r2")
    assert opened.history["loss"].notnull().all()
    with pytest.raises(ConfigError, match=r"again.npz cannot be read") as caught:
        opened.params(share=0.2, beta=0.2)
    assert "\n" not in str(caught.value)
