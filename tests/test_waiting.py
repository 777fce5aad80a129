import pytest

from biasvae_jax import waiting


def test_a_quiet_block_prints_nothing_and_leaves_no_silence_behind(capsys):
    with waiting.quiet(True):
        waiting.note("unheard")
        with waiting.quiet(False):
            waiting.note("heard")
    with pytest.raises(RuntimeError), waiting.quiet(True):
        raise RuntimeError("ends it")
    waiting.note("after")
    assert capsys.readouterr().err.split() == ["heard", "after"]
