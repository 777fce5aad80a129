"""Folders of pictures: real photographs cut into small ones, in CelebA's layout and with a CSV."""

import json
import shutil
import struct
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from biasvae_jax import host
from biasvae_jax.biases import Associate, CorrelateRows, Missing, Resample
from biasvae_jax.cli import sweep
from biasvae_jax.components import ConfigError
from biasvae_jax.errors import BadInput
from biasvae_jax.worlds import Folder, cache, folder

CHINA, FLOWER = load_sample_images().images
N = 80
BLOND = np.arange(N) % 4 == 0
MALE = np.arange(N) % 3 == 1
BIAS = Resample(factor="Blond")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Keep pictures where the test can see them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder._read.cache_clear()


def cut(number, height, width):
    """Cut a piece out of a photograph."""
    photograph = (CHINA, FLOWER)[number % 2]
    top, left = (37 * number) % (427 - height), (53 * number) % (640 - width)
    return photograph[top : top + height, left : left + width]


def celeba(path, ending="png", height=14, width=12, partition=True, count=N):
    """Make a folder as CelebA ships it, with an attribute that is constant."""
    (path / "img_align_celeba").mkdir(parents=True)
    names = [f"{i + 1:06d}.{ending}" for i in range(count)]
    for i, name in enumerate(names):
        Image.fromarray(cut(i, height, width)).save(path / "img_align_celeba" / name)
    signs = 2 * np.stack([BLOND, MALE, BLOND | True], axis=1)[:count] - 1
    words = [" ".join(map("{:2d}".format, row)) for row in signs]
    rows = [f"{name}  {each}" for name, each in zip(names, words, strict=True)]
    text = "\n".join([str(count), "Blond Male Young", *rows]) + "\n"
    (path / "list_attr_celeba.txt").write_text(text)
    if partition:
        parts = [f"{name} {(0, 0, 0, 1, 2)[i // 4 % 5]}" for i, name in enumerate(names)]
        (path / "list_eval_partition.txt").write_text("\n".join(parts) + "\n")
    return path


def table(path, rows, header="file,blond,age"):
    """Make a folder with a CSV and pictures of 8×8 under their names."""
    path.mkdir(exist_ok=True)
    for i, row in enumerate(rows):
        place = path / row.split(",")[0]
        if place.parent.is_dir() and not place.exists() and ".." not in row:
            Image.fromarray(cut(i, 8, 8)).save(place)
    (path / "mine.csv").write_text("\n".join([header, *rows]) + "\n")
    return path


ROWS = [f"{i}.png,{i % 2},{i * 1.5}" for i in range(12)]


