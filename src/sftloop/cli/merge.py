"""`sftloop merge`."""

from __future__ import annotations

from pathlib import Path

import click

from sftloop.cli import options


@click.command("merge")
@options.scenario_argument
@options.model_option
@click.option(
    "--adapter",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The trained adapter's folder, or the run that trained it.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The merged model's folder; must not exist.",
)
@options.json_option
def command(scenario: Path, model: str | None, adapter: Path, out: Path, as_json: bool) -> None:
    """Add a trained adapter to its base model: a plain model for any server or trainer."""
    from sftloop.workflow.merge import merge_scenario

    result = merge_scenario(scenario, adapter, out, model=model)
    if as_json:
        options.print_json(result)
    else:
        click.echo(f"Model: {result['output']}")
