"""What pages written from runs share: tables that are CSV too, and files beside a page."""

import csv
import io

import numpy as np
import pytest

from biasvae_jax.cli import common
from biasvae_jax.statistics.intervals import Interval
from experiments.pages import command, documents
from experiments.pages.documents import Page, Picture, publish
from experiments.pages.tables import Cell, Table, code, fixed

INTERVAL = Interval(0.123456789, 0.1, 0.15, 5, 0)


def rows(table):
    return list(csv.DictReader(io.StringIO(table.csv())))


def test_a_csv_has_the_numbers_of_its_table_in_full():
    table = Table(
        "t",
        {"score": "score", "KL": "kl_nats", "β": "beta"},
        [[code("r2"), INTERVAL, np.float32(0.5)], [Cell("**b**", {"": "b"}), INTERVAL, 1_000]],
    )
    assert table.markdown().splitlines()[2] == "| `r2` | 0.12 [0.10, 0.15] | 0.5 |"
    first, second = rows(table)
    assert first == {
        "score": "r2", "kl_nats": "0.123456789", "kl_nats_low": "0.1", "kl_nats_high": "0.15",
        "kl_nats_seeds": "5", "beta": "0.5",
    }  # fmt: skip
    assert second["score"] == "b" and second["beta"] == "1000" and "| 1,000 |" in table.markdown()


def test_what_has_no_value_is_a_dash_for_people_and_nothing_for_programs():
    nothing = Interval(np.nan, np.nan, np.nan, 0, 3)
    table = Table("t", {"a": "a", "b": "b", "c": "c"}, [[fixed(np.nan, 2), "–", nothing]])
    assert table.markdown().splitlines()[2] == "| – | – | – |"
    (row,) = rows(table)
    assert row == {"a": "", "b": "", "c": "", "c_low": "", "c_high": "", "c_seeds": "0"}


def test_rows_may_have_different_columns_behind_them():
    table = Table("t", {"share": "n"}, [[Cell("2 of 3", {"": 2, "_of": 3})], [Cell("–", {"": 0})]])
    assert rows(table) == [{"n": "2", "n_of": "3"}, {"n": "0", "n_of": ""}]
    assert Table("t", {"a": "a"}, []).csv() == "a\n"


def test_a_long_table_is_folded_away(tmp_path):
    table = Table("t", {"a": "a"}, [["x"]] * (documents.LONG + 1))
    publish(tmp_path / "p.md", Page("p", "P", "", [table, table._replace(rows=table.rows[1:])]))
    text = (tmp_path / "p.md").read_text()
    assert text.count("</details>\n\n*In full:") == 1 and text.count("| x |") == 29
    assert "<summary>Table of 15 rows</summary>\n\n| a |" in text


def test_a_page_may_be_written_under_any_name(tmp_path):
    drawn = []

    def draw():
        from matplotlib.figure import Figure

        drawn.append(1)
        return Figure(figsize=(1, 1))

    page = Page("one", "One", "Yes.", ["", Table("numbers", {"a": "a"}, [["x"]])])
    front = Page("all", "All", "It depends.", [Picture("dot", "a dot", draw, "A dot.")])
    publish(tmp_path / "mine.md", front, [page])
    assert (tmp_path / "mine.md").read_text() == (
        "# All\n\nIt depends.\n\n![a dot](images/dot.png)\n\n*A dot.*\n"
    )
    text = (tmp_path / "mine" / "one.md").read_text()
    assert "(../mine.md)" in text and "(numbers.csv)" in text and drawn == [1]
    assert (tmp_path / "mine" / "numbers.csv").read_text() == "a\nx\n"
    assert (tmp_path / "images" / "dot.png").exists()


def test_a_page_without_an_ending_has_no_folder_beside_it():
    with pytest.raises(common.UsageError, match=r"--page .*ending"):
        command.make("findings", {}, lambda *_: None, ["--page", "mine"], "program", "")
