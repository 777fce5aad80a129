import errno
import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import filelock
import h5py
import numpy as np
import pytest
import xarray as xr

from biasvae_jax.config import Config
from biasvae_jax.runs import directory, files, reading, sums, trees
from biasvae_jax.runs.directory import RunDirectoryError, StorageError
from experiments.torture.places import free_files, lacking

CONFIG = Config().study
PLAN = {"devices": 1, "group": 2, "width": 1, "chunk": 3}
TREE = {
    "state": {"0": np.arange(12, dtype=np.float32).reshape(3, 4), "step": np.int32([1, 2, 3])},
    "history": {"sums": np.linspace(0, 1, 7), "finite": np.array([True, False])},
}


def assert_same(a, b):
    assert a.keys() == b.keys()
    for key, value in a.items():
        if isinstance(value, dict):
            assert_same(value, b[key])
        else:
            np.testing.assert_array_equal(value, b[key])
            assert value.dtype == b[key].dtype


def files_of(folder):
    return sorted(p for p in folder.rglob("*") if p.is_file())


def test_a_tree_comes_back_bit_for_bit(tmp_path):
    directory.save_tree(tmp_path / "tree", TREE, CONFIG)
    assert_same(directory.load_tree(tmp_path / "tree", CONFIG), TREE)
    assert [p.name for p in tmp_path.iterdir()] == ["tree"]


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove"])
def test_no_damage_to_any_file_goes_unnoticed(tmp_path, damage):
    directory.save_tree(tmp_path / "tree", TREE, CONFIG)
    for file in files_of(tmp_path / "tree"):
        shutil.copytree(tmp_path / "tree", tmp_path / "copy")
        victim = tmp_path / "copy" / file.relative_to(tmp_path / "tree")
        content = victim.read_bytes()
        if damage == "truncate":
            victim.write_bytes(content[: len(content) // 2])
        elif damage == "flip":
            middle = len(content) // 2
            victim.write_bytes(
                content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
                if content
                else b"x"
            )
        else:
            victim.unlink()
        unchanged = damage == "truncate" and not content
        if not unchanged:
            with pytest.raises(StorageError, match=str(tmp_path / "copy")):
                directory.load_tree(tmp_path / "copy", CONFIG)
        shutil.rmtree(tmp_path / "copy")


def test_a_tree_of_another_config_is_refused(tmp_path):
    directory.save_tree(tmp_path / "tree", TREE, CONFIG)
    with pytest.raises(StorageError, match="another run"):
        directory.load_tree(tmp_path / "tree", Config(steps=3).study)
    (tmp_path / "tree").rename(tmp_path / "other")
    with pytest.raises(StorageError, match="renamed"):
        directory.load_tree(tmp_path / "other", CONFIG)


def test_the_last_two_checkpoints_are_kept_and_the_newest_good_one_is_used(tmp_path):
    for step in (10, 20, 30):
        directory.save_checkpoint(tmp_path, 0, step, {"a": np.full(3, step)}, CONFIG)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2
    step, tree = directory.load_checkpoint(tmp_path, 0, CONFIG)
    assert step == 30 and (tree["a"] == 30).all()

    victim = directory.checkpoint_folder(tmp_path, 0, 30) / "a" / "0"
    victim.write_bytes(victim.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="a/0 is missing or damaged"):
        step, tree = directory.load_checkpoint(tmp_path, 0, CONFIG)
    assert step == 20 and (tree["a"] == 20).all()

    shutil.rmtree(directory.checkpoint_folder(tmp_path, 0, 20) / "a")
    with (
        pytest.warns(UserWarning),
        pytest.raises(StorageError, match="no checkpoint of group 0"),
    ):
        directory.load_checkpoint(tmp_path, 0, CONFIG)
    assert directory.load_checkpoint(tmp_path, 1, CONFIG) is None
    directory.drop_checkpoints(tmp_path, 0)
    assert directory.load_checkpoint(tmp_path, 0, CONFIG) is None


def test_a_run_is_tied_to_its_config_and_the_difference_is_shown(tmp_path):
    run = tmp_path / "run"
    assert directory.check_run(run, CONFIG) is False
    run.mkdir()
    directory.open_run(run, CONFIG, {"plan": PLAN})
    before = (run / "config.json").read_bytes()
    assert directory.check_run(run, CONFIG) is True
    with pytest.raises(RunDirectoryError, match="steps: 10000 → 3"):
        directory.check_run(run, Config(steps=3).study)
    directory.open_run(run, CONFIG, {"plan": None})
    assert directory.stored_plan(run) == PLAN
    assert (run / "config.json").read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"config": {}}', b'{"config": 3}', b"\xff", b"[" * 10_000]
)
def test_a_strange_description_is_refused_not_run(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(RunDirectoryError, match=r"config\.json"):
        directory.check_run(tmp_path, CONFIG)
    checksum = hashlib.sha256(content).hexdigest() + "  config.json\n"
    (tmp_path / "config.json.sha256").write_text(checksum)
    with pytest.raises(RunDirectoryError):
        directory.check_run(tmp_path, CONFIG)


def test_a_directory_of_something_else_a_file_and_a_link_are_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    assert directory.check_run(tmp_path, CONFIG) is False  # a log, say: no name of ours
    (tmp_path / "results.nc").write_text("ours")
    with pytest.raises(RunDirectoryError, match=r"holds results\.nc but no config\.json"):
        directory.check_run(tmp_path, CONFIG)
    with pytest.raises(RunDirectoryError, match="is a file"):
        directory.check_run(tmp_path / "file", CONFIG)
    with pytest.raises(RunDirectoryError):
        directory.check_run(tmp_path / "file" / "below", CONFIG)
    run = tmp_path / "run"
    run.mkdir()
    (run / "models").symlink_to(tmp_path)
    with pytest.raises(RunDirectoryError, match="no plain file"):
        directory.check_run(run, CONFIG)


def test_a_link_inside_a_stored_tree_is_refused(tmp_path):
    directory.save_tree(tmp_path / "tree", TREE, CONFIG)
    victim = files_of(tmp_path / "tree")[0]
    content = victim.read_bytes()
    victim.unlink()
    (tmp_path / "outside").write_bytes(content)
    victim.symlink_to(tmp_path / "outside")
    with pytest.raises(StorageError, match="link"):
        directory.load_tree(tmp_path / "tree", CONFIG)


def test_one_writer_who_is_named_to_the_second(tmp_path):
    script = (
        "import sys; from pathlib import Path; from biasvae_jax.runs import directory\n"
        "try:\n with directory.lock_run(Path(sys.argv[1])): print('mine')\n"
        "except directory.RunDirectoryError as error: print(error)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    other = lambda: subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: E731
    with directory.lock_run(tmp_path):
        assert f"process {os.getpid()}" in other().stdout
    assert other().stdout == "mine\n"


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path):
    script = (
        "import os, sys; from pathlib import Path; from biasvae_jax.runs import directory\n"
        "with directory.lock_run(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert killed.returncode == -9
    with directory.lock_run(tmp_path):
        assert json.loads((tmp_path / ".holder.json").read_bytes())["pid"] == os.getpid()


def test_a_disk_error_is_one_line_and_leaves_what_was_there(tmp_path, monkeypatch):
    directory.save_tree(tmp_path / "tree", TREE, CONFIG)

    def full(*_arguments, **_keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StorageError, match="No space left on device") as caught:
        directory.save_tree(tmp_path / "tree", TREE, CONFIG)
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert_same(directory.load_tree(tmp_path / "tree", CONFIG), TREE)


def test_datasets_are_written_whole(tmp_path):
    dataset = xr.Dataset({"a": ("x", np.arange(3.0))})
    directory.write_dataset(tmp_path / "a.nc", dataset)
    with xr.open_dataset(tmp_path / "a.nc") as again:
        xr.testing.assert_identical(again.load(), dataset)
    assert {p.name for p in tmp_path.iterdir()} == {"a.nc", "a.nc.sha256"}
    xr.testing.assert_identical(directory.read_dataset(tmp_path / "a.nc"), dataset)


def test_a_run_killed_before_it_had_a_description_can_begin(tmp_path):
    for name in (".lock", ".holder.json", ".writing-config.json", "config.json.sha256"):
        (tmp_path / name).write_text("")
    assert directory.check_run(tmp_path, CONFIG) is False
    with directory.lock_run(tmp_path):
        directory.open_run(tmp_path, CONFIG, {"plan": PLAN})
        assert not list(tmp_path.rglob(".writing-*"))
    assert directory.check_run(tmp_path, CONFIG) is True


def test_what_a_kill_leaves_half_written_is_swept_away(tmp_path):
    leftover = tmp_path / "checkpoints" / ".writing-group-00000-step-000000020" / "a"
    leftover.mkdir(parents=True)
    with directory.lock_run(tmp_path):
        assert not list((tmp_path / "checkpoints").iterdir())


def test_a_dead_holder_is_not_named(tmp_path):
    holder = {"host": socket.gethostname(), "pid": 2**30, "since": 0.0}
    (tmp_path / ".holder.json").write_text(json.dumps(holder))
    held = filelock.FileLock(tmp_path / ".lock")
    with held, pytest.raises(RunDirectoryError, match="in use by another process;"):
        directory.lock_run(tmp_path).__enter__()


def test_a_checkpoint_saved_after_falling_back_outlives_the_damaged_ones(tmp_path):
    for step in (10, 20, 30):
        directory.save_checkpoint(tmp_path, 0, step, {"a": np.full(3, step)}, CONFIG)
    for step in (20, 30):
        shutil.copytree(
            directory.checkpoint_folder(tmp_path, 0, step),
            directory.checkpoint_folder(tmp_path, 0, step + 30),  # renamed, so neither is good
        )
    directory.save_checkpoint(tmp_path, 0, 35, {"a": np.full(3, 35)}, CONFIG)
    step, tree = directory.load_checkpoint(tmp_path, 0, CONFIG)
    assert step == 35 and (tree["a"] == 35).all()


@pytest.mark.parametrize("name", ["group-00000-step-x", "group-00000-step-000000010 2", "mine"])
def test_other_folders_are_no_checkpoints(tmp_path, name):
    (tmp_path / "checkpoints" / name).mkdir(parents=True)
    assert directory.load_checkpoint(tmp_path, 0, CONFIG) is None


def forge(folder):
    """Make the manifest true again, as whoever made the folder could."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"] = trees.digests(folder)
    (folder / "manifest.json").write_text(json.dumps(trees.seal(manifest)))


def edit(file, change):
    values = json.loads(file.read_bytes())
    change(values)
    file.write_text(json.dumps(values))


def lead_out(values):
    entry = next(iter(values["tree_metadata"].values()))
    entry["key_metadata"] = [{"key": "../outside/state.0", "key_type": 2}]


def be_of_another_kind(values):
    next(iter(values["tree_metadata"].values()))["value_metadata"]["value_type"] = "jax.Array"


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("_METADATA", lead_out),
        ("_METADATA", be_of_another_kind),
        ("_METADATA", lambda values: values.update(use_ocdbt=True)),
        ("_METADATA", lambda values: values.pop("tree_metadata")),
        ("state.0/.zarray", lambda values: values.update(shape=[2**40, 2**20])),
        ("state.0/.zarray", lambda values: values.update(shape=[2**40], chunks=[1])),
        ("state.0/.zarray", lambda values: values.update(shape="34")),
        ("_METADATA", lambda values: values.update(tree_metadata=[1])),
        ("state.0/.zarray", lambda values: values.update(compressor={"id": "zlib"})),
        ("state.0/.zarray", lambda values: values.update(dtype="|O")),
        ("state.0/.zarray", lambda values: values.clear()),
    ],
)
def test_a_forged_checkpoint_is_refused_in_one_line(tmp_path, file, change):
    directory.save_tree(tmp_path / "outside", TREE, CONFIG)
    directory.save_tree(tmp_path / "tree", TREE, CONFIG)
    edit(tmp_path / "tree" / file, change)
    forge(tmp_path / "tree")
    with pytest.raises(StorageError, match="cannot be read") as caught:
        directory.load_tree(tmp_path / "tree", CONFIG)
    assert "\n" not in str(caught.value)


def test_a_tree_of_other_shapes_is_refused(tmp_path):
    directory.save_tree(tmp_path / "tree", TREE, CONFIG)
    directory.load_tree(tmp_path / "tree", CONFIG, like=TREE)
    for like in ({}, {"state": TREE["state"]}, TREE | {"history": {"sums": np.zeros(7)}}):
        with pytest.raises(StorageError, match="arrays of this run"):
            directory.load_tree(tmp_path / "tree", CONFIG, like=like)


def test_nothing_is_written_through_a_link_or_a_pipe(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("mine")
    run = tmp_path / "run"
    run.mkdir()
    for name in (".writing-config.json", "config.json", "config.json.sha256"):
        (run / name).symlink_to(outside)
    with pytest.raises(RunDirectoryError, match="no plain file"):
        directory.check_run(run, CONFIG)
    files.write_atomically(run / "config.json", b"ours")
    assert outside.read_text() == "mine" and not (run / "config.json").is_symlink()
    (run / "config.json.sha256").unlink()
    os.mkfifo(run / "config.json.sha256")
    with pytest.raises(RunDirectoryError, match="no plain file"):
        directory.check_run(run, CONFIG)


@pytest.mark.parametrize("kind", ["external", "link", "virtual", "group"])
def test_results_that_refer_to_another_file_are_refused(tmp_path, kind):
    (tmp_path / "secret").write_bytes(b"12345678")
    file = tmp_path / "results.nc"
    with h5py.File(file, "w") as content:
        if kind == "external":
            content.create_dataset("a", (1,), "f8", external=[(str(tmp_path / "secret"), 0, 8)])
        elif kind == "link":
            content["a"] = h5py.ExternalLink(str(tmp_path / "secret"), "a")
        elif kind == "virtual":
            layout = h5py.VirtualLayout((1,), "f8")
            layout[:] = h5py.VirtualSource(str(tmp_path / "secret"), "a", (1,))
            content.create_virtual_dataset("a", layout)
        else:
            content.create_group("a")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    directory.checksum_file(file).write_text(f"{digest}  results.nc\n")
    with pytest.raises(StorageError, match="'a' is not stored in it"):
        directory.read_dataset(file)


def test_a_run_that_can_no_longer_be_written_is_no_bad_input(tmp_path, monkeypatch):
    directory.open_run(tmp_path, CONFIG, {"plan": PLAN})
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StorageError, match="read-only; nothing is lost"):
        directory.check_run(tmp_path, CONFIG)
    with pytest.raises(RunDirectoryError, match="not writable"):
        directory.check_run(tmp_path / "new", CONFIG)
    with pytest.raises(RunDirectoryError, match="cannot be used"):
        directory.check_run(tmp_path / ("long" * 100), CONFIG)


@pytest.mark.parametrize("plan", [None, [], {}, PLAN | {"group": 0}, PLAN | {"more": 1}])
def test_a_run_without_its_plan_is_refused(tmp_path, plan):
    assert directory.stored_plan(tmp_path) is None
    directory.open_run(tmp_path, CONFIG, {"plan": plan})
    with pytest.raises(RunDirectoryError, match="no plan"):
        directory.stored_plan(tmp_path)


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_rewritten_dataset_is_the_old_or_the_new_one_at_any_instant(
    tmp_path, monkeypatch, failing
):
    """Two rewrites are killed at their write number `failing`; the third is let through."""
    file = tmp_path / "scores.nc"
    directory.write_dataset(file, xr.Dataset({"a": 0}))
    before, calls, write = 0, [], sums.write_atomically

    def killed(path, content):
        calls.append(path)
        if len(calls) == failing:
            raise KeyboardInterrupt
        write(path, content)

    for new in (1, 2):
        calls.clear()
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(sums, "write_atomically", killed)
            directory.write_dataset(file, xr.Dataset({"a": new}))
        before = new if failing == 3 else before
        assert directory.read_dataset(file)["a"] == before
    directory.write_dataset(file, xr.Dataset({"a": 3}))
    assert directory.read_dataset(file)["a"] == 3
    assert len(directory.checksum_file(file).read_text().splitlines()) == 1


@pytest.mark.parametrize("name", ["a\\b", "gs:", "a[b]", "é", "caf\udce9", "a\nb", "~", "a b"])
def test_a_run_of_any_name_is_stored_inside_it_and_comes_back(tmp_path, name):
    run = tmp_path / name
    with directory.lock_run(run):
        directory.open_run(run, CONFIG, {"plan": PLAN})
        directory.save_tree(run / "tree", TREE, CONFIG)
    assert_same(directory.load_tree(run / "tree", CONFIG), TREE)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    manifest = json.loads((run / "tree" / "manifest.json").read_bytes())
    assert {"state.0/0.0", "state.step/0", "history.sums/0"} <= manifest["files"].keys()


def test_a_place_whose_name_nothing_can_make_plain_is_refused_before_anything_is_stored(
    tmp_path, monkeypatch
):
    (tmp_path / "t\\mp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t\\mp"))
    with directory.lock_run(tmp_path / "a\\b"), pytest.raises(StorageError, match="set TMPDIR"):
        directory.open_run(tmp_path / "a\\b", CONFIG, {"plan": PLAN})
    assert not (tmp_path / "a\\b" / "config.json").exists()


def test_an_array_that_did_not_arrive_is_noticed_when_it_is_stored(tmp_path, monkeypatch):
    save = trees._save_arrays

    def lose_one(folder, tree):
        save(folder, tree)
        shutil.rmtree(folder / "history.sums")

    monkeypatch.setattr(trees, "_save_arrays", lose_one)
    with pytest.raises(StorageError, match=r"history\.sums did not arrive"):
        directory.save_tree(tmp_path / "tree", TREE, CONFIG)
    assert not (tmp_path / "tree").exists()


def test_a_mistake_in_a_program_is_not_worded_as_a_disk_error(tmp_path, monkeypatch):
    def mistaken(*_):
        raise TypeError("unexpected keyword argument 'use_compression'")

    monkeypatch.setattr(trees, "_handler", mistaken)
    with pytest.raises(TypeError, match="use_compression"):
        directory.save_tree(tmp_path / "tree", TREE, CONFIG)
    with pytest.raises(TypeError):
        directory.open_run(tmp_path, CONFIG, {"plan": PLAN})


def test_a_disk_error_inside_the_store_is_found_in_its_words(tmp_path):
    with pytest.raises(StorageError, match="Not a directory"):
        (tmp_path / "tree").write_text("in the way")
        trees.save_tree(tmp_path / "tree" / "below", TREE, CONFIG)
    error = ValueError("Error writing [os_error_code='28'] [source locations='a:1']")
    assert trees._os_error(error).errno == errno.ENOSPC
    assert trees._os_error(ValueError("no code")) is None


@pytest.mark.parametrize(
    ("feature", "code", "said"),
    [
        ("sync a file", errno.EINVAL, "syncing a file"),
        ("sync a folder", errno.ENOSYS, "syncing a folder"),
        ("rename a folder", errno.ENOSYS, "renaming a folder"),
        ("rename a folder", errno.EXDEV, "renaming a folder"),
        ("rename a file", errno.ENOTSUP, "renaming a file"),
        ("lock", errno.ENOLCK, "locking a file"),
        ("lock", errno.EOPNOTSUPP, "locking a file"),
        ("lock", errno.ENOSYS, "locking a file"),
    ],
)
def test_what_a_file_system_lacks_is_said_at_the_start_and_nothing_is_left(
    tmp_path, feature, code, said
):
    with (
        lacking(feature, code),
        pytest.raises(RunDirectoryError, match=f"{said}: .*choose another dir") as caught,
        directory.lock_run(tmp_path),
    ):
        directory.open_run(tmp_path, CONFIG, {"plan": PLAN})
    assert "\n" not in str(caught.value)
    with directory.lock_run(tmp_path):  # and the lock was given back
        directory.open_run(tmp_path, CONFIG, {"plan": PLAN})


def test_a_lock_that_keeps_nobody_out_is_no_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    with pytest.raises(RunDirectoryError, match="granted twice"):
        directory.lock_run(tmp_path).__enter__()


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_folder_that_cannot_be_synced_is_no_hindrance_but_a_failing_disk_is(tmp_path, code):
    with lacking("sync a folder", code), directory.lock_run(tmp_path / "run"):
        directory.open_run(tmp_path / "run", CONFIG, {"plan": PLAN})
    with (
        lacking("sync a folder", errno.EIO),
        pytest.raises(StorageError, match="syncing a folder: Input/output error"),
    ):
        directory.save_tree(tmp_path / "run" / "tree", TREE, CONFIG)


def test_where_folders_cannot_be_opened_only_files_are_synced(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_DIRECTORY")  # as on Windows
    with lacking("sync a folder", errno.EACCES):
        directory.save_tree(tmp_path / "tree", TREE, CONFIG)
    assert_same(directory.load_tree(tmp_path / "tree", CONFIG), TREE)


def test_every_name_is_brought_to_the_disk(tmp_path, monkeypatch):
    """What is renamed was synced before, and the folder that holds a new name is synced after."""
    events = []
    fsync, mkdir, replace = os.fsync, os.mkdir, os.replace
    inode = lambda path: Path(path).stat().st_ino  # noqa: E731

    def syncing(descriptor):
        fsync(descriptor)
        events.append(("synced", os.fstat(descriptor).st_ino))

    def making(path, *arguments, **keywords):
        mkdir(path, *arguments, **keywords)
        events.append(("named", inode(Path(path).parent)))

    def renaming(source, target):
        assert ("synced", inode(source)) in events
        replace(source, target)
        events.append(("named", inode(Path(target).parent)))

    for name, patched in (("fsync", syncing), ("mkdir", making), ("replace", renaming)):
        monkeypatch.setattr(os, name, patched)
    run = tmp_path / "above" / "run"
    with directory.lock_run(run):
        directory.open_run(run, CONFIG, {"plan": PLAN})
        directory.save_checkpoint(run, 0, 10, TREE, CONFIG)
        directory.save_models(run, 0, TREE, CONFIG)
    last = {event: number for number, event in enumerate(events)}
    for folder in (tmp_path, run.parent, run, run / "checkpoints", run / "models"):
        assert last["synced", inode(folder)] > last["named", inode(folder)], folder


def test_few_files_may_be_open_at_once(tmp_path, monkeypatch):
    """64 for the process are enough; where they are not, one line says so."""
    many = {f"a{i}": np.arange(3) for i in range(40)}
    directory.save_tree(tmp_path / "tree", many, CONFIG)  # whatever is imported is open now
    with free_files(48):
        directory.save_tree(tmp_path / "tree", many, CONFIG)
        assert_same(directory.load_tree(tmp_path / "tree", CONFIG), many)
    with free_files(20), pytest.raises(StorageError, match="Too many open files") as caught:
        directory.save_tree(tmp_path / "tree", many, CONFIG)
    assert "\n" not in str(caught.value)


def test_a_name_as_long_as_can_be_is_written_and_others_are_told_apart(tmp_path):
    files.write_atomically(tmp_path / ("x" * 255), b"whole")
    assert [p.name for p in tmp_path.iterdir()] == ["x" * 255]
    names = {files.short_name("compare-", "é" * 123 + end, ".html") for end in ("", "a", "b")}
    assert len(names) == 3
    for name in names:
        assert len(os.fsencode(name)) <= 255 and name.startswith("compare-é")
        assert name.endswith(".html")
    assert files.short_name("compare-", "other", ".html") == "compare-other.html"


def test_a_run_too_deep_for_its_checkpoints_is_refused_at_the_start(tmp_path):
    deep = Path(str(tmp_path) + "/" + "/".join(["d" * 200] * 19))
    deep = deep / ("e" * (4096 - len(str(deep)) - 100))
    with directory.lock_run(deep), pytest.raises(RunDirectoryError, match="File name too long"):
        directory.open_run(deep, CONFIG, {"plan": PLAN})


def models_of(path, group, value):
    tree = {"params": {"w": np.full((2, 3), value, np.float32)}, "history": {"steps": np.ones(2)}}
    directory.save_models(path, group, tree, GRID)


GRID = Config(mu=(0, 1), beta=(0.5, 1)).study


@pytest.fixture
def begun(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    directory.open_run(run, GRID, {"plan": PLAN})
    for group in (0, 1):
        models_of(run, group, group)
    return run


def test_a_group_of_another_plan_is_refused_by_the_models_it_names(begun, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    directory.open_run(other, GRID, {"plan": PLAN | {"group": 1}})
    shutil.copytree(directory.models_folder(begun, 1), directory.models_folder(other, 1))
    with pytest.raises(reading.Foreign, match="models 2 to 4 of another plan, where 1 to 2"):
        directory.load_models(other, 1, GRID)


def without_slice(folder):
    """Make a manifest as version 0.1.0 wrote it."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    del manifest["models"]
    (folder / "manifest.json").write_text(json.dumps(trees.seal(manifest)))


def test_an_old_group_without_a_slice_is_read_if_its_size_fits(begun):
    without_slice(directory.models_folder(begun, 0))
    assert (directory.load_models(begun, 0, GRID)["params"]["w"] == 0).all()
    tree = {"params": {"w": np.zeros((3, 3))}}
    directory.save_models(begun, 1, tree, GRID)
    without_slice(directory.models_folder(begun, 1))
    with pytest.raises(reading.Foreign, match="another number of models"):
        directory.load_models(begun, 1, GRID)


def rewrite(run, change):
    description = json.loads((run / "config.json").read_bytes())
    change(description)
    sums.write_checked(run / "config.json", json.dumps(description).encode())


def test_the_text_that_a_run_began_with_stays_its_identity(tmp_path):
    """Version 0.1.0 stored whole numbers and -0 as they were given."""
    flat = Config.of(GRID).to_json()
    text = flat.replace("0.0,\n    1.0", "-0.0,\n    1", 1)
    old = hashlib.sha256(text.encode()).hexdigest()
    directory.open_run(tmp_path, GRID, {"plan": PLAN})
    rewrite(tmp_path, lambda about: about.update(config=json.loads(text)))
    models_of(tmp_path, 0, 7)
    folder = directory.models_folder(tmp_path, 0)
    manifest = json.loads((folder / "manifest.json").read_bytes()) | {"config": old}
    (folder / "manifest.json").write_text(json.dumps(trees.seal(manifest)))
    assert text != flat and old != trees.study_hash(GRID)
    assert directory.check_run(tmp_path, GRID)
    assert (directory.load_models(tmp_path, 0, GRID)["params"]["w"] == 7).all()


def test_a_config_edited_with_its_sum_does_not_own_the_models(begun):
    rewrite(begun, lambda about: about["config"]["axes"].update(beta=[0.5, 2.0]))
    study = directory.stored_study(begun, directory.read_description(begun))
    with pytest.raises(reading.Foreign, match="another run"):
        directory.load_models(begun, 0, study)
    assert len(directory.missing_models(begun, study)) == 2


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EMFILE, errno.ESTALE])
def test_what_cannot_be_read_now_is_neither_damaged_nor_passed_over(begun, monkeypatch, number):
    for step in (10, 20):
        directory.save_checkpoint(begun, 0, step, {"a": np.full(2, step)}, GRID)
    real = os.open

    def failing(path, *arguments, **keywords):
        if str(path).endswith(("a/0", "w/0.0")):
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *arguments, **keywords)

    monkeypatch.setattr(os, "open", failing)
    for load in (directory.load_models, directory.load_checkpoint):
        with pytest.raises(reading.CannotReadNow, match="cannot be read now") as caught:
            load(begun, 0, GRID)
        assert "delete" not in str(caught.value) and os.strerror(number) in str(caught.value)


