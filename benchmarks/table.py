"""From single measurements to rows, ratios and the printed table. Pure: no clock, no process, no file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

OURS = "sftloop"
DISTURBED = 0.1
"""Share of the machine used by others above which a time is marked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One process's measurement."""

    case: str
    system: str
    setting: str
    """The dtype that was asked for: `bf16`, `fp32` or `auto`."""
    repeat: int
    facts: Mapping[str, Any]
    """The process's answer; `{"error": …}` when there is none."""

    @property
    def failed(self) -> bool:
        """Whether there is nothing to count."""
        return "error" in self.facts


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """What is known about a case before anything is timed."""

    name: str
    model: str
    prefix_tokens: int
    tokens_per_record: float
    batch: int
    flops_per_record: Mapping[str, float]
    """`shared` and `ordinary`: operations that the mathematics needs."""
    first_losses: Mapping[str, float]
    """Learned tokens of the first batch → the loss that training must start from."""
    note: str | None = None


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return median, lowest and highest.

    >>> spread([3.0, 1.0, 2.0])
    {'median': 2.0, 'low': 1.0, 'high': 3.0}
    """
    return {"median": median(values), "low": min(values), "high": max(values)}


def build_rows(
    samples: Sequence[Sample],
    cases: Mapping[str, CaseFacts],
    peaks: Mapping[str, float],
    tried: Sequence[Sample] = (),
) -> list[dict[str, Any]]:
    """Return one row per case, system and dtype, in the order they were first measured.

    Args:
        samples: all measurements so far.
        cases: their cases by name.
        peaks: floating-point operations per second of a large product, by dtype.
        tried: short measurements that chose the rows' micro-batches.
    """
    groups: dict[tuple[str, str, str], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.case, sample.system, sample.setting), []).append(sample)
    rows = [_row(group, cases[case], peaks) for (case, _, _), group in groups.items()]
    for row in rows:
        row["fastest_setting"] = row is _fastest(rows, row, row["system"])
        own = [s for s in tried if (s.case, s.system) == (row["case"], row["system"])]
        if own:
            row["settings_tried"] = [_trial(s) for s in own]
    return rows


def _row(group: Sequence[Sample], case: CaseFacts, peaks: Mapping[str, float]) -> dict[str, Any]:
    good = [sample.facts for sample in group if not sample.failed]
    row: dict[str, Any] = {
        "case": case.name,
        "system": group[0].system,
        "dtype": good[0]["dtype"] if good else group[0].setting,
        "model": case.model,
        "prefix_tokens": case.prefix_tokens,
        "tokens_per_record": round(case.tokens_per_record, 1),
        "batch": case.batch,
    }
    if not good:
        return {**row, "error": group[-1].facts["error"]}
    seconds = [facts["seconds_per_record"] for facts in good]
    kind = "shared" if group[0].system == OURS else "ordinary"
    flops = case.flops_per_record[kind]
    row |= {
        "version": good[0]["version"],
        "micro_batch": good[0].get("micro_batch"),
        "records": good[0]["records"],
        "repeats": len(good),
        "failed": len(group) - len(good),
        "seconds_per_record": spread(seconds),
        "records_per_second": spread([1 / each for each in seconds]),
        "peak_memory_bytes": max(facts["peak_memory_bytes"] for facts in good),
        "flops_per_record": flops,
        "matrix_peak_share": flops / median(seconds) / peaks[row["dtype"]] if row["dtype"] in peaks else None,
        "weights": good[0]["weights"],
        "cpu_seconds_per_record": spread([facts["cpu_seconds_per_record"] for facts in good]),
        "disturbance": max(facts["disturbance"] or 0.0 for facts in good),
        **first_loss_check(good[0], case.first_losses),
        "samples": {str(s.repeat): s.facts["seconds_per_record"] for s in group if not s.failed},
    }
    return row | ({"note": case.note} if case.note else {})


def _trial(sample: Sample) -> dict[str, Any]:
    kept = ("micro_batch", "seconds_per_record", "peak_memory_bytes", "error")
    return {"dtype": sample.setting} | {name: sample.facts[name] for name in kept if name in sample.facts}


def first_loss_check(facts: Mapping[str, Any], expected: Mapping[str, float]) -> dict[str, Any]:
    """Compare the first step's loss with what the untouched model's plain fp32 forward gives.

    A system that learns other tokens than any we know of gets None: its loss can't be compared.
    """
    loss, learned = facts["losses"][0], facts["target_tokens"]
    wanted = expected.get(str(learned))
    return {
        "first_loss": loss,
        "first_loss_expected": wanted,
        "first_loss_difference": abs(loss - wanted) / wanted if wanted else None,
        "learned_tokens_first_step": learned,
    }


def _fastest(rows: Iterable[dict[str, Any]], beside: Mapping[str, Any], system: str) -> dict[str, Any] | None:
    """Return the system's fastest row on the same case and model."""
    wanted = (*_measured(beside), system)
    own = [row for row in rows if (*_measured(row), row["system"]) == wanted and "error" not in row]
    return min(own, key=lambda row: float(row["seconds_per_record"]["median"]), default=None)