def test_pictures_and_attributes_are_the_files_byte_for_byte(tmp_path):
    world = Folder(data=str(celeba(tmp_path / "faces", height=8, width=8)), size=8)
    rows = world.read()
    there = [i for i in range(N) if i // 4 % 5 != 3]  # the validation part is not used
    np.testing.assert_array_equal(rows.images, [cut(i, 8, 8) for i in there])
    np.testing.assert_array_equal(rows.values, np.stack([BLOND, MALE], 1)[there])
    assert [(f.name, f.kind) for f in world.factors] == [("Blond", "binary"), ("Male", "binary")]
    np.testing.assert_array_equal(rows.held, [i // 4 % 5 == 4 for i in there])
    data = world.load(BIAS)
    assert not rows.held[data.order].any() and world.training_size() == 48 == len(data.order)


def test_a_csv_holds_names_and_numbers_of_any_kind(tmp_path):
    world = Folder(data=str(table(tmp_path / "mine", ROWS)), size=8, channels=1)
    rows = world.read()
    assert [(f.name, f.kind) for f in world.factors] == [("blond", "binary"), ("age", "continuous")]
    np.testing.assert_array_equal(rows.values, [[i % 2, i * 1.5] for i in range(12)])
    grey = [np.asarray(Image.fromarray(cut(i, 8, 8)).convert("L")) for i in range(12)]
    np.testing.assert_array_equal(rows.images[..., 0], grey)


def test_the_centre_is_used_and_made_smaller(tmp_path):
    path = celeba(tmp_path / "faces", height=14, width=12, partition=False)
    middle = Folder(data=str(path), crop=8, size=8).read().images
    np.testing.assert_array_equal(middle, [cut(i, 14, 12)[3:11, 2:10] for i in range(N)])
    whole = Folder(data=str(path), size=6).read().images  # the shorter side
    means = np.array([cut(i, 14, 12)[1:13].mean((0, 1)) for i in range(N)])
    np.testing.assert_allclose(whole.mean((1, 2)), means, atol=8)


def test_a_picture_is_upright_as_its_camera_says(tmp_path):
    path = table(tmp_path / "mine", ROWS)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned to the left by a quarter
    Image.fromarray(cut(0, 8, 8)).save(path / "0.png", exif=exif)
    found = Folder(data=str(path), size=8).read().images[0]
    np.testing.assert_array_equal(found, np.rot90(cut(0, 8, 8), -1))


def test_the_cache_is_read_instead_of_the_pictures_and_refused_when_damaged(
    tmp_path, monkeypatch, capsys
):
    path = celeba(tmp_path / "faces")
    world = Folder(data=str(path), size=8)
    before, sealed = np.array(world.read().images), world.sealed()
    (kept,) = (tmp_path / "cache").rglob("images.npy")
    read, again = folder.read_pictures, []
    monkeypatch.setattr(folder, "read_pictures", lambda *a: again.append(1) or read(*a))

    def reread():
        folder._read.cache_clear()
        np.testing.assert_array_equal(world.read().images, before)
        assert sealed.sealed() == sealed
        return len(again)

    assert reread() == 0
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(content)
    assert reread() == 1 and "damaged; the pictures are read anew" in capsys.readouterr().err
    (kept.parent / "about.json").write_text(json.dumps({"rows": "x"}))
    assert reread() == 2
    Image.fromarray(cut(5, 14, 12)).save(path / "img_align_celeba" / "000001.png")
    folder._read.cache_clear()
    with pytest.raises(ConfigError, match="is not the folder that this run was made with"):
        sealed.sealed()
    assert len(again) == 3  # another picture is another key


def test_without_a_cache_directory_the_pictures_are_in_memory(tmp_path, monkeypatch):
    path = table(tmp_path / "mine", ROWS)
    kept = Folder(data=str(path), size=8).sealed()
    monkeypatch.setattr(cache.host, "user_cache", lambda name: None)
    folder._read.cache_clear()
    assert kept.sealed() == kept


@pytest.mark.parametrize("bias", [BIAS, Associate(), Missing(), CorrelateRows()])
def test_the_test_set_is_balanced_over_the_attributes_of_the_bias(tmp_path, bias):
    world = Folder(data=str(celeba(tmp_path / "faces", partition=False)), size=8, test_images=40)
    data = world.load(bias)
    counts = np.unique(bias.classes(data.test_factors, ("Blond", "Male")), return_counts=True)[1]
    assert len(set(counts)) == 1 and len(data.test_images) >= 8
    u, x = world.test_set(data)
    assert x.shape == (len(u), 8 * 8 * 3) and 0.5 < float(x.max()) <= 1


def drawn(world, bias, strength, rows=4_000):
    data = jax.tree.map(jnp.asarray, world.load(bias))
    return np.asarray(world.sample(world.draw(jax.random.key(0), (rows,)), bias, strength, data).u)


def test_share_correlation_and_missing_combination_are_what_was_asked(tmp_path):
    world = Folder(data=str(celeba(tmp_path / "faces", partition=False)), size=8, test_images=30)
    for share in (0.05, 0.7):
        error = 4 * np.sqrt(share * (1 - share) / 4_000)
        assert drawn(world, BIAS, share)[:, 0].mean() == pytest.approx(share, abs=error)
    for phi in (-0.5, 0.9):
        u = drawn(world, Associate(), phi)
        assert np.corrcoef(u.T)[0, 1] == pytest.approx(phi, abs=4 * (1 - phi**2) / 4_000**0.5)
    assert not drawn(world, Missing(), 1.0).all(axis=1).any()


# What is refused ----------------------------------------------------------------------------------


def bomb(path, side=10_000):
    """Write the header of a PNG of 100 megapixels, of a hundred bytes."""

    def chunk(kind, content):
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b""))


def spoil(path, how):
    """Spoil the second picture of a folder."""
    file = path / "1.png"
    if how == "missing":
        file.unlink()
    elif how == "truncated":
        file.write_bytes(file.read_bytes()[:-60])
    elif how == "text":
        file.write_text("no picture")
    elif how == "bomb":
        bomb(file)
    elif how == "small":
        Image.fromarray(cut(0, 4, 9)).save(file)
    elif how == "folder":
        file.unlink()
        file.mkdir()
    return path


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ("missing", "is not there"),
        ("truncated", "is damaged"),
        ("text", "is no picture"),
        ("bomb", "has more pixels than Pillow's limit of 89,478,485"),
        ("small", "has 9×4 pixels, under --crop 8"),
        ("folder", "is no file"),
    ],
)
def test_a_broken_picture_is_named_and_stops_or_is_left_out_as_asked(tmp_path, capsys, how, what):
    path = spoil(table(tmp_path / "mine", ROWS), how)
    strict = Folder(data=str(path), size=8, crop=8)
    with pytest.raises(ConfigError) as caught:
        strict.read()
    line = str(caught.value)
    assert f"1 of 12 pictures are broken or missing, the first is 1.png, which {what}" in line
    assert "--skip-broken" in line and "\n" not in line
    rest = Folder(data=str(path), size=8, crop=8, skip_broken=True).read()
    others = [i for i in range(12) if i != 1]
    np.testing.assert_array_equal(rest.images, [cut(i, 8, 8) for i in others])
    np.testing.assert_array_equal(rest.values[:, 1], [i * 1.5 for i in others])
    assert "left out: 1.png" in capsys.readouterr().err