def test_what_changes_while_it_is_read_is_read_again(begun, monkeypatch):
    """A running run drops its older checkpoint just as it is read."""
    for step in (10, 20):
        directory.save_checkpoint(begun, 0, step, {"a": np.full(2, step)}, GRID)
    real, load = directory.load_tree, directory.load_checkpoint

    def rotating(folder, *arguments, **keywords):
        monkeypatch.setattr(directory, "load_tree", real)
        directory.save_checkpoint(begun, 0, 30, {"a": np.full(2, 30)}, GRID)
        directory.save_checkpoint(begun, 0, 40, {"a": np.full(2, 40)}, GRID)
        return real(folder, *arguments, **keywords)

    monkeypatch.setattr(directory, "load_tree", rotating)
    assert load(begun, 0, GRID)[0] == 40
    read, content = sums._read, (begun / "config.json").read_bytes()

    def late(file, most):
        monkeypatch.setattr(sums, "_read", read)
        raise ValueError("it does not match")

    monkeypatch.setattr(sums, "_read", late)
    assert directory.read_description(begun) == json.loads(content)


@pytest.mark.parametrize("place", ["models", "models/group-00000", "models/group-00001/own"])
def test_a_group_is_read_without_a_look_into_others_and_through_no_link(begun, tmp_path, place):
    """Each look into all groups of a large run would make its reading quadratic."""
    link = begun / place
    if link.exists():
        link.rename(tmp_path / "elsewhere")
    link.symlink_to(tmp_path / "elsewhere")
    for group in (0, 1):
        if place == "models/group-00001/own" and group == 0:
            assert directory.load_models(begun, group, GRID) is not None
        else:
            with pytest.raises(RunDirectoryError, match="no plain file"):
                directory.load_models(begun, group, GRID)
    with pytest.raises(RunDirectoryError, match="no plain file"):
        directory.check_run(begun, GRID)


