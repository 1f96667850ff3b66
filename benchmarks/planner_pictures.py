"""Draw what `memory_check`, `memory_on_cpu` and `time_check` measured as the pictures of the planner's documents.

python -m benchmarks.planner_pictures [--out docs]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from benchmarks.drawing import drawing
from sftloop.core.files import atomic_write_text, read_json
from sftloop.report.charts.svg import Axis, element, round_axis, text, tick_text

_HERE = Path(__file__).parent
_GREEN, _BROWN, _GREY, _INK = "#0b6e4f", "#b3541e", "#d7d7d7", "#222"
_PARTS = {
    "weights": ("weights", "#35618f"),
    "gradients": ("gradients", "#b3541e"),
    "optimizer": ("optimizer states", "#c9a227"),
    "activations and others": ("activations, logits, prefix, buffers", "#0b6e4f"),
}
_SIDE = 300
"""Pixels of a scatter's side."""
_TOP = 40

Row = dict[str, Any]
Point = tuple[float, float, str]
"""Predicted, measured, colour."""


def main() -> None:
    """Write the pictures whose results are there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=_HERE / "results")
    parser.add_argument("--out", type=Path, default=_HERE.parent / "docs")
    options = parser.parse_args()
    for result, picture, draw in (
        ("memory_check", "memory-on-a100", memory_on_gpu),
        ("memory_on_cpu", "memory-on-cpu", memory_on_cpu),
        ("time_check", "time-forecasts", time_forecasts),
    ):
        found = options.results / f"{result}.json"
        if found.is_file():
            rows = read_json(found, "benchmark results")["rows"]
            atomic_write_text(options.out / f"{picture}.svg", f"{draw(rows)}\n")


def memory_on_gpu(rows: Sequence[Row]) -> Markup:
    """Return two scatters: allocated and reserved, predicted across, measured up.

    Runs that ran out of memory are left out.
    """
    ran = [row for row in rows if row["peak"] is not None and row["reserved"] is not None]
    colours = [_GREEN if row["gpus"] == 1 else _BROWN for row in ran]
    allocated = [
        (row["predicted"] / 1e9, row["peak"] / 1e9, colour) for row, colour in zip(ran, colours, strict=True)
    ]
    reserved = [
        (row["predicted_reserved"]["median"] / 1e9, row["reserved"] / 1e9, colour)
        for row, colour in zip(ran, colours, strict=True)
    ]
    axis = round_axis(0, max(value for pair in (*allocated, *reserved) for value in pair[:2]))
    panels = [
        *_scatter(allocated, axis, 70, "allocated"),
        *_scatter(reserved, axis, 70 + _SIDE + 90, "reserved"),
    ]
    legend = _legend([("one GPU", _GREEN), ("FSDP on 2 and 4", _BROWN)], 70, 14)
    return drawing(
        2 * _SIDE + 200, _SIDE + 100, f"Predicted and measured memory of {len(ran)} runs", [*legend, *panels]
    )


def time_forecasts(rows: Sequence[Row]) -> Markup:
    """Return a scatter of whole runs in processor seconds: forecast across, its interval as a line, taken up."""
    forecasts = [row["processor"]["pilots"][-1]["total"] for row in rows]
    taken = [row["run"]["processor"] for row in rows]
    axis = round_axis(0, max(*taken, *(forecast["high"] for forecast in forecasts)))
    points = [
        (forecast["seconds"], seconds, _GREEN) for forecast, seconds in zip(forecasts, taken, strict=True)
    ]
    panel = _scatter(points, axis, 70, "processor seconds", "s")
    for forecast, seconds in zip(forecasts, taken, strict=True):
        y = _TOP + _SIDE * (1 - axis.share(seconds))
        ends = {f"x{end}": 70 + _SIDE * axis.share(forecast[at]) for end, at in ((1, "low"), (2, "high"))}
        panel.append(element("line", y1=y, y2=y, stroke=_GREEN, **ends))
    return drawing(_SIDE + 130, _SIDE + 100, "Forecast and taken time", panel)


def memory_on_cpu(rows: Sequence[Row]) -> Markup:
    """Return two bars per case, the ledger's and the measured, each of its parts."""
    left, height, width = 270, 15, 420
    scale = round_axis(0, max(max(row["predicted"], row["measured"]) / 1e9 for row in rows))
    drawn = _legend(list(_PARTS.values()), 10, 14)
    y = 40.0
    for row in rows:
        drawn.append(text(_case(row), left - 12, y + height + 3, text_anchor="end", fill=_INK))
        for parts, opacity in ((_ledger(row), 0.55), (row["categories"], 1.0)):
            start = 0.0
            for part, (_, colour) in _PARTS.items():
                long = scale.share(parts[part] / 1e9) * width
                drawn.append(
                    element(
                        "rect", x=left + start, y=y, width=long, height=height, fill=colour, opacity=opacity
                    )
                )
                start += long
            y += height
        y += 12
    for value in scale.ticks:
        x = left + scale.share(value) * width
        drawn.append(element("line", x1=x, x2=x, y1=36, y2=y, stroke=_GREY))
        drawn.append(text(f"{tick_text(value)} GB", x, y + 18, text_anchor="middle", fill=_INK))
    drawn.append(text("pale: the ledger; full: measured", 10, y + 18, fill=_INK))
    return drawing(left + width + 40, y + 30, "The ledger beside measured tensors, by category", drawn)


