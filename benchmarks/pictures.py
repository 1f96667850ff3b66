"""Draw `results/growth.json` as the table and the pictures of `docs/performance.md`.

python -m benchmarks.pictures [--results FILE] [--out docs]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from benchmarks.drawing import drawing
from sftloop.core.files import atomic_write_text, read_json
from sftloop.report.charts.svg import element, text

_HERE = Path(__file__).parent
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 760, 360, 60, 20, 46
_PLOT = 470
"""Width of the plot; the curves' names stand right of it."""
_STYLES = {
    ("smollm2-135m-instruct", True): ("#0b6e4f", ""),
    ("smollm2-135m-instruct", False): ("#0b6e4f", "6 4"),
    ("qwen2.5-coder-0.5b-instruct", True): ("#b3541e", ""),
    ("qwen2.5-coder-0.5b-instruct", False): ("#b3541e", "6 4"),
}
_SHORT = {"smollm2-135m-instruct": "SmolLM2-135M", "qwen2.5-coder-0.5b-instruct": "Qwen2.5-0.5B"}

Row = dict[str, Any]
Curve = tuple[str, tuple[str, str], list[tuple[float, float]]]


def main() -> None:
    """Write the pictures and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=_HERE / "results" / "growth.json")
    parser.add_argument("--out", type=Path, default=_HERE.parent / "docs")
    options = parser.parse_args()
    rows: list[Row] = [row for row in read_json(options.results, "growth results") if "steps" in row]
    by_prefix = [row for row in rows if row["batch"] == (64 if row["shared"] else 1)]
    by_batch = [row for row in rows if row["shared"] and row["prefix"] == 500]
    for name, chosen, over, of, title in (
        ("time-over-prefix", by_prefix, "prefix", _seconds, "Seconds per record over prefix tokens"),
        ("memory-over-prefix", by_prefix, "prefix", _gigabytes, "Peak memory (GB) over prefix tokens"),
        (
            "time-over-batch",
            by_batch,
            "batch",
            _seconds,
            "Seconds per record over records per step, prefix 500",
        ),
    ):
        atomic_write_text(options.out / f"{name}.svg", draw(title, _curves(chosen, over, of)) + "\n")
    print(table(rows))


def draw(title: str, curves: Sequence[Curve]) -> str:
    """Return an SVG: a linear axis across (for doubling batches a logarithmic one), a logarithmic one up."""
    xs = sorted({x for _, _, points in curves for x, _ in points})
    ys = [y for _, _, points in curves for _, y in points]
    doubling = xs[0] > 0
    low, high = math.floor(math.log10(min(ys)) * 2) / 2, math.ceil(math.log10(max(ys)) * 2) / 2

    def across(x: float) -> float:
        if doubling:
            return _LEFT + _PLOT * math.log(x / xs[0]) / math.log(xs[-1] / xs[0])
        return _LEFT + _PLOT * x / xs[-1]

    def up(y: float) -> float:
        plot = _HEIGHT - _TOP - _BOTTOM
        return _TOP + plot * (1 - (math.log10(y) - low) / (high - low))

    drawn = [_level(value, up(value)) for value in _levels(low, high)]
    drawn += [
        text(f"{x:,.0f}", across(x), _HEIGHT - _BOTTOM + 18, text_anchor="middle", fill="#444")
        for x in _apart(xs, across)
    ]
    drawn.append(text(title, _LEFT, _HEIGHT - 8, fill="#111"))
    ends: list[float] = []
    for label, style, points in sorted(curves, key=lambda curve: up(curve[2][-1][1])):
        drawn += _line(style, [(across(x), up(y)) for x, y in points])
        y = max([up(points[-1][1]) + 4, *(end + 16 for end in ends)])
        ends.append(y)
        drawn.append(text(label, _LEFT + _PLOT + 12, y, fill=style[0]))
    return str(drawing(_WIDTH, _HEIGHT, title, drawn))


def table(rows: Iterable[Row]) -> str:
    """Return a Markdown table: a line per model, prefix and batch, shared beside ordinary."""
    points: dict[tuple[str, int, int], dict[bool, Row]] = {}
    ordinary = {(row["model"], row["prefix"]): row for row in rows if not row["shared"]}
    for row in rows:
        if row["shared"]:
            points[(row["model"], row["prefix"], row["batch"])] = {True: row}
    lines = [
        "| model | prefix | batch | s/record | peak GB | ordinary s/record | peak GB | faster |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (model, prefix, batch), both in sorted(
        points.items(), key=lambda item: (item[0][0] != "smollm2-135m-instruct", item[0][2] != 64, item[0])
    ):
        own, other = both[True], ordinary.get((model, prefix))
        beside = "| | |"
        if other:
            ratio = other["seconds_per_record"] / own["seconds_per_record"]
            beside = f"{other['seconds_per_record']:.3f} | {_gigabytes(other):.2f} | {ratio:.1f} |"
        lines.append(
            f"| {_SHORT[model]} | {prefix:,} | {batch} | {own['seconds_per_record']:.3f} | "
            f"{_gigabytes(own):.2f} | {beside}"
        )
    return "\n".join(lines)


def _curves(rows: Sequence[Row], over: str, of: Callable[[Row], float]) -> list[Curve]:
    curves: list[Curve] = []
    for (model, shared), style in _STYLES.items():
        points = sorted(
            (row[over], of(row)) for row in rows if (row["model"], row["shared"]) == (model, shared)
        )
        if points:
            curves.append((f"{_SHORT[model]}, {'shared' if shared else 'ordinary'}", style, points))
    return curves


def _seconds(row: Row) -> float:
    return float(row["seconds_per_record"])


def _gigabytes(row: Row) -> float:
    return float(row["peak_memory_bytes"]) / 1e9


def _levels(low: float, high: float) -> list[float]:
    candidates = [factor * 10.0**power for power in range(-3, 5) for factor in (1, 3)]
    return [value for value in candidates if low - 1e-9 <= math.log10(value) <= high + 1e-9]


def _level(value: float, y: float) -> Markup:
    line = element("line", x1=_LEFT, x2=_LEFT + _PLOT, y1=y, y2=y, stroke="#ddd")
    return line + text(f"{value:g}", _LEFT - 8, y + 4, text_anchor="end", fill="#444")


def _line(style: tuple[str, str], points: Sequence[tuple[float, float]]) -> list[Markup]:
    colour, dashes = style
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    line = element(
        "polyline", points=path, fill="none", stroke=colour, stroke_width=2, stroke_dasharray=dashes or None
    )
    return [line, *(element("circle", cx=x, cy=y, r=3.5, fill=colour) for x, y in points)]


def _apart(xs: Sequence[float], across: Callable[[float], float]) -> list[float]:
    """Return the ticks that have room for their text."""
    kept: list[float] = []
    for x in reversed(xs):
        if not kept or across(kept[-1]) - across(x) >= 36:
            kept.append(x)
    return kept


if __name__ == "__main__":
    main()
