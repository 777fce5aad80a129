"""Pictures in the middle of training: which, and how they are written."""

import numpy as np

from biasvae_jax.scores.frames import MOST_BYTES, images_stored, packed, rows_shown, unpacked
from biasvae_jax.training.course import frame_steps


def test_frames_are_ten_snapshots_at_most_with_the_last_among_them():
    assert frame_steps(()) == () and frame_steps((7,)) == (7,) and frame_steps((1, 4)) == (1, 4)
    steps = tuple(range(50, 3_000, 100))
    found = frame_steps(steps)
    assert len(found) == 10 and set(found) <= set(steps) and found[-1] == steps[-1]


def test_pictures_of_a_run_never_take_more_than_16_mib():
    for cells, frames, pixels in ((121, 10, 441), (121, 10, 12_288), (9, 1, 4_096), (5_000, 10, 9)):
        images = images_stored(cells, frames, pixels)
        assert images <= 3 and cells * frames * pixels * images <= MOST_BYTES
        assert images == 3 or cells * frames * pixels * (images + 1) > MOST_BYTES
    assert images_stored(121, 0, 441) == 0 and images_stored(10**6, 10, 441) == 0


def test_bytes_hold_intensities_to_1_of_508_and_what_is_not_finite_is_missing():
    x = np.append(np.linspace(0, 1, 1_001), [-0.5, 1.5, np.nan, np.inf]).astype(np.float32)
    found = unpacked(np.asarray(packed(x)))
    np.testing.assert_allclose(found[:1_003], np.clip(x[:1_003], 0, 1), atol=1 / 507)
    assert np.isnan(found[1_003:]).all()


def test_a_test_set_of_two_images_shows_two():
    assert sorted(rows_shown(2)) == [0, 1] and len(set(rows_shown(1_000))) == 3
