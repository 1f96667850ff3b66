"""`plan memory`: from a model's name and options to the ledger, and to the plans that fit.

Knows where configurations are found; formulas are in `plan`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftloop.core.errors import ModelError, UsageError, nearest
from sftloop.plan import (
    Architecture,
    Fitted,
    Ledger,
    Setup,
    choices,
    climb,
    find_config,
    gpu_bytes,
    gpu_name,
    has_room,
    model_names,
    simulate,
)
from sftloop.workflow.plan_calibrate import Calibration, setup_of_here
from sftloop.workflow.plan_calibrate import calibrate as measure_and_correct

_WITHOUT_BF16 = ("v100", "t4", "p40", "rtx-20")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """What `plan memory` found."""

    architecture: Architecture
    setup: Setup
    ledger: Ledger
    gpu: int | None
    """Bytes of the GPU; None: not asked."""
    fitted: Fitted | None
    """With `fit`: the plan that the ladder led to."""
    choices: tuple[Fitted, ...]
    notes: tuple[str, ...]
    calibration: Calibration | None = None
    """With `calibrate`: the peak corrected by two measured steps."""

    @property
    def fits(self) -> bool | None:
        """Does the training fit as asked? None without a GPU."""
        if self.gpu is None:
            return None
        if self.calibration is None:
            return self.ledger.fits(self.gpu)
        return has_room(self.calibration.peak_allocated, self.gpu)

    def to_json(self) -> dict[str, Any]:
        """Return it as the verb prints it."""
        ledger = self.ledger
        found: dict[str, Any] = {
            "model": self.architecture.name,
            "parameters": self.architecture.parameters,
            "trained_parameters": ledger.trained,
            "peak_allocated": ledger.peak_allocated,
            "reserved": ledger.reserved._asdict(),
            "instant": ledger.instant,
            "instants": ledger.instants,
            "components": ledger.components(),
            "lines": [
                {"component": line.component, "what": line.what, "bytes": line.bytes, "formula": line.formula,
                 "detail": line.detail, "source": line.source} for line in ledger.at_peak()
            ],
            "host_bytes": ledger.host_bytes,
            "gpu_bytes": self.gpu,
            "fits": self.fits,
            "ladder": [],
            "notes": list(self.notes),
        }  # fmt: skip
        if self.calibration is not None:
            found["calibrated"] = self.calibration.to_json()
        if self.fitted is not None:
            found["ladder"] = [
                {"step": rung.step, "saves": rung.saves, "costs": rung.costs, "command": rung.command}
                for rung in self.fitted.rungs
            ]
            found["fitted"] = _as_json(self.fitted)
            found["plans"] = [_as_json(each) for each in self.choices]
        return found


def plan_memory(
    model: str, setup: Setup, *, gpu: str | None = None, fit: bool = False, calibrate: bool = False
) -> MemoryPlan:
    """Return the ledger of a training, and with `fit` what makes it fit.

    Args:
        model: a known name, a model's directory, or a config.json.
        setup: the training.
        gpu: a name or a size.
        fit: climb the ladder where it doesn't fit.
        calibrate: run two small steps of the training on this machine and correct the ledger by them.

    Raises:
        UsageError: impossible options, `fit` without a GPU, or a training that can't be measured here.
        ModelError: the model or its configuration isn't known, or to calibrate its weights aren't here.
    """
    if calibrate and fit:
        raise UsageError(
            "--calibrate measures one training; --fit compares many.",
            hint="Use --fit first, then --calibrate with the options it ends at.",
        )
    architecture = find_architecture(model)
    if fit and gpu is None:
        raise UsageError("--fit needs to know what it must fit into.", hint="Add --gpu, as in --gpu 24GB.")
    memory = None if gpu is None else gpu_bytes(gpu)
    asked = setup
    if calibrate:
        setup = setup_of_here(setup)
    ledger = simulate(architecture, setup, memory)
    fitted = None if memory is None or not fit else climb(architecture, setup, memory)
    others = () if memory is None or not fit else tuple(choices(architecture, setup, memory))
    return MemoryPlan(
        architecture=architecture,
        setup=setup,
        ledger=ledger,
        gpu=memory,
        fitted=fitted,
        choices=others,
        notes=(
            *_notes(setup, gpu),
            *_notes_on_plan(architecture, setup, fitted),
            *_notes_on_changes(asked, setup),
        ),
        calibration=measure_and_correct(model, architecture, setup) if calibrate else None,
    )


def find_architecture(model: str) -> Architecture:
    """Read a model's shape: from a file or directory of that name, the list that comes with us, the cache.

    The shape is called what the model was called, so that commands with its name find the model again.

    Raises:
        ModelError: nowhere found, or no configuration of a language model.
    """
    place = Path(model).expanduser()
    if place.exists():
        return Architecture.from_config(_read(place / "config.json" if place.is_dir() else place), model)
    config = find_config(model)
    if config is not None:
        return Architecture.from_config(config, model)
    if (cached := _in_cache(model)) is not None:
        return Architecture.from_config(_read(cached / "config.json"), model)
    raise ModelError(
        f"The planner knows no model '{model}', and there is no config.json of that name.",
        hint=nearest(model.rsplit("/", 1)[-1].lower(), model_names()),
    )


def without_bf16(gpu: str) -> bool:
    """Whether a GPU of that name is too old for bf16."""
    return gpu_name(gpu).startswith(_WITHOUT_BF16)


def _in_cache(model: str) -> Path | None:
    from sftloop.models.catalog import find_model
    from sftloop.models.resolve import resolve_model

    if find_model(model) is None and "/" not in model:
        return None
    try:
        return resolve_model(model, allow_download=False)
    except ModelError:
        return None


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"There is no '{file}'.", hint="Give a model's directory or config.json.") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"'{file}' is not JSON: {error}.", hint="Give a model's config.json.") from error
    if not isinstance(content, dict):
        raise ModelError(f"'{file}' holds no JSON object.", hint="Give a model's config.json.")
    return content


def _as_json(fitted: Fitted) -> dict[str, Any]:
    return {
        "plan": fitted.title,
        "model": fitted.architecture.name,
        "method": fitted.setup.method,
        "steps": [rung.step for rung in fitted.rungs],
        "fits": fitted.fits,
        "peak_allocated": fitted.ledger.peak_allocated,
        "reserved": fitted.ledger.reserved._asdict(),
        "relative_time": round(fitted.time, 2),
        "touches_quality": fitted.touches_quality,
        "command": fitted.command,
    }


def _notes(setup: Setup, gpu: str | None) -> list[str]:
    """Say what the figures assume and a reader may not expect."""
    way, notes = setup.parallel, []
    if setup.method == "full" and setup.precision == "bf16" and way.sharding == "fsdp":
        notes.append(
            "accelerate raises trained weights to fp32 under FSDP in mixed precision: --precision bf16-mixed."
        )
    if setup.precision == "bf16" and way.sharding in {"zero1", "zero2", "zero3"}:
        notes.append("DeepSpeed keeps fp32 masters of bf16 weights; they are counted.")
    if setup.adapters and setup.dropout and setup.adapter.dropout is None:
        notes.append(
            "Dropout on the adapters' inputs is assumed, as most recipes have it; --lora-dropout 0 without."
        )
    if setup.engine == "sftloop" and setup.attention == "flash":
        notes.append("On a GPU sftloop's engine masks records, so SDPA is counted, not flash attention.")
    if gpu and without_bf16(gpu) and setup.precision.startswith("bf16"):
        notes.append(f"{gpu} has no bf16: fp16-mixed takes as much.")
    return notes


def _notes_on_changes(asked: Setup, setup: Setup) -> list[str]:
    """Say what calibration measured instead of what was asked for."""
    if asked == setup:
        return []
    return [f"Measured as sftloop trains on this machine: its engine, {setup.precision}, its own loss."]


def _notes_on_plan(architecture: Architecture, asked: Setup, fitted: Fitted | None) -> list[str]:
    notes: list[str] = []
    if fitted is None:
        return notes
    if fitted.setup.parallel.gpus > 1:
        notes.append(
            "sftloop's trainer runs on one GPU; for several the commands show the plan, for another trainer."
        )
    if host := fitted.ledger.host_bytes * fitted.setup.parallel.gpus:
        notes.append(f"The plan leaves {host / 1e9:,.0f} GB in the host's memory.")
    if fitted.setup.batch.seq_len < asked.batch.seq_len:
        longest = fitted.setup.batch.seq_len
        notes.append(
            f"It fits only for records of at most {longest:,} tokens, prompt and answer: shorten or remove "
            "longer ones; no option does it."
        )
    if fitted.architecture != architecture:
        notes.append(f"It fits only with a smaller base model: {fitted.architecture.name}.")
    return notes
