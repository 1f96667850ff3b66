"""`sftloop prompt`: look at a scenario's prompts, find what weakens them, search for better ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sftloop.cli import options

if TYPE_CHECKING:
    from sftloop.scenario import Finding
    from sftloop.workflow.api_systems import Services
    from sftloop.workflow.prompts import LintReport, ShownPrompt


@click.group("prompt")
def command() -> None:
    """Show what the model sees; find what weakens it; search for something better."""


@command.command("show")
@options.scenario_argument
@click.option("--task", metavar="TASK", help="By default the record's, else the first.")
@click.option("--record", "record_id", metavar="ID", help="By default the task's first record.")
@options.model_option
@options.json_option
def show(scenario: Path, task: str | None, record_id: str | None, model: str | None, as_json: bool) -> None:
    """Print exactly what the model sees for one record, with the part all records share marked.

    With the model on this machine its chat template and tokens are used, otherwise the plain text of the
    messages.
    """
    from sftloop.workflow.prompts import show_prompt

    shown = show_prompt(scenario, task, record_id, model)
    _print_notes(shown.notes)
    if as_json:
        options.print_json(shown.to_json())
    else:
        _print_prompt(shown)


@command.command("lint")
@options.scenario_argument
@options.task_option
@options.model_option
@options.json_option
def lint(scenario: Path, tasks: tuple[str, ...], model: str | None, as_json: bool) -> None:
    """Find what weakens the prompts before a model is called.

    Looks for labels without a definition or with a word or two, near-identical definitions, documents
    without prefixes, judgements without a way to abstain, a missing instruction or answer format, prompts
    near the model's context limit, and records whose labels the scenario doesn't know. Exit code 1 when a
    finding is an error.
    """
    from sftloop.workflow.prompts import lint_prompt

    report = lint_prompt(scenario, tasks=tasks, model=model)
    _print_notes(report.notes)
    if as_json:
        options.print_json(report.to_json())
    else:
        _print_findings(report)
    if report.failed:
        click.get_current_context().exit(1)


@command.command("improve")
@options.scenario_argument
@click.option(
    "--formats", is_flag=True, help="Search for the form of prompt and answer that suits the model."
)
@click.option(
    "--factor",
    "factors",
    multiple=True,
    metavar="FACTOR",
    help="Vary only this: order, labels, reason, answer, wording (repeatable).",
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="How long to search; 15 by default.")
@click.option("--records", type=click.IntRange(1), help="At most so many answers in all, the test aside.")
@click.option("--apply", is_flag=True, help="Write an accepted format into the scenario.")
@options.model_option
@click.option("--api", metavar="MODEL@URL", help="Ask a model behind an API instead.")
@click.option("--key-variable", metavar="VARIABLE", help="Where the API's key is; OPENAI_API_KEY by default.")
@click.option("--budget", type=click.FloatRange(0, min_open=True), help="The most that the API may cost.")
@click.option("--price", metavar="IN,OUT[,CUR]", help="What a million of the API's tokens cost.")
@options.task_option
@options.out_option
@options.seed_option
@options.skip_bad_option
@options.json_option
def improve(
    scenario: Path,
    formats: bool,
    model: str | None,
    tasks: tuple[str, ...],
    out: Path | None,
    seed: int,
    skip_bad: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Find a better prompt by measurement.

    With --formats: every combination of the order of the sections, label names or letters, where the reason
    stands, JSON or plain text and the language of the built-in wording is halved on validation records; the best
    ones meet the present format on held-out ones, and one is accepted only if it is significantly better.
    """
    if not formats:
        raise click.UsageError("Say what to improve: --formats.")
    from sftloop.workflow.improve_formats import FormatSearch, improve_formats
    from sftloop.workflow.improve_formats_hunt import Budget

    result = improve_formats(
        scenario,
        FormatSearch(
            factors=asked["factors"],
            budget=Budget(minutes=asked["minutes"], answers=asked["records"]),
            services=_service(asked["api"], asked["key_variable"], asked["price"], asked["budget"]),
            apply=asked["apply"],
        ),
        model=model,
        tasks=tasks or None,
        out=out,
        seed=seed,
        skip_bad=skip_bad,
    )
    if as_json:
        options.print_json(result)
    else:
        _print_formats(result, scenario)


def _service(api: str | None, key: str | None, price: str | None, budget: float | None) -> Services:
    from sftloop.workflow.api_systems import Services

    if api is None:
        for option, value in (("--key-variable", key), ("--price", price), ("--budget", budget)):
            if value is not None:
                raise click.UsageError(f"{option} belongs to --api.")
        return Services()
    name = api.partition("@http")[0]
    return Services(
        apis=[api],
        prices=[f"{name}={price}"] if price else [],
        keys=[f"{name}={key}"] if key else [],
        budget=budget,
    )


def _print_formats(result: dict[str, Any], scenario: Path) -> None:
    click.echo(f"{len(result['variants'])} formats, {len(result['rounds'])} rounds; held out:")
    for one in result["variants"]:
        if one["held_out"]:
            figures = ", ".join(f"{task} {options.percent(own)}" for task, own in one["tasks"].items())
            shared = " + ".join(map(str, (one["prefix_tokens"] or {}).values())) or "–"
            present = " (present)" if one["current"] else ""
            click.echo(f"  {one['name']}{present}: {figures}, {shared} shared tokens")
    click.echo(result["decision"]["text"])
    if result["diff"]:
        click.echo(result["diff"], nl=False)
        worse = any(one["verdict"] == "worse" for one in (result["test"] or {"tasks": {}})["tasks"].values())
        unwritten = "Not written, it is worse on the test records" if worse else "Add --apply to write it"
        click.echo(f"{'Written' if result['applied'] else unwritten}: {scenario}")
    click.echo(f"Page: {result['page']}")


def _print_notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        click.echo(note, err=True)


def _print_prompt(shown: ShownPrompt) -> None:
    whose = f"this record, '{shown.record}'" if shown.record else "no record, field names instead"
    same_line = "" if shown.prefix.endswith("\n") or not shown.prefix else "; goes on in the same line"
    _print_part(f"shared by every prompt of '{shown.task}'", shown.prefix_tokens, shown.prefix)
    _print_part(f"{whose}{same_line}", shown.suffix_tokens, shown.suffix)
    if shown.target is not None:
        _print_part("the answer to learn", shown.target_tokens, shown.target)


def _print_part(title: str, tokens: int | None, text: str) -> None:
    size = f" ({tokens} tokens)" if tokens is not None else ""
    click.secho(f"──── {title}{size} ────", fg="cyan")
    click.echo(text, nl=not text.endswith("\n"))


def _print_findings(report: LintReport) -> None:
    for finding in report.findings:
        click.echo(f"{report.file}:{finding.line}: {_title(finding)}")
        click.echo(f"  {finding.why}\n  Mend: {finding.mend}")
    summary = report.to_json()["summary"]
    counts = ", ".join(_count(number, severity) for severity, number in summary.items())
    tokens = f" and the tokens of {report.model}" if report.model else ""
    click.echo(f"{report.scenario}: {counts} (looked at {_count(report.records, 'record')}{tokens})")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _title(finding: Finding) -> str:
    place = ", ".join(
        f"{name} '{value}'" for name, value in (("task", finding.task), ("label", finding.label)) if value
    )
    style = {"error": "red", "warning": "yellow"}[finding.severity]
    return f"{click.style(finding.severity, fg=style)} {finding.kind}{f' in {place}' if place else ''}"
