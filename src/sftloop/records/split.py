"""Deterministic splits, stratified by task and label; the same input or group never stands on two sides.

Knows normalised texts and groups only; near-duplicates are for the audit.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sftloop.core.errors import UsageError
from sftloop.core.seeds import derive_seed
from sftloop.records.cap import strata
from sftloop.records.identity import input_key
from sftloop.records.schema import Record

Stratum = tuple[str, str]
"""Task and label."""


@dataclass(slots=True)
class _Unit:
    """Records that stay together: they share an input or a group."""

    positions: list[int] = field(default_factory=list)
    strata: Counter[Stratum] = field(default_factory=Counter)
    pinned: str | None = None
    draw: tuple[int, str] = (0, "")


def split_records(
    records: Sequence[Record],
    fractions: Mapping[str, float],
    *,
    seed: int = 0,
    pinned: Mapping[str, str] | None = None,
) -> dict[str, list[Record]]:
    """Divide the records; which side one lands on depends on inputs and `seed`, not on the order given.

    Units (records with one normalised input, of any task, or one group) are dealt out label by label, rarest
    first, each to the side that lags furthest behind its fraction, in that label and overall: systematic
    stratified sampling.

    Args:
        records: to divide.
        fractions: split's name → its share; positive, summing to 1.
        seed: another seed, another division.
        pinned: what `linked_keys` names → split where records with this input or of this group already are.

    Returns:
        Split's name → records in their old order; every record exactly once.

    Raises:
        UsageError: a fraction is not positive or they don't sum to 1.
    """
    _check_fractions(fractions)
    units = _units(records, seed, pinned or {})
    placed: Counter[str] = Counter()
    placed_in: dict[Stratum, Counter[str]] = defaultdict(Counter)
    side_of: dict[int, str] = {}
    for unit in _dealing_order(units):
        side = unit.pinned or _most_lagging(unit, fractions, placed, placed_in)
        for stratum, count in unit.strata.items():
            placed_in[stratum][side] += count
        placed[side] += len(unit.positions)
        side_of.update(dict.fromkeys(unit.positions, side))
    return {
        name: [record for position, record in enumerate(records) if side_of[position] == name]
        for name in fractions
    }


def linked_keys(record: Record) -> list[str]:
    """Return what ties a record to others: the key of its input, and its group where it has one."""
    key = input_key(record.input)
    return [key] if record.group is None else [key, f"group\x1f{record.group}"]


def _check_fractions(fractions: Mapping[str, float]) -> None:
    shown = ", ".join(f"{name} {share:g}" for name, share in fractions.items())
    if not fractions or any(not share > 0 for share in fractions.values()):
        raise UsageError(f"Every split needs a share above 0, got {shown or 'none'}.")
    if not math.isclose(sum(fractions.values()), 1.0, abs_tol=1e-6):
        raise UsageError(
            f"The shares must sum to 1, got {shown} (sum {sum(fractions.values()):g}).",
            hint="For example 0.8,0.1,0.1.",
        )


def _units(records: Sequence[Record], seed: int, pinned: Mapping[str, str]) -> list[_Unit]:
    links = [linked_keys(record) for record in records]
    units: dict[str, _Unit] = defaultdict(_Unit)
    for position, (root, keys, record) in enumerate(zip(_components(links), links, records, strict=True)):
        unit = units[root]
        unit.positions.append(position)
        unit.strata.update((record.task, label) for label in strata(record))
        unit.pinned = unit.pinned or next((pinned[key] for key in keys if key in pinned), None)
    for root, unit in units.items():
        unit.draw = (derive_seed("split", seed, root), root)
    return list(units.values())


def _components(links: Iterable[list[str]]) -> list[str]:
    """Return per record the smallest name among all it is linked to, directly or through others."""
    parent: dict[str, str] = {}

    def find(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    firsts = []
    for names in links:
        firsts.append(names[0])
        for other in names[1:]:
            low, high = sorted((find(names[0]), find(other)))
            parent[high] = low
    return [find(name) for name in firsts]


def _dealing_order(units: Sequence[_Unit]) -> list[_Unit]:
    """Return pinned units first, then by rarest stratum, larger units before smaller ones, then by draw."""
    totals: Counter[Stratum] = Counter()
    for unit in units:
        totals.update(unit.strata)

    def order(unit: _Unit) -> tuple[object, ...]:
        rarest = min(unit.strata, key=lambda stratum: (totals[stratum], stratum))
        return (unit.pinned is None, totals[rarest], rarest, -len(unit.positions), unit.draw)

    return sorted(units, key=order)


def _most_lagging(
    unit: _Unit,
    fractions: Mapping[str, float],
    placed: Counter[str],
    placed_in: Mapping[Stratum, Counter[str]],
) -> str:
    def lag(name: str) -> float:
        total = sum(placed.values()) + len(unit.positions)
        behind = fractions[name] * total - placed[name]
        for stratum, count in unit.strata.items():
            counts = placed_in[stratum]
            behind += fractions[name] * (counts.total() + count) - counts[name]
        return behind

    return max(fractions, key=lambda name: (round(lag(name), 9), fractions[name], name))
