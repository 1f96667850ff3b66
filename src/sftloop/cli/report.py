"""`sftloop report`: make a run's page again from what it saved."""

from __future__ import annotations

from pathlib import Path

import click

from sftloop.cli import options


@click.command("report")
@click.argument("run_directory", metavar="RUN_DIR", type=click.Path(path_type=Path))
@options.json_option
def command(run_directory: Path, as_json: bool) -> None:
    """Rebuild the page in RUN_DIR: of run, compare, diagnose, audit, select, prompt improve or plan.

    It is one file that needs no network, readable on a phone and on paper, in the scenario's language.
    """
    from sftloop.report.rebuild import rebuild_page

    path = rebuild_page(run_directory)
    size_bytes = path.stat().st_size
    if as_json:
        options.print_json({"report": str(path), "bytes": size_bytes})
    else:
        click.echo(f"{path} ({size_bytes / 1000:.0f} KB)")