@pytest.mark.parametrize("name", [".DS_Store", ".nfs000001", ".ipynb_checkpoints/models.txt"])
def test_foreign_files_are_no_damage(begun, name):
    file = directory.models_folder(begun, 0) / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("not ours")
    (begun / "slurm-12.out").symlink_to("/dev/null")
    assert directory.check_run(begun, GRID) is True
    assert directory.load_models(begun, 0, GRID) is not None


def test_a_lock_with_a_second_name_is_refused(begun, tmp_path):
    (tmp_path / "precious").write_text("mine")
    os.link(tmp_path / "precious", begun / ".lock")
    with pytest.raises(RunDirectoryError, match="hard link"):
        directory.check_run(begun, GRID)


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about.update(versions=["1"]),
        lambda about: about.update(versions={"jax": 3}),
        lambda about: about.update(devices=3),
        lambda about: about.update(devices=[None]),
    ],
)
def test_a_description_of_a_strange_shape_is_refused(begun, change):
    rewrite(begun, change)
    with pytest.raises(RunDirectoryError, match="not a run's description"):
        directory.check_run(begun, GRID)


def test_a_newer_versions_run_is_refused_before_anything(begun):
    rewrite(begun, lambda about: about.update(versions={"biasvae_jax": "99.1"}))
    with pytest.raises(RunDirectoryError, match=r"made by biasvae_jax 99\.1"):
        directory.check_run(begun, GRID)