def _ledger(row: Row) -> dict[str, float]:
    parts = row["components"]
    others = sum(parts[name] for name in ("activations", "logits", "prefix", "buffers"))
    return {
        **{name: parts[name] for name in ("weights", "gradients", "optimizer")},
        "activations and others": others,
    }


def _case(row: Row) -> str:
    case = row["case"]
    method = {"lora": "LoRA", "full": "full", "ptuning": "P-tuning"}[case["method"]]
    words = [
        {"smollm2-135m-instruct": "SmolLM2", "qwen2.5-coder-0.5b-instruct": "Qwen2.5-0.5B"}[row["model"]],
        method,
        {"fp32": "fp32", "bf16-mixed": "bf16"}[case["precision"]],
        *(["no prefix"] if not case["prefix"] else []),
        *(["checkpointing"] if case["checkpointing"] else []),
    ]
    return ", ".join(words)


def _scatter(points: Iterable[Point], axis: Axis, left: float, title: str, unit: str = "GB") -> list[Markup]:
    bottom = _TOP + _SIDE

    def x(value: float) -> float:
        return left + axis.share(value) * _SIDE

    def y(value: float) -> float:
        return bottom - axis.share(value) * _SIDE

    drawn = []
    for value in axis.ticks:
        drawn.append(element("line", x1=left, x2=left + _SIDE, y1=y(value), y2=y(value), stroke=_GREY))
        drawn.append(element("line", x1=x(value), x2=x(value), y1=_TOP, y2=bottom, stroke=_GREY))
        drawn.append(text(tick_text(value), x(value), bottom + 18, text_anchor="middle", fill=_INK))
        drawn.append(text(tick_text(value), left - 8, y(value) + 4, text_anchor="end", fill=_INK))
    drawn.append(element("line", x1=left, y1=bottom, x2=left + _SIDE, y2=_TOP, stroke="#888"))
    drawn += [
        element("circle", cx=x(predicted), cy=y(measured), r=4, fill=colour, fill_opacity=0.45, stroke=colour)
        for predicted, measured, colour in points
    ]
    drawn.append(
        text(
            f"{title}: predicted across, measured up, {unit}",
            left + _SIDE / 2,
            bottom + 40,
            text_anchor="middle",
        )
    )
    return drawn


def _legend(entries: Sequence[tuple[str, str]], left: float, y: float) -> list[Markup]:
    drawn = []
    for words, colour in entries:
        drawn.append(element("rect", x=left, y=y - 2, width=12, height=12, fill=colour))
        drawn.append(text(words, left + 18, y + 8, fill=_INK))
        left += 40 + 7 * len(words)
    return drawn


if __name__ == "__main__":
    main()
