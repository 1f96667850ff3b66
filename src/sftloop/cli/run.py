"""`sftloop run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sftloop.cli import options
from sftloop.cli.training_options import chosen, training_options


@click.command("run")
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
    """Evaluate the untouched model, fine-tune it, evaluate again, and write a report.

    Every step goes on where an interrupted run stopped. Exit code 1 says that a stated target is not met.
    """
    from sftloop.workflow.run import last_lines, run_scenario

    summary = run_scenario(
        scenario,
        chosen(choices),
        model=model,
        tasks=tasks or None,
        limit=limit,
        out=out,
        skip_bad=skip_bad,
    )
    if as_json:
        options.print_json(summary)
    else:
        click.echo("\n".join(last_lines(summary)))
    missed = [task for task in summary["tasks"].values() if task["target"] and not task["target"]["met"]]
    raise click.exceptions.Exit(1 if missed else 0)
