import dataclasses
import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax.components import (
    ROLES,
    ConfigError,
    UnknownKind,
    find_kind,
    from_values,
    kinds,
    register,
    settle,
    to_values,
    use_file,
)
from biasvae_jax.objectives import BetaElbo, Objective
from biasvae_jax.worlds import Squares

BUILT_IN = [(role, kind) for role in ROLES for kind in kinds(role)]


@pytest.mark.parametrize(("role", "kind"), BUILT_IN)
def test_every_component_survives_json_and_is_its_own_key(role, kind):
    component = find_kind(role, kind)()
    again = from_values(role, json.loads(json.dumps(to_values(component))))
    assert again == component and hash(again) == hash(component)
    assert to_values(component)["kind"] == kind and component.role == role


def test_a_missing_field_takes_its_default_and_an_unknown_one_is_refused():
    assert from_values("world", {"kind": "squares", "n": 2}) == Squares(n=2)
    with pytest.raises(ConfigError, match="squares has no colour"):
        from_values("world", {"kind": "squares", "colour": "red"})


def test_an_unknown_kind_names_the_known_and_the_nearest():
    with pytest.raises(UnknownKind, match=r"did you mean squares\?.*squares, table"):
        find_kind("world", "sqares")


@dataclass(frozen=True)
class Renamed(BetaElbo):
    """An objective whose field `weight` was called `w` in its first version."""

    weight: float = 1.0
    kind = "renamed"
    version = 2

    @classmethod
    def migrate(cls, values, version):
        values = dict(values)
        return {"weight": values.pop("w"), **values} if version == 1 else values


def test_an_older_version_is_migrated_and_a_newer_one_refused():
    register(Renamed)
    assert from_values("objective", {"kind": "renamed", "w": 3}).weight == 3.0
    assert from_values("objective", {"kind": "renamed", "version": 2, "weight": 4}).weight == 4.0
    with pytest.raises(ConfigError, match="version 3, and this is 2"):
        from_values("objective", {"kind": "renamed", "version": 3})


def test_a_kind_of_another_class_is_not_replaced():
    @dataclass(frozen=True)
    class Other(Objective):
        kind = "beta_elbo"

    with pytest.raises(ConfigError, match="already"):
        register(Other)
    assert find_kind("objective", "beta_elbo") is BetaElbo


@given(st.integers(-(2**53), 2**53))
def test_numbers_are_put_into_their_declared_type_without_loss(value):
    assert settle(value, float) == value and isinstance(settle(value, float), float)
    assert settle([value], tuple[float, ...]) == (float(value),)
    assert settle(np.int64(value), int) == value and type(settle(np.int64(value), int)) is int
    assert settle(value, float | None) == value and settle(None, float | None) is None


def test_minus_nought_is_nought_and_what_does_not_fit_is_left():
    assert str(settle(-0.0, float)) == "0.0" and str(settle((-0.0,), tuple[float, ...])) == "(0.0,)"
    assert settle(np.linspace(0, 1, 3), tuple[float, ...]) == (0.0, 0.5, 1.0)
    assert settle(1.5, int) == 1.5 and settle(True, float) is True and settle("1", float) == "1"


OWN = """
from dataclasses import dataclass
from biasvae_jax import Axis, LatentBias

@dataclass(frozen=True)
class Half(LatentBias):
    kind = "half"
    axis = Axis("half", "h", "a half", (0.0, 1.0), neutral=0.0)
    def latents(self, noise, strength):
        return noise * (1 - strength / 2)
"""


def test_a_file_of_ones_own_is_used_again_and_again(tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    assert [c.kind for c in use_file(tmp_path / "mine.py")] == ["half"]
    assert use_file(tmp_path / "mine.py")[0] is find_kind("bias", "half")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / 0", "failed: ZeroDivisionError"),
        ("def (", "failed: SyntaxError"),
        ("x = 1", "defines no component"),
        ("from biasvae_jax import Squares", "defines no component"),
        (None, "no such file"),
    ],
)
def test_a_file_that_fails_or_defines_nothing_is_one_line(tmp_path, text, message):
    if text is not None:
        (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        use_file(tmp_path / "mine.py")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("role", "kind"), BUILT_IN)
def test_a_field_is_a_number_a_text_none_or_numbers(role, kind):
    for name, value in vars(find_kind(role, kind)()).items():
        parts = value if isinstance(value, tuple) else (value,)
        assert all(part is None or isinstance(part, int | float | str) for part in parts), name


@pytest.mark.parametrize(("role", "kind"), BUILT_IN)
def test_no_field_of_two_components_that_can_meet_has_one_name(role, kind):
    """Flags are flat, so a name must say which field it is."""
    names = {f.name for f in dataclasses.fields(find_kind(role, kind))}
    for other, kind_ in BUILT_IN:
        if other != role:
            shared = names & {f.name for f in dataclasses.fields(find_kind(other, kind_))}
            assert not shared, (kind, kind_, shared)
