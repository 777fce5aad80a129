"""Help fits a screen, and a shell completes what is typed."""

import re
import subprocess

import pytest

from biasvae_jax.cli import completion, flags, list, main, report, score, sweep
from biasvae_jax.cli.flags.reading import _flags
from biasvae_jax.errors import UsageError

MOST = 60  # lines
STUDIES = [
    [],
    ["--preset", "rivers"],
    ["--preset", "faces"],
    ["--world", "table", "--objective", "factor", "--network", "conv"],
]


def helped(capsys, command, *words):
    with pytest.raises(SystemExit) as stop:
        command([*words], "biasvae it")
    assert not stop.value.code
    return capsys.readouterr().out


@pytest.mark.parametrize("words", STUDIES)
def test_one_screen_names_every_flag_of_what_is_chosen(words, capsys):
    text = helped(capsys, sweep.main, *words, "-h")
    study = flags.choose(words).study
    parts = (study.world, study.bias, study.objective, study.network, study.training)
    wanted = set().union(*map(_flags, (*parts, sweep.Execution())))
    wanted |= {"--preset", "--world", "--bias", "--objective", "--network", "--config", "--use"}
    assert wanted | {"--seeds", "--latent-dim"} <= set(re.findall(r"--[a-z][\w-]*", text))
    lines = text.splitlines()
    assert len(lines) < MOST and max(map(len, lines)) < 100
    assert sum(line.startswith("  --") and "   " in line for line in lines) >= 3


@pytest.mark.parametrize("command", [score, report, list])
def test_the_other_commands_explain_themselves_on_a_screen_with_three_examples(command, capsys):
    text = helped(capsys, command.main, "--help")
    assert text.count("\n") < MOST and len(re.findall(r"^  biasvae \w+", text, re.MULTILINE)) >= 3


def test_the_programs_own_help_names_commands_that_there_are(capsys):
    main.main([])
    text = capsys.readouterr().out
    assert text.count("\n") < 30 and len(main.EXAMPLES) == 3
    for words in main.EXAMPLES:
        assert words.split()[1] in main.COMMANDS and words in text
    for name in main.COMMANDS:
        assert callable(main.command(name)) and f"  {name} " in text


def test_findings_need_the_checkout(tmp_path):
    with pytest.raises(UsageError, match=r"biasvae findings needs .* checkout; clone it and run"):
        main.findings(tmp_path)


def completed(words):
    """Ask bash what it completes the last word to."""
    lines = [completion.script("bash"), f"COMP_WORDS=({words})", "COMP_LINE=$COMP_WORDS"]
    lines += ["COMP_CWORD=$((${#COMP_WORDS[@]} - 1))", "_tyro_biasvae"]
    lines += ["printf '%s\\n' \"${COMPREPLY[@]}\""]
    done = subprocess.run(["bash"], input="\n".join(lines), capture_output=True, text=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("biasvae s", ["score", "sweep"]),
        ("biasvae sweep --obj", ["--objective"]),
        ("biasvae sweep --objective beta_", ["beta_elbo", "beta_tc"]),
        ("biasvae list --w", ["--where"]),
    ],
)
def test_bash_completes_commands_flags_and_values(words, found):
    assert completed(words) == found


def test_every_choice_of_a_completion_is_a_flag():
    """A help text of two lines once made a choice of its second."""
    assert all(word.startswith("--") for word in completed("biasvae sweep --"))


@pytest.mark.parametrize("shell", [[], ["fish"], ["bash", "zsh"]])
def test_an_unknown_shell_is_told_the_known(shell):
    with pytest.raises(UsageError, match="takes bash or zsh or tcsh"):
        main.main(["--tyro-print-completion", *shell])
