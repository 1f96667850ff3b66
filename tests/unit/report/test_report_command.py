"""`sftloop report`: the page again, whichever run it is of, and how it answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.unit.report.saved_audit import write_audit
from tests.unit.report.saved_comparison import comparison, write_comparison
from tests.unit.report.saved_run import write_run
from tests.unit.report.saved_selection import pruned, write_selection

from sftloop.cli.report import command
from sftloop.core.errors import UsageError


def test_rebuilds_the_page(tmp_path):
    directory = write_run(tmp_path / "run", n=8)
    result = CliRunner().invoke(command, [str(directory), "--json"])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    page = directory / "report.html"
    assert answer == {"report": str(page), "bytes": page.stat().st_size}


@pytest.mark.parametrize(
    ("write", "page"),
    [
        (lambda place: write_run(place, n=8), "report.html"),
        (lambda place: write_comparison(place, comparison()), "compare.html"),
        (write_audit, "audit.html"),
        (lambda place: write_selection(place, pruned()), "select.html"),
    ],
    ids=["run", "compare", "audit", "select"],
)
def test_says_where_the_page_is(tmp_path, write, page):
    directory = tmp_path / "run"
    directory.mkdir()
    write(directory)
    (directory / page).unlink(missing_ok=True)
    result = CliRunner().invoke(command, [str(directory)])
    assert result.stdout.startswith(str(directory / page)), result.output
    assert result.stdout.endswith(" KB)\n") and (directory / page).stat().st_size > 10_000


def test_a_directory_without_a_result_is_refused(tmp_path: Path):
    for place, said in ((tmp_path, "holds no finished result"), (tmp_path / "gone", "There is no directory")):
        refused = CliRunner().invoke(command, [str(place)])
        assert isinstance(refused.exception, UsageError) and said in refused.exception.message
