"""`sftloop report`: the page again, and how it answers."""

from __future__ import annotations

import json

from click.testing import CliRunner
from tests.unit.report.saved_run import write_run

from sftloop.cli.report import command


def test_rebuilds_the_page(tmp_path):
    directory = write_run(tmp_path / "run", n=8)
    result = CliRunner().invoke(command, [str(directory), "--json"])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    page = directory / "report.html"
    assert answer == {"report": str(page), "bytes": page.stat().st_size}


def test_says_where_the_page_is(tmp_path):
    directory = write_run(tmp_path / "run", n=8)
    result = CliRunner().invoke(command, [str(directory)])
    assert result.stdout.startswith(str(directory / "report.html"))
    assert result.stdout.endswith(" KB)\n")
