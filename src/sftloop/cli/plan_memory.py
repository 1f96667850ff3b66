"""`sftloop plan memory`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from click.core import ParameterSource

from sftloop.cli import options
from sftloop.plan.setup import Attention, Engine, Loss, Method, Optimizer, Precision, Sharding, Targets

if TYPE_CHECKING:
    from sftloop.plan import Fitted, Setup
    from sftloop.workflow.plan_calibrate import Calibration
    from sftloop.workflow.plan_memory import MemoryPlan

_COUNT = click.IntRange(1)
_BATCH = ("micro_batch", "seq_len", "prefix_len", "accumulation", "answer_len")


def _choice(values: Any) -> click.Choice[str]:
    return click.Choice(get_args(values))


@click.command("memory")
@click.argument("scenario", type=click.Path(path_type=Path), metavar="[SCENARIO]", required=False)
@click.option(
    "--model", metavar="NAME", help="A known name, a directory, or a config.json; by default the scenario's."
)
@click.option("--gpu", metavar="NAME|BYTES", help="a100-80gb, rtx-4090, 24GB, 24GiB …")
@click.option("--fit", is_flag=True, help="Where it doesn't fit, take the cheapest steps until it does.")
@click.option("--calibrate", is_flag=True, help="Run two small steps here and correct the ledger by them.")
@click.option("--method", type=_choice(Method), default="lora", show_default=True)
@click.option("--lora-rank", type=_COUNT, default=16, show_default=True)
@click.option("--lora-targets", type=_choice(Targets), default="all", show_default=True)
@click.option("--lora-dropout", type=click.FloatRange(0, 1, max_open=True), help="0 in our own engine.")
@click.option(
    "--virtual-tokens", type=_COUNT, default=20, show_default=True, help="P-tuning, prefix, prompt."
)
@click.option(
    "--optimizer", type=_choice(Optimizer), default="adamw", show_default=True, help="adamw is foreach."
)
@click.option("--precision", type=_choice(Precision), default="bf16-mixed", show_default=True)
@click.option("--micro-batch", type=_COUNT, default=1, show_default=True, help="Records per pass and GPU.")
@click.option("--accumulation", type=_COUNT, default=1, show_default=True, help="Passes per step.")
@click.option("--seq-len", type=_COUNT, default=2048, show_default=True, help="Tokens per record, all of it.")
@click.option("--prefix-len", type=click.IntRange(0), default=0, help="Of them shared by all records.")
@click.option("--answer-len", type=_COUNT, help="Of them learned; by default all that aren't shared.")
@click.option("--attention", type=_choice(Attention), default="sdpa", show_default=True)
@click.option("--loss", type=_choice(Loss), help="plain; chunked in our own engine.")
@click.option("--checkpointing", is_flag=True, help="Compute activations again on the way back.")
@click.option("--gpus", type=_COUNT, default=1, show_default=True)
@click.option("--sharding", type=_choice(Sharding), default="none", show_default=True)
@click.option("--offload", is_flag=True, help="Keep what is sharded in the host's memory.")
@click.option("--tensor-parallel", type=_COUNT, default=1, show_default=True)
@click.option("--pipeline-parallel", type=_COUNT, default=1, show_default=True)
@click.option(
    "--engine",
    type=_choice(Engine),
    help="Whose layers run: another trainer's with fused norms and loss (fused) or as transformers has them, "
    "or sftloop's, which is the default with --prefix-len.",
)
@options.json_option
def command(
    scenario: Path | None,
    model: str | None,
    gpu: str | None,
    fit: bool,
    calibrate: bool,
    as_json: bool,
    **choices: Any,
) -> None:
    """Foresee the memory of a training, line by line, at its fullest instant.

    Bytes are per GPU. Every line shows its formula. With a SCENARIO, model, method, batch and lengths are those of
    its training, on the GPU given or else on this machine; options go over them.
    """
    from sftloop.workflow.plan_memory import plan_memory

    if scenario is not None:
        from sftloop.workflow.plan_facts import setup_for

        model, setup = setup_for(scenario, model=model, gpu=gpu)
        source = click.get_current_context().get_parameter_source
        given = {
            name: value for name, value in choices.items() if source(name) is ParameterSource.COMMANDLINE
        }
        choices = {**_flat(setup), **given}
    if model is None:
        raise click.UsageError("Name a SCENARIO, or a model with --model.", click.get_current_context())
    plan = plan_memory(model, _setup(choices), gpu=gpu, fit=fit, calibrate=calibrate)
    if as_json:
        options.print_json(plan.to_json())
    else:
        _print(plan)
    if plan.fitted is not None and not plan.fitted.fits:
        click.get_current_context().exit(1)


def _setup(values: dict[str, Any]) -> Setup:
    from sftloop.plan import Adapter, Batch, Parallel, Setup

    engine: Engine = values["engine"] or ("sftloop" if values["prefix_len"] else "fused")
    loss: Loss = values["loss"] or ("plain" if engine in {"fused", "transformers"} else "chunked")
    return Setup(
        method=values["method"],
        adapter=Adapter(
            rank=values["lora_rank"],
            targets=values["lora_targets"],
            dropout=values["lora_dropout"],
            virtual_tokens=values["virtual_tokens"],
        ),
        optimizer=values["optimizer"],
        precision=values["precision"],
        batch=Batch(**{name: values[name] for name in _BATCH}),
        attention=values["attention"],
        loss=loss,
        checkpointing=values["checkpointing"],
        parallel=Parallel(
            gpus=values["gpus"],
            sharding=values["sharding"],
            offload=values["offload"],
            tensor=values["tensor_parallel"],
            pipeline=values["pipeline_parallel"],
        ),
        engine=engine,
    )


def _flat(setup: Setup) -> dict[str, Any]:
    """Return a training as the options name it."""
    adapter, batch, way = setup.adapter, setup.batch, setup.parallel
    return {
        **{name: getattr(setup, name) for name in ("method", "optimizer", "precision", "attention", "loss")},
        **{name: getattr(batch, name) for name in _BATCH},
        "lora_rank": adapter.rank,
        "lora_targets": adapter.targets,
        "lora_dropout": adapter.dropout,
        "virtual_tokens": adapter.virtual_tokens,
        "checkpointing": setup.checkpointing,
        "gpus": way.gpus,
        "sharding": way.sharding,
        "offload": way.offload,
        "tensor_parallel": way.tensor,
        "pipeline_parallel": way.pipeline,
        "engine": setup.engine,
    }


def _print(plan: MemoryPlan) -> None:
    ledger, shape = plan.ledger, plan.architecture
    click.echo(f"{shape.name}: {shape.parameters:,} parameters, {ledger.trained:,} trained on this rank")
    click.echo(f"Fullest at: {ledger.instant}\n")
    lines = [(line.component, line.what, _size(line.bytes), line.formula) for line in ledger.at_peak()]
    _table([("COMPONENT", "WHAT", "SIZE", "FORMULA"), *lines], right=2)
    for line in ledger.at_peak():
        if line.detail:
            click.echo(f"\n{line.what[0].upper()}{line.what[1:]}, {line.detail}")
    low, high = ledger.reserved
    click.echo(
        f"\nAllocated {_size(ledger.peak_allocated)}; reserved about {_size(low)}, at most {_size(high)}"
    )
    if ledger.host_bytes:
        click.echo(f"In the host's memory: {_size(ledger.host_bytes)} per GPU")
    if plan.calibration is not None:
        _print_calibration(plan.calibration)
    if plan.gpu is not None:
        click.echo(f"{'Fits' if plan.fits else 'Does not fit'} into {_size(plan.gpu)}")
    if plan.fitted is not None:
        _print_ladder(plan.fitted)
        _print_choices(plan.choices, plan.setup.method)
    for note in plan.notes:
        click.echo(f"Note: {note}")


def _print_calibration(found: Calibration) -> None:
    for each in found.measured:
        click.echo(
            f"Measured with {each['micro_batch']} a pass: {_size(each['peak_allocated'])} "
            f"(the ledger: {_size(each['predicted'])})"
        )
    click.echo(f"Corrected by that: {_size(found.peak_allocated)} allocated")


def _print_ladder(fitted: Fitted) -> None:
    if not fitted.rungs:
        return
    click.echo("\nSteps, cheapest first:")
    _table([("STEP", "SAVES", "COSTS"), *((r.step, _size(r.saves), r.costs) for r in fitted.rungs)], right=1)
    if fitted.fits:
        low, high = fitted.ledger.reserved
        click.echo(
            f"Then it fits: reserved about {_size(low)}, at most {_size(high)}\n\n  {fitted.command}\n"
        )
    else:
        click.echo(f"Even then it does not fit: at most {_size(fitted.ledger.reserved.high)}.")


def _print_choices(choices: tuple[Fitted, ...], asked: str) -> None:
    if len(choices) < 2:
        return
    click.echo("Plans that fit:")
    rows = [
        (
            each.title,
            each.architecture.name,
            each.setup.method,
            _size(each.ledger.reserved.high),
            f"× {each.time:.2f}",
            "yes" if each.touches_quality or each.setup.method != asked else "no",
        )
        for each in choices
    ]
    _table([("PLAN", "MODEL", "METHOD", "RESERVED", "TIME", "TOUCHES QUALITY"), *rows], right=3)


def _table(rows: list[tuple[str, ...]], right: int) -> None:
    """Print rows in columns, the first as a heading, one column flush right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if column == right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())


def _size(size: int) -> str:
    if abs(size) >= 1e8:
        return f"{size / 1e9:.2f} GB"
    return f"{size / 1e6:.2f} MB"
