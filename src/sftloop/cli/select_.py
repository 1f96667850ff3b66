"""`sftloop select prune|filter|attribute`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sftloop.cli import options
from sftloop.cli.training_options import chosen, training_options

_OF_RECORDS = ("random", "balanced", "longest", "bm25")
_OF_A_POOL = ("random", "longest", "bm25", "dsir")


def _shared(*baselines: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add what every mode takes; `baselines` are those it has."""
    added = (
        options.scenario_argument,
        options.model_option,
        click.option("--no-model", is_flag=True, help="Compare texts by their n-grams: no model, seconds."),
        options.task_option,
        click.option(
            "--prove", is_flag=True, help="Train on the selection and on every baseline, and compare."
        ),
        click.option(
            "--against",
            multiple=True,
            type=click.Choice(baselines),
            help="With --prove, train on this baseline only (repeatable); on all by default.",
        ),
        click.option(
            "--seeds",
            type=click.IntRange(1),
            default=3,
            show_default=True,
            help="Trainings each, for --prove.",
        ),
        click.option(
            "--prove-on",
            default="test",
            show_default=True,
            metavar="SPLIT",
            help="Split that the trained models are measured on.",
        ),
        options.out_option,
        options.skip_bad_option,
        options.json_option,
    )

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(added):
            command = option(command)
        return training_options(command)

    return add


@click.group("select")
def command() -> None:
    """Choose the records to train on; every choice stands beside random ones of the same size."""


@command.command("prune")
@click.option("--n", "size", type=click.IntRange(1), help="Keep so many records.")
@click.option(
    "--coverage", type=click.FloatRange(0, 1, min_open=True), help="Keep as few as cover this share."
)
@_shared(*_OF_RECORDS)
def prune(scenario: Path, **given: Any) -> None:
    """Drop redundant training records, keep what covers the rest.

    Boundary, rare-label and reviewed records stay.
    """
    from sftloop.workflow.select_prune import prune_scenario

    _finish(prune_scenario, scenario, given)


@command.command("filter")
@click.option(
    "--pool",
    "pools",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="A file or folder of records to choose from (repeatable): JSON Lines, CSV, Parquet or text.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME",
    help="A column whose text counts (repeatable); without it every text of a row does.",
)
@click.option("--n", "size", type=click.IntRange(1), required=True, help="How many to choose.")
@click.option("--ray", is_flag=True, help="Read the pool on the workers of a Ray cluster.")
@click.option("--rerank", is_flag=True, help="Also rank by what a small adapter learned from the examples.")
@_shared(*_OF_A_POOL)
def filter_(scenario: Path, **given: Any) -> None:
    """Choose from a large pool what serves this scenario.

    The scenario's training records are the examples; without any, its definitions are.
    """
    from sftloop.workflow.select_filter import filter_pool

    _finish(filter_pool, scenario, given)


@command.command("attribute")
@click.option(
    "--n", "size", type=click.IntRange(1), help="How many to select; half of the records by default."
)
@click.option(
    "--by",
    type=click.Choice(["loss-drop", "less", "gradient-cosine"]),
    default="loss-drop",
    show_default=True,
    help="What a record's help is measured by.",
)
@click.option("--target", default="validation", show_default=True, metavar="SPLIT", help="What should gain.")
@_shared(*_OF_RECORDS)
def attribute(scenario: Path, **given: Any) -> None:
    """Say which training records help the scenario most, and which harm it."""
    from sftloop.workflow.select_attribute import attribute_scenario

    _finish(attribute_scenario, scenario, given)


def _finish(work: Callable[..., dict[str, Any]], scenario: Path, given: dict[str, Any]) -> None:
    from sftloop.workflow.selecting import Asked

    of_mode = ("size", "coverage", "pools", "columns", "rerank", "ray", "by", "target")
    of_all = ("model", "no_model", "tasks", "out", "skip_bad", "prove", "against", "seeds", "prove_on")
    passed = {name: given.pop(name) for name in of_mode if name in given}
    as_json = given.pop("as_json")
    asked = {name: given.pop(name) for name in of_all}
    result = work(scenario, Asked(**asked, training=chosen(given)), **passed)
    if as_json:
        options.print_json(result)
    else:
        _print(result)


def _print(result: dict[str, Any]) -> None:
    click.echo(f"{result['mode']}: {result['n_out']:,} of {result['n_in']:,} records")
    for task in result["proof"] or []:
        for row in task["rows"]:
            limits = f"[{row['low']:.3f}, {row['high']:.3f}]" if row["low"] is not None else ""
            mean = "–" if row["mean"] is None else f"{row['mean']:.3f}"
            click.echo(f"  {task['task']}, {row['name']}: {task['metric']} {mean} {limits}")
        for found in task["verdicts"]:
            limits = "no interval" if found["low"] is None else f"[{found['low']:+.3f}, {found['high']:+.3f}]"
            gain = "–" if found["difference"] is None else f"{found['difference']:+.3f}"
            click.echo(f"  against {found['against']}: {gain} {limits}, {found['verdict']}")
    click.echo(f"Selected: {result['selected']}\nPage: {result['page']}")
