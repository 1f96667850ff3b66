"""`sftloop plan learning-curve`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sftloop.cli import options
from sftloop.cli.training_options import chosen, training_options


@click.command("learning-curve")
@options.scenario_argument
@click.option(
    "--methods",
    default="lora,full,ptuning",
    show_default=True,
    metavar="A,B,…",
    help="Two or three methods to compare.",
)
@click.option(
    "--seeds", type=click.IntRange(1), default=3, show_default=True, help="Trainings of each on each share."
)
@click.option(
    "--split",
    default="validation",
    show_default=True,
    metavar="SPLIT",
    help="Split that the trained models are measured on.",
)
@options.model_option
@options.task_option
@training_options
@options.out_option
@options.skip_bad_option
@options.json_option
def command(scenario: Path, methods: str, as_json: bool, **given: Any) -> None:
    """Say which method wins now, with twice and with ten times the data.

    Trains each method on 1/8, 1/4, 1/2 and all of the records with several seeds and fits a curve with its
    uncertainty. A learning rate and a method's options are for the scenario's method; other methods keep
    their defaults.
    """
    from sftloop.workflow.learning_curve import learning_curve

    names = ("seeds", "split", "model", "tasks", "out", "skip_bad")
    of_verb = {name: given.pop(name) for name in names}
    result = learning_curve(
        scenario,
        chosen(given),
        methods=[name.strip() for name in methods.split(",") if name.strip()],
        **of_verb,
    )
    if as_json:
        options.print_json(result)
    else:
        _print(result)


def _print(result: dict[str, Any]) -> None:
    for task in result["tasks"]:
        for curve in task["methods"]:
            for point in curve["points"]:
                entry = {"value": point["mean"], "low": point["low"], "high": point["high"]}
                click.echo(
                    f"{task['task']}, {curve['method']}, {point['n']} records: "
                    f"{task['metric']} {options.percent(entry)}"
                )
            for row in curve["foretold"][1:]:
                click.echo(
                    f"{task['task']}, {curve['method']}, {row['n']:.0f} records: "
                    f"{options.percent(row)} foretold"
                )
        for winner in task["winners"]:
            click.echo(f"{task['task']}, {_times(winner['times'])}: {_said(winner)}")
    click.echo(f"Page: {result['page']}")


def _times(times: int) -> str:
    return "now" if times == 1 else f"at {times} times the data"


def _said(winner: dict[str, Any]) -> str:
    if winner["wins"]:
        return f"{winner['best']} wins"
    with_it = [one["against"] for one in winner["verdicts"] if one["verdict"] != "better"]
    return f"can't tell {winner['best']} from {', '.join(with_it)}" if with_it else "nothing to compare"
