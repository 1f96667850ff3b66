"""Where imported records go: one split, several by shares, or a file of their own.

Reads options as the command line gives them and names files; reads and writes none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sftloop.core.errors import UsageError
from sftloop.records import SPLITS, split_path
from sftloop.scenario import Scenario

ALONE = "records"
"""Name of the only part when records go to a file without being a split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One of `split`, `shares` or `out` alone."""

    split: str | None = None
    """All records go to this split."""
    shares: Mapping[str, float] | None = None
    """Split → share of the records."""
    seed: int = 0
    """Of the division by shares."""
    out: Path | None = None
    """A file, or a directory with `shares`, instead of the scenario's data files."""

    def files(self, scenario: Scenario) -> dict[str, Path]:
        """Return split → file.

        Raises:
            UsageError: no place or two are named, an unknown split, one without a file in the scenario, or
                shares for two splits that are one file.
        """
        if self.split is not None and self.shares is not None:
            raise UsageError("--split and --split-by exclude each other.", hint="Give one of them.")
        if self.shares is not None:
            return self._divided(scenario, self.shares)
        if self.split is None and self.out is None:
            raise UsageError(
                "Where shall the records go?",
                hint="Give --split train, --split-by 0.8,0.1,0.1 or --out FILE.",
            )
        if self.out is not None and self.out.is_dir():
            raise UsageError(
                f"--out must be a file, '{self.out}' is a directory.", hint="Or divide with --split-by."
            )
        if self.split is None:
            return {ALONE: self.out} if self.out else {}
        return {self.split: self.out or split_path(scenario, self.split)}

    def _divided(self, scenario: Scenario, shares: Mapping[str, float]) -> dict[str, Path]:
        if self.out is not None and self.out.is_file():
            raise UsageError(f"With --split-by, --out is a directory; '{self.out}' is a file.")
        files = {
            name: self.out / f"{name}.jsonl" if self.out else split_path(scenario, name) for name in shares
        }
        _require_different(files)
        return files


def _require_different(files: Mapping[str, Path]) -> None:
    """Raise UsageError where two splits lie in one file, which would keep the records of one only."""
    owner: dict[Path, str] = {}
    for name, path in files.items():
        first = owner.setdefault(path.resolve(), name)
        if first != name:
            raise UsageError(
                f"{first} and {name} are the same file, '{path}'.",
                hint="Give each a file of its own under `data`, or import into one with --split.",
            )


def parse_mapping(pairs: Iterable[str]) -> dict[str, str]:
    """Return `PART=COLUMN` pairs as a mapping.

    Raises:
        UsageError: a pair has no `=`, or a part comes twice.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        part, equals, column = (piece.strip() for piece in pair.partition("="))
        if not equals or not part:
            raise UsageError(
                f"--map wants PART=COLUMN, got '{pair}'.", hint="For example --map label=category."
            )
        if part in mapping:
            raise UsageError(f"--map names '{part}' twice.")
        mapping[part] = column
    return mapping


def parse_shares(text: str) -> dict[str, float]:
    """Return `0.8,0.1,0.1` as shares of train, validation and test; a share of 0 leaves the split out.

    Raises:
        UsageError: not three numbers.
    """
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    if len(shares) != len(SPLITS):
        raise UsageError(
            f"--split-by wants the shares of {', '.join(SPLITS)}, got '{text}'.",
            hint="For example 0.8,0.1,0.1.",
        )
    return {name: share for name, share in zip(SPLITS, shares, strict=True) if share != 0}
