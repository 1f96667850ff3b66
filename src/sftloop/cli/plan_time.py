"""`sftloop plan time`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sftloop.cli import options
from sftloop.cli.training_options import chosen, training_options


@click.command("time")
@options.scenario_argument
@options.model_option
@options.task_option
@options.limit_option
@click.option(
    "--pilot",
    "largest",
    type=click.Choice(["1/100", "1/10"]),
    default="1/10",
    show_default=True,
    help="The last pilot's share of the data; the first is a hundredth.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="A second pilot that would take longer is made smaller.",
)
@training_options
@options.out_option
@options.skip_bad_option
@options.json_option
def command(
    scenario: Path,
    model: str | None,
    tasks: tuple[str, ...],
    limit: int | None,
    largest: str,
    minutes: float,
    out: Path | None,
    skip_bad: bool,
    as_json: bool,
    **choices: Any,
) -> None:
    """Forecast how long `sftloop run` with the same arguments will take here.

    Times a few real steps and answers, throws them away, and scales them to the lengths of all records. A run that
    follows is scored against the forecast.
    """
    from sftloop.workflow.plan_time import last_lines, plan_time

    result = plan_time(
        scenario,
        chosen(choices),
        model=model,
        tasks=tasks or None,
        limit=limit,
        out=out,
        skip_bad=skip_bad,
        largest=largest,
        minutes=minutes,
    )
    if as_json:
        options.print_json(result)
    else:
        click.echo("\n".join(last_lines(result)))
