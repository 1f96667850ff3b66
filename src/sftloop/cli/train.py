"""`sftloop train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sftloop.cli import options
from sftloop.cli.training_options import chosen, training_options


@click.command("train")
@options.scenario_argument
@options.model_option
@options.task_option
@options.limit_option
@training_options
@options.out_option
@options.skip_bad_option
@options.json_option
def command(
    scenario: Path,
    model: str | None,
    tasks: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    skip_bad: bool,
    as_json: bool,
    **choices: Any,
) -> None:
    """Fine-tune a model on a scenario's training records.

    Validates after every epoch and keeps the best weights; goes on where an interrupted training stopped.
    """
    from sftloop.workflow.train import train_scenario

    result = train_scenario(
        scenario,
        chosen(choices),
        model=model,
        tasks=tasks or None,
        limit=limit,
        out=out,
        skip_bad=skip_bad,
    )
    if as_json:
        options.print_json(result)
    else:
        best = result["best"]
        click.echo(
            f"{result['method']}: {result['records']} records, {result['steps']} steps; "
            f"best validation score {best['score']:.3f}, after step {best['step']}"
        )
        click.echo(f"Weights: {Path(result['run']) / result['output']}")
