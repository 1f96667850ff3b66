"""`sftloop eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sftloop.cli import options


@click.command("eval")
@options.scenario_argument
@options.model_option
@options.adapter_option
@click.option(
    "--split", default="test", show_default=True, metavar="SPLIT", help="train, validation or test."
)
@options.task_option
@options.limit_option
@options.out_option
@options.seed_option
@options.skip_bad_option
@options.json_option
def command(
    scenario: Path,
    model: str | None,
    adapter: Path | None,
    split: str,
    tasks: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    seed: int,
    skip_bad: bool,
    as_json: bool,
) -> None:
    """Evaluate a model on a scenario's records, each task with 95 % intervals.

    Exit code 1 says that a stated target is not met.
    """
    from sftloop.evaluate import primary_metric, reached_in_words, target_in_words
    from sftloop.scenario import load_scenario
    from sftloop.workflow.evaluate import evaluate_scenario

    result = evaluate_scenario(
        scenario,
        model=model,
        adapter=adapter,
        split=split,
        tasks=tasks or None,
        limit=limit,
        out=out,
        seed=seed,
        skip_bad=skip_bad,
    )
    missed = [
        name for name, found in result["tasks"].items() if found["target"] and not found["target"]["met"]
    ]
    if as_json:
        options.print_json(result)
    else:
        loaded = load_scenario(scenario)
        for name, found in result["tasks"].items():
            metric = primary_metric(loaded.tasks[name])
            valid = found["format_valid"]
            shown = f", format valid {valid:.3f}" if valid is not None else ""
            click.echo(
                f"{name}: {metric} {options.percent(found['metrics'][metric])} on {_asked(found)}{shown}"
            )
        for name in missed:
            target = result["tasks"][name]["target"]
            click.echo(f"{name}: target {target_in_words(target)} not met ({reached_in_words(target)})")
        click.echo(f"Predictions: {result['predictions']}")
    raise click.exceptions.Exit(1 if missed else 0)


def _asked(found: dict[str, Any]) -> str:
    """Return how many records the figures stand on, and how many calls failed, if any did."""
    n, failed = found["n"], found["errors"]
    return f"{n - failed:,} of {n:,} ({failed:,} calls failed)" if failed else f"{n:,}"