def _measured(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["case"], row["model"]


def ratios(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return how many times slower and larger than ours each system is, its fastest setting counted.

    Low and high pair the repeats: both systems ran in the same round of one run.
    """
    found: list[dict[str, Any]] = []
    for row in rows:
        ours = _fastest(rows, row, OURS)
        if ours is None or row["system"] == OURS or not row.get("fastest_setting"):
            continue
        rounds = [each for each in row["samples"] if each in ours["samples"]]
        if not rounds:
            continue
        paired = [row["samples"][each] / ours["samples"][each] for each in rounds]
        found.append(
            {
                "case": row["case"],
                "model": row["model"],
                "system": row["system"],
                "dtype": row["dtype"],
                "times_slower": spread(paired),
                "times_the_memory": row["peak_memory_bytes"] / ours["peak_memory_bytes"],
            }
        )
    return found


def results(
    machine: Mapping[str, Any], rows: Sequence[dict[str, Any]], *, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the result file holds."""
    return {"machine": dict(machine), "settings": dict(settings), "rows": list(rows), "ratios": ratios(rows)}


def with_other_cases(found: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results with the rows that an earlier run wrote about cases and models not among them."""
    measured = {_measured(row) for row in found["rows"]}
    kept = {
        part: [row for row in earlier.get(part, []) if _measured(row) not in measured]
        for part in ("rows", "ratios")
    }
    return {**found, **{part: rows + list(found[part]) for part, rows in kept.items()}}


def render(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table as text; `×` columns compare with ours, fastest settings only."""
    by_system = {(*_measured(r), r["system"], r["dtype"]): r for r in ratios(rows)}
    lines: list[tuple[str, ...]] = [
        ("case", "system", "dtype", "s/record (low–high)", "× time", "peak GB", "× memory", "peak share")
    ]
    disturbed = False
    for row in rows:
        head = (f"{row['case']} ({row['prefix_tokens']})", row["system"], row["dtype"])
        if "error" in row:
            lines.append((*head, row["error"], "", "", "", ""))
            continue
        ratio = by_system.get((*_measured(row), row["system"], row["dtype"]))
        busy = row["disturbance"] > DISTURBED
        disturbed |= busy
        lines.append((*head, *_figures(row, ratio, "*" if busy else "")))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    if disturbed:
        text.append(f"* other processes used more than {DISTURBED:.0%} of the machine: measure again, alone")
    return "\n".join(text)


def _figures(row: Mapping[str, Any], ratio: Mapping[str, Any] | None, mark: str) -> tuple[str, ...]:
    seconds, share = row["seconds_per_record"], row["matrix_peak_share"]
    return (
        f"{seconds['median']:.3f} ({seconds['low']:.3f}–{seconds['high']:.3f}){mark}",
        f"{ratio['times_slower']['median']:.2f}" if ratio else "",
        f"{row['peak_memory_bytes'] / 1e9:.2f}",
        f"{ratio['times_the_memory']:.2f}" if ratio else "",
        f"{share:.0%}" if share is not None else "",
    )
