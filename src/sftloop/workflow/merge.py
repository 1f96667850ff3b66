"""`sftloop merge`: a trained adapter and its base model as one plain model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sftloop.core.errors import UsageError
from sftloop.core.progress import say
from sftloop.scenario import load_scenario
from sftloop.train.checkpoints import saving
from sftloop.workflow.trained import trained_in


def merge_scenario(directory: Path, adapter: Path, out: Path, *, model: str | None = None) -> dict[str, Any]:
    """Write the merged model and return what `merge --json` prints.

    Args:
        directory: the scenario's directory; names the base model.
        adapter: the adapter's folder, or a run that trained one.
        out: the merged model's folder; must not exist.
        model: overrides the scenario's model.

    Raises:
        UsageError: `out` exists.
        ModelError: base or adapter can't be loaded, don't fit, or can't be merged.
    """
    scenario = load_scenario(directory)
    if out.exists():
        raise UsageError(f"'{out}' exists already.", hint="Name a folder that doesn't exist, with --out.")
    from sftloop.models import check_adapter, merge_adapter, resolve_model

    name = model or scenario.model
    base = resolve_model(name, log=say)
    adapter = trained_in(adapter)
    check_adapter(adapter, base)
    with saving(out):
        merge_adapter(base, adapter, out)
    return {"scenario": scenario.name, "model": name, "adapter": str(adapter), "output": str(out)}
