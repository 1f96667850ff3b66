"""`plan memory --calibrate`: a step at each of two small sizes on this machine, and the ledger corrected by them.

Measures our own engine, since that is what `sftloop train` runs; knows nothing of formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import ModelError, UsageError
from sftloop.core.progress import say
from sftloop.plan import Architecture, Setup, calibrated, simulate
from sftloop.plan.line import STEP
from sftloop.plan.prefix import forgets_prefix
from sftloop.plan.setup import Engine, Precision

if TYPE_CHECKING:
    from sftloop.train.examples import Example
    from sftloop.train.step_memory import StepMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The ledger's peak, corrected."""

    peak_allocated: int
    measured: tuple[dict[str, int], ...]
    """Per measured step: `micro_batch`, `peak_allocated`, and `predicted` by the ledger alone."""
    fixed_bytes: float
    """Measured beyond the ledger, whatever the tokens."""
    bytes_per_token: float
    """The same per token of a pass."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def setup_of_here(setup: Setup) -> Setup:
    """Return the training as `sftloop train` runs it on this machine: its engine, its precision, one GPU or none.

    Raises:
        UsageError: something is asked for that this engine doesn't do.
    """
    from sftloop.models.device import choose_device, choose_dtype

    if setup.parallel.gpus > 1:
        raise UsageError(
            "--calibrate measures sftloop's trainer, which runs on one GPU.",
            hint="Leave out --gpus, --sharding and --offload, or --calibrate.",
        )
    device = choose_device()
    precision: Precision = "fp32" if str(choose_dtype(device)) == "torch.float32" else "bf16-mixed"
    if device != "cuda":
        for name in {setup.method, setup.optimizer} & {"qlora", "adamw-8bit"}:
            raise UsageError(f"{name} needs an NVIDIA GPU.", hint="Calibrate where the training will run.")
    engine: Engine = "sftloop" if device == "cuda" else "sftloop-cpu"
    return replace(setup, engine=engine, loss="chunked", attention="sdpa", precision=precision)


def calibrate(model: str, architecture: Architecture, setup: Setup) -> Calibration:
    """Measure two small steps and return the corrected peak.

    Args:
        model: a known name or a directory; its weights must be on this machine.
        architecture: its shape.
        setup: as `setup_of_here` returned it.

    Raises:
        ModelError: the weights aren't here.
    """
    folder = _weights(model)
    own = setup.batch.seq_len - setup.batch.prefix_len
    sizes, steps = small_sizes(architecture, setup), []
    for records in sizes:
        say(f"One step of {records} × {setup.batch.seq_len:,} tokens …")
        steps.append(measure_setup(folder, architecture, _sized(setup, records)))
    few, many = ((records * own, step.passes) for records, step in zip(sizes, steps, strict=True))
    line = calibrated(few, many, _passes(architecture, setup, own))
    return Calibration(
        peak_allocated=max(line.at(setup.batch.own), *(step.update for step in steps)),
        measured=tuple(
            {
                "micro_batch": records,
                "peak_allocated": step.peak,
                "predicted": simulate(architecture, _sized(setup, records)).peak_allocated,
            }
            for records, step in zip(sizes, steps, strict=True)
        ),
        fixed_bytes=line.fixed_bytes,
        bytes_per_token=line.bytes_per_token,
    )


def small_sizes(architecture: Architecture, setup: Setup) -> tuple[int, int]:
    """Return two numbers of records per pass, the smallest at which memory grows as it does at the asked size.

    The same instant must be fullest, and the prefix's activations kept, or forgotten, alike: a line through
    sizes on both sides of such a bend says nothing. Where no smaller size is alike, the asked one is measured.
    """
    asked = setup.batch.micro_batch
    wanted, few = _growth(architecture, setup), asked
    while few > 1 and _growth(architecture, _sized(setup, few - 1)) == wanted:
        few -= 1
    return few, max(few + 1, min(2 * few, asked))


def _growth(architecture: Architecture, setup: Setup) -> tuple[str, bool]:
    instants = _before_update(architecture, setup)
    return max(instants, key=lambda name: instants[name]), forgets_prefix(setup)


def _before_update(architecture: Architecture, setup: Setup) -> dict[str, int]:
    """Return the ledger's instants but the optimizer's step, which doesn't grow with tokens."""
    return {name: size for name, size in simulate(architecture, setup).instants.items() if name != STEP}


def _sized(setup: Setup, records: int) -> Setup:
    return replace(setup, batch=replace(setup.batch, micro_batch=records))


def _passes(architecture: Architecture, setup: Setup, own: int) -> Callable[[int], int]:
    return lambda tokens: max(_before_update(architecture, _sized(setup, tokens // own)).values())


def measure_setup(folder: Path, architecture: Architecture, setup: Setup) -> StepMemory:
    """Run a step of a training on records of one shape and return what it takes.

    Args:
        folder: the base model's.
        architecture: its shape.
        setup: as `setup_of_here` returned it; of its passes two are run at most, since more take no more.
    """
    from sftloop.models.device import choose_device
    from sftloop.train.methods import METHODS, prepare
    from sftloop.train.step_memory import measure_step

    batch, adapter = setup.batch, setup.adapter
    options: dict[str, Any] = {}
    if setup.adapters:
        options = {"rank": adapter.rank, "dropout": setup.dropout, "targets": adapter.target_pattern}
    elif setup.virtual_tokens:
        options = {"virtual_tokens": setup.virtual_tokens}
    trainable = prepare(folder, METHODS[setup.method](**options), device=choose_device(), seed=0)
    return measure_step(
        trainable,
        _examples(setup, batch.micro_batch * min(batch.accumulation, 2), architecture.vocabulary),
        micro_batch_tokens=batch.own,
        optimizer=setup.optimizer.removesuffix("-fused"),
        recompute=setup.checkpointing,
    )


def _examples(setup: Setup, count: int, vocabulary: int) -> list[Example]:
    """Return records of one shape: a shared prefix, tokens of their own, an answer at their end."""
    from sftloop.train.examples import Example

    batch = setup.batch
    own = batch.seq_len - batch.prefix_len
    learned = min(batch.answer_len or own, own)
    prefix = tuple(token % vocabulary for token in range(batch.prefix_len))
    return [
        Example(
            record_id=f"{index}",
            task="calibrate",
            prefix=prefix,
            prompt=tuple((7 * index + token) % vocabulary for token in range(own - learned + 1)),
            target=tuple((11 * index + token) % vocabulary for token in range(learned)),
        )
        for index in range(count)
    ]


def _weights(model: str) -> Path:
    from sftloop.models.resolve import resolve_model

    place = Path(model).expanduser()
    if place.is_file():
        raise ModelError(
            f"'{model}' is a configuration; --calibrate runs the model.",
            hint="Give its directory, with the weights beside config.json.",
        )
    return resolve_model(model, allow_download=False)
