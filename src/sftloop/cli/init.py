"""`sftloop init`: a starter scenario in a new directory."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import click

from sftloop.cli import options


@click.command("init")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--language", metavar="LANGUAGE", default="en", show_default=True, help="en or zh: of the starter."
)
@options.json_option
def command(directory: Path, language: str, as_json: bool) -> None:
    """Write a commented scenario.yaml and three records per split into DIR.

    DIR is made if it doesn't exist; one that holds anything is refused.
    """
    from sftloop.workflow.init import init_scenario

    result = init_scenario(directory, language=language)
    if as_json:
        options.print_json(result.to_json())
        return
    for name in result.files:
        click.echo(Path(result.directory) / name)
    click.echo(
        f"Edit {Path(result.directory) / 'scenario.yaml'}, then: sftloop prompt lint {quote(str(directory))}"
    )
