"""`sftloop export-data`: a scenario's records in the formats of other trainers."""

from __future__ import annotations

from pathlib import Path

import click

from sftloop.cli import options


@click.command("export-data")
@options.scenario_argument
@click.option(
    "--format",
    "format_",
    metavar="FORMAT",
    default="openai",
    show_default=True,
    help="openai, sharegpt or alpaca.",
)
@click.option(
    "--split", metavar="SPLIT", default="train", show_default=True, help="train, validation or test."
)
@options.task_option
@options.limit_option
@click.option(
    "--cap/--no-cap",
    default=True,
    show_default=True,
    help="Of train, leave out what exceeds a task's max_records, as training does.",
)
@click.option(
    "--ids", "with_ids", is_flag=True, help="Add id, task, tags, source and group to each row, for an import."
)
@options.seed_option
@options.skip_bad_option
@click.option(
    "--out", type=click.Path(path_type=Path), help="By default export/SPLIT.FORMAT.jsonl in the scenario."
)
@options.json_option
def command(  # noqa: PLR0913, PLR0917 (one parameter per option)
    scenario: Path,
    format_: str,
    split: str,
    tasks: tuple[str, ...],
    limit: int | None,
    cap: bool,
    with_ids: bool,
    seed: int,
    skip_bad: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Write records with their rendered prompts as JSON Lines that any other trainer reads.

    Each row holds the very system text, user text and answer that this package trains on.
    """
    from sftloop.workflow.data import export_records

    result = export_records(
        scenario,
        format=format_,
        split=split,
        tasks=tasks,
        limit=limit,
        capped=cap,
        with_ids=with_ids,
        seed=seed,
        skip_bad=skip_bad,
        out=out,
    )
    if as_json:
        options.print_json(result.to_json())
        return
    click.echo(f"{result.path}: {result.n} records of {result.split} as {result.format}")
    for task, count in result.tasks.items():
        left_out = f", {result.dropped[task]} left out by max_records" if task in result.dropped else ""
        click.echo(f"  {task}: {count}{left_out}")
