"""`sftloop import`: records of another format into a scenario's data files."""

from __future__ import annotations

from pathlib import Path

import click

from sftloop.cli import options


@click.command("import")
@options.scenario_argument
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--task",
    metavar="TASK",
    help="The task of every row; needed unless there is only one or the rows name it.",
)
@click.option(
    "--format",
    "format_",
    metavar="FORMAT",
    default="",
    help="openai, sharegpt, alpaca, csv, excel, parquet, jsonl, records, promptfoo or openai-evals; by default "
    "found out from the file.",
)
@click.option(
    "--map",
    "pairs",
    metavar="PART=COLUMN",
    multiple=True,
    help="Which column fills which part of a record, e.g. message=text or label=category (repeatable).",
)
@click.option("--split", metavar="SPLIT", help="Add all records to train, validation or test.")
@click.option(
    "--split-by",
    "shares",
    metavar="SHARES",
    help="Divide them, e.g. 0.8,0.1,0.1: stratified by label, the same input always on one side.",
)
@options.seed_option
@options.skip_bad_option
@click.option("--encoding", metavar="NAME", default="utf-8", show_default=True, help="Of FILE, e.g. gb18030.")
@click.option("--out", type=click.Path(path_type=Path), help="A file, or with --split-by a directory.")
@options.json_option
def command(  # noqa: PLR0913, PLR0917 (one parameter per option)
    scenario: Path,
    file: Path,
    task: str | None,
    format_: str,
    pairs: tuple[str, ...],
    split: str | None,
    shares: str | None,
    seed: int,
    skip_bad: bool,
    encoding: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Add the records in FILE to a scenario's data files.

    Reads OpenAI messages, ShareGPT and Alpaca (JSON Lines or one JSON array), CSV, Excel, Parquet, plain objects,
    and the test suites of promptfoo and of OpenAI's evals. Records that are already there stay; importing the same
    file again changes nothing. Rows that don't fit (malformed, a label the scenario doesn't know, an id used
    before) end the command, with file, line and reason of each, before anything is written.
    """
    from sftloop.workflow.data import import_records
    from sftloop.workflow.destination import Destination, parse_mapping, parse_shares

    result = import_records(
        scenario,
        file,
        Destination(split=split, shares=None if shares is None else parse_shares(shares), seed=seed, out=out),
        task=task,
        format=format_,
        mapping=parse_mapping(pairs),
        encoding=encoding,
        skip_bad=skip_bad,
    )
    for note in result.notes:
        click.echo(note, err=True)
    if as_json:
        options.print_json(result.to_json())
        return
    click.echo(f"{result.source} ({result.format}): {result.read} rows, {result.added} records added")
    if result.unchanged:
        click.echo(f"  {result.unchanged} were already there")
    if result.bad:
        click.echo(f"  {result.bad} bad rows set aside in {result.rejects}")
    for name, part in result.files.items():
        click.echo(f"  {name}: {part['added']} added, {part['records']} in {part['path']}")
