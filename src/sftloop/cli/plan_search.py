"""`sftloop plan search`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sftloop.cli import options
from sftloop.cli.training_options import chosen, training_options


@click.command("search")
@options.scenario_argument
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    required=True,
    help="How long to search; more minutes later go on from there.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Trainings of the best plan and of the default one with fresh seeds, as far as the time goes.",
)
@options.model_option
@options.task_option
@training_options
@options.out_option
@options.skip_bad_option
@options.json_option
def command(
    scenario: Path,
    minutes: float,
    seeds: int,
    model: str | None,
    tasks: tuple[str, ...],
    out: Path | None,
    skip_bad: bool,
    as_json: bool,
    **choices: Any,
) -> None:
    """Search for better hyper-parameters: batch size, then learning rate, then the rest.

    What is given on the command line is kept, the rest is searched. The default plan comes first and is among the
    finalists; the plan that is written is never worse than it on the validation records.
    """
    from sftloop.workflow.search import search_plan

    fixed = frozenset(chosen({**choices, "plan": None}))
    result = search_plan(
        scenario,
        chosen(choices),
        fixed=fixed,
        minutes=minutes,
        seeds=seeds,
        model=model,
        tasks=tasks or None,
        out=out,
        skip_bad=skip_bad,
    )
    if as_json:
        options.print_json(result)
    else:
        _print(result)


_VERDICTS = {
    "better": "better than the default plan",
    "worse": "worse than the default plan",
    "mixed": "better on some tasks, worse on others",
    "inconclusive": "the difference could be chance",
    "nothing_else": "no other plan was trained on all of the data in this time",
}


def _print(result: dict[str, Any]) -> None:
    click.echo(
        f"{len(result['trials'])} trials in {result['seconds'] / 60:.1f} of {result['minutes']:g} minutes"
    )
    for name, change in result["changes"].items():
        click.echo(f"  {name}: {_short(change['default'])} → {_short(change['searched'])}")
    for task in result["tasks"]:
        for row in task["rows"]:
            click.echo(f"  {task['task']}, {row['name']}: {task['metric']} {options.percent(_entry(row))}")
    click.echo(f"Best trial: {_VERDICTS[result['verdict']]}; taken: the {result['chosen']} plan")
    if result["finals"]["ahead"] and not result["finals"]["fresh"]:
        click.echo(
            "No time was left for fresh seeds: the scores are those it was chosen by, which flatter it."
        )
    click.echo(f"Plan: {result['plan']} ({result['command']})")
    click.echo(f"Page: {result['page']}")


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    return {"value": row["mean"], "low": row["low"], "high": row["high"]}


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