def linked(path, target):
    """Put a link into a folder in the place of its second picture."""
    (path / "1.png").unlink()
    (path / "1.png").symlink_to(target)
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p / "none", "is no folder"),
        (lambda p: p.mkdir() or p, "no CSV files"),
        (lambda p: table(p, ["../x.png,0,1", *ROWS]), "leads out of the folder"),
        (lambda p: table(p, ["/etc/passwd,0,1", *ROWS]), "leads out of the folder"),
        (lambda p: table(p, ["C:\\x.png,0,1", *ROWS]), "leads out of the folder"),
        (lambda p: linked(table(p, ROWS), "/etc/passwd"), "'1.png' leads out of the folder"),
        (lambda p: table(p, [*ROWS, "0.png,1,1"]), "names 0.png twice"),
        (lambda p: table(p, [*ROWS, "x.png,blond,1"]), "line 14: 'blond' is no number"),
        (lambda p: table(p, [*ROWS, "x.png,nan,1"]), "line 14: 'nan' is no number"),
        (lambda p: table(p, [*ROWS, "x.png,1"]), "line 14: a name and 2 numbers are needed"),
        (lambda p: table(p, ROWS, "file,a,a"), "must name its attributes in line 1, each once"),
        (lambda p: table(p, [r.split(",")[0] + ",1,1" for r in ROWS]), "none of the attributes"),
        (lambda p: table(p, ROWS[:2]), "lists 2 pictures"),
        (lambda p: shutil.copy(table(p, ROWS) / "mine.csv", p / "b.csv") and p, "2 CSV files"),
    ],
)
def test_a_folder_that_cannot_serve_is_one_line(tmp_path, make, words):
    path = make(tmp_path / "mine")
    with pytest.raises(ConfigError) as caught:
        Folder(data=str(path), size=8).read()
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("list_attr_celeba.txt", lambda t: t[: len(t) // 2], "numbers are needed"),
        (
            "list_attr_celeba.txt",
            lambda t: "\n".join(t.split("\n")[:40]),
            "80 pictures, and",
        ),
        ("list_attr_celeba.txt", lambda t: t.partition("\n")[2], "begin with the number"),
        ("list_eval_partition.txt", lambda t: t.replace("000003.png 0\n", ""), "000003.png"),
        ("list_eval_partition.txt", lambda t: t.replace(" 2", " 0"), "0 to the test set"),
    ],
)
def test_a_list_of_celebas_that_is_cut_off_is_one_line(tmp_path, name, change, words):
    path = celeba(tmp_path / "faces", height=8, width=8)
    (path / name).write_text(change((path / name).read_text()))
    with pytest.raises(ConfigError) as caught:
        Folder(data=str(path), size=8).read()
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_larger_than_memory_or_the_disk_says_what_fits(tmp_path, monkeypatch):
    path = celeba(tmp_path / "faces", height=8, width=8, partition=False)
    monkeypatch.setattr(host, "free_memory", lambda: 10_000)
    with pytest.raises(ConfigError, match=r"--rows 41 fits"):
        Folder(data=str(path), size=8).read()
    assert len(Folder(data=str(path), size=8, rows=41).read().images) == 41
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda path: Full())
    with pytest.raises(ConfigError, match="XDG_CACHE_HOME"):
        Folder(data=str(path), size=8, rows=40).read()


class Full:
    free = 100


# The command --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--world", "folder"], ("--data", "list_attr_celeba.txt", "CelebA.html")),
        (["--factor", "Blonde"], ("--factor Blonde is no factor", "did you mean Blond?")),
        (["--bias", "associate", "--attributes", "Male & Hat"], ("--attributes Hat is no factor",)),
        (["--crop", "99"], ("80 of 80 pictures", "under --crop 99")),
        (["--channels", "2"], ("--channels must be 1 (grey) or 3 (RGB)",)),
    ],
)
def test_the_command_refuses_in_one_line_before_a_device_starts(
    tmp_path, monkeypatch, arguments, words
):
    monkeypatch.setattr(sweep, "start_jax", lambda *a: pytest.fail("a device was started"))
    path = celeba(tmp_path / "faces", height=8, width=8, partition=False)
    place = [] if arguments == ["--world", "folder"] else ["--data", str(path), "--size", "8"]
    flags = ["--preset", "smoke", "--world", "folder", *place, "--likelihood-variance", "1"]
    with pytest.raises(BadInput) as caught:
        sweep.main([*flags, *arguments, "--out", str(tmp_path / "run")])
    assert all(word in str(caught.value) for word in words) and "\n" not in str(caught.value)
