"""How to run it again: command, versions, hashes, seeds, settings as lines to read."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sftloop.report.fact import Fact
from sftloop.report.wording import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproduceSection:
    """What is needed to run it again."""

    command: str
    facts: tuple[Fact, ...]
    versions: tuple[Fact, ...]
    inputs: tuple[Fact, ...]
    settings: tuple[Fact, ...]
    training: tuple[Fact, ...]
    footer: str


def reproduce_section(
    manifest: Mapping[str, Any], summary: Mapping[str, Any], words: Words
) -> ReproduceSection:
    """Return the section on how to run it again."""
    settings = _flat(manifest.get("settings") or {})
    training = _flat((summary.get("train") or {}).get("settings") or {})
    seeds = {name: value for name, value in settings.items() if "seed" in name.split(".")[-1]}
    versions = manifest.get("versions") or {}
    return ReproduceSection(
        command=shlex.join(str(part) for part in manifest.get("command") or ()),
        facts=_run_facts(manifest, seeds, words),
        versions=_facts(versions),
        inputs=_facts(manifest.get("inputs") or {}),
        settings=_facts({name: value for name, value in settings.items() if name not in seeds}),
        training=_facts(training),
        footer=words.reproduce.footer.format(version=versions.get("sftloop", "")).replace("  ", " "),
    )


def _run_facts(manifest: Mapping[str, Any], seeds: Mapping[str, str], words: Words) -> tuple[Fact, ...]:
    """Return when and where it ran, and from which seeds."""
    named = words.reproduce
    lines = [
        (named.started, str(manifest.get("started") or "")),
        (named.machine, _listed(_flat(manifest.get("machine") or {}), words)),
        (named.seeds, _listed(seeds, words)),
    ]
    return tuple(Fact(name=name, value=value) for name, value in lines if value)


def _listed(values: Mapping[str, str], words: Words) -> str:
    return words.figures.comma.join(f"{name} {value}" for name, value in values.items())


def _facts(values: Mapping[str, Any]) -> tuple[Fact, ...]:
    return tuple(Fact(name=str(name), value=str(value)) for name, value in values.items())


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as `a.b` → text; what isn't set is left out."""
    found: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            found[f"{prefix}{key}"] = (
                value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            )
    return found