def test_folders_in_folders_and_endless_files_end_in_a_line(begun):
    deep = begun / "models" / "/".join("x" * 20)
    deep.mkdir(parents=True)
    with pytest.raises(RunDirectoryError, match="folders in folders"):
        directory.check_run(begun, GRID)
    shutil.rmtree(begun / "models" / "x")
    with directory.models_folder(begun, 0).joinpath("params.w", "0.0").open("r+b") as stream:
        stream.truncate(2**43)  # sparse
    with pytest.raises(reading.Damaged, match="delete"):
        directory.load_models(begun, 0, GRID)


def test_a_description_deleted_midway_is_written_again(tmp_path):
    with directory.lock_run(tmp_path):
        directory.open_run(tmp_path, GRID, {"plan": PLAN})
        before = directory.read_description(tmp_path)
        (tmp_path / "config.json").unlink()
        models_of(tmp_path, 0, 0)
    assert directory.read_description(tmp_path) == before and directory.check_run(tmp_path, GRID)


def test_the_end_of_a_run_is_stored_beside_its_start(begun):
    directory.end_description(begun)
    about = directory.read_description(begun)
    assert about["started"] <= about["ended"] and 0 <= about["seconds"] < 60
    assert directory.check_run(begun, GRID) and directory.stored_plan(begun) == PLAN
