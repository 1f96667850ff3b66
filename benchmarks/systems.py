"""The systems that are measured, by name. Knows how each is started; doesn't know what it is measured on."""

from __future__ import annotations

from dataclasses import dataclass

from sftloop.core.errors import UsageError, nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One way to train."""

    name: str
    runner: str
    """Module under `benchmarks.runners`."""
    peer: str | None
    """Environment under `benchmarks/peers`; None: the project's own."""
    dtypes: tuple[str, ...]
    """Settings tried; the faster one counts. `auto`: the system decides for the machine itself."""
    shared_prefix: bool = False
    accumulates: bool = False
    """Whether its optimizer steps are made of passes that the Trainer knows of: it warms up within its first."""


_BOTH = ("fp32", "bf16")

SYSTEMS = {
    system.name: system
    for system in (
        System(name="sftloop", runner="sftloop", peer=None, dtypes=("auto",), shared_prefix=True),
        System(name="sftloop-plain", runner="sftloop", peer=None, dtypes=("auto",)),
        System(
            name="llamafactory", runner="llamafactory", peer="llamafactory", dtypes=_BOTH, accumulates=True
        ),
        System(name="trl", runner="trl", peer="trl", dtypes=_BOTH, accumulates=True),
    )
}


def chosen_systems(names: str | None) -> list[System]:
    """Return the systems of a comma-separated list; all by default.

    Raises:
        UsageError: a name that is none of them.
    """
    if names is None:
        return list(SYSTEMS.values())
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in SYSTEMS:
            hint = nearest(name, SYSTEMS) or f"There are: {', '.join(SYSTEMS)}."
            raise UsageError(f"There is no system '{name}' to measure.", hint=hint)
    return [SYSTEMS[name] for name in wanted]
