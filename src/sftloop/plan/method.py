"""The fine-tuning method by the number of records, corrected by the model's size and by what fits.

Rules of thumb, after a study of prompt tuning, LoRA and full fine-tuning on models of 1B to 16B parameters (Zhang
et al. 2024, arXiv:2402.17193): virtual tokens with a few thousand records, LoRA above, all weights at millions.
Departures, each because the study says that the crossing points don't carry over from task to task:

- below a thousand records LoRA, the steadiest with little data (also Whitehouse et al. 2023, arXiv:2311.08572);
- what a learning curve on these very records showed goes before any rule;
- below a billion parameters all weights where they fit: the smaller the model, the further LoRA lies behind
  (arXiv:2311.08572), and a small model's training fits nearly everywhere.

Knows no bytes: whether a method fits is asked of the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from sftloop.plan.choice import Choice
from sftloop.plan.facts import Facts
from sftloop.scenario.training import ALL_METHOD_OPTIONS, METHOD_OPTIONS

FEW, SOME, MANY = 1_000, 5_000, 1_000_000
"""Records: up to the first LoRA, to the second virtual tokens, to the third LoRA, above all weights."""
ROW = "H8"
_NAMES = {
    "full": ("all weights", "全参微调"),
    "lora": ("LoRA", "LoRA"),
    "qlora": ("QLoRA", "QLoRA"),
    "ptuning": ("P-tuning", "P-tuning"),
}


def by_records(total: int) -> Choice:
    """Return the method that the number of records alone suggests."""
    if total < FEW:
        return _choice(
            "lora",
            f"With {_records(total)} LoRA is the steadiest and keeps most of what the model can do.",
            f"只有 {total:,} 条数据，LoRA 最稳定，也最能保留模型原有的能力。",
        )
    if total < SOME:
        return _choice(
            "ptuning",
            f"With a few thousand records ({total:,}) virtual tokens are enough and leave the weights alone "
            "(arXiv:2402.17193).",
            f"数据量在几千条（{total:,} 条）时，训练虚拟词元就够了，且不动权重（arXiv:2402.17193）。",
        )
    if total < MANY:
        return _choice(
            "lora",
            f"From a few thousand records on ({total:,}) LoRA gains more from data than virtual tokens "
            "(arXiv:2402.17193).",
            f"数据量超过几千条（{total:,} 条）后，LoRA 比虚拟词元更能从数据中获益（arXiv:2402.17193）。",
        )
    return _choice(
        "full",
        f"At millions of records ({total:,}) training all weights pays (arXiv:2402.17193).",
        f"数据达到百万级（{total:,} 条）时，全参微调效果最好（arXiv:2402.17193）。",
    )


def choose_method(facts: Facts, asked: Collection[str], fits: Callable[[str], bool]) -> Choice:
    """Return the method to start with.

    Args:
        facts: records, model, machine.
        asked: options of methods that the user gave a value; the method must know them all.
        fits: whether a method's training fits into memory.
    """
    if method := owner(asked):
        return _asked_for(method, asked)
    first = _measured(facts.measured) if facts.measured else by_records(facts.total)
    if facts.small and not facts.measured and first.value != "full":
        first = _small(first, fits)
    if fits(first.value):
        return first
    return _that_fits(first, fits)


def _measured(method: str) -> Choice:
    return _choice(
        method,
        "Your learning curve on these records says so: it is surely the best on all of them.",
        "你在这些数据上的学习曲线表明：用全部数据时它确实最好。",
    )


def _small(by_size: Choice, fits: Callable[[str], bool]) -> Choice:
    """Return all weights for a small model; if they don't fit, LoRA, the next best for it."""
    name, name_zh = _NAMES[by_size.value]
    if fits("full"):
        return _choice(
            "full",
            f"Below 1B parameters all weights fit and adapters fall behind (arXiv:2311.08572); by the number of "
            f"records alone it would be {name}.",
            f"模型不到 10 亿参数，全参放得下，而适配器会明显落后（arXiv:2311.08572）；只看数据量则是 {name_zh}。",
        )
    return _choice(
        "lora",
        "Below 1B parameters all weights would be better, but don't fit; LoRA comes nearest.",
        "模型不到 10 亿参数，全参更好但显存放不下；LoRA 与它最接近。",
    )


def _that_fits(first: Choice, fits: Callable[[str], bool]) -> Choice:
    """Step down from what doesn't fit, to LoRA and then to QLoRA; if nothing fits, keep the first."""
    ladder = ("lora", "qlora") if first.value == "full" else ("qlora",)
    found = next((method for method in ladder if fits(method)), None)
    if found is None:
        return first
    (name, name_zh), (other, other_zh) = _NAMES[found], _NAMES.get(first.value, (first.value, first.value))
    return _choice(
        found,
        f"{other[0].upper()}{other[1:]} would be the choice, but doesn't fit into memory; {name} does.",
        f"本应选 {other_zh}，但内存放不下；{name_zh} 放得下。",
    )


def owner(asked: Collection[str]) -> str | None:
    """Return the method that the given options belong to; None where none of them is a method's."""
    named = _method_options(asked)
    if not named:
        return None
    return next((method for method, options in METHOD_OPTIONS.items() if named <= set(options)), None)


def _method_options(asked: Collection[str]) -> set[str]:
    return {name for name in asked if name in ALL_METHOD_OPTIONS}


def _asked_for(method: str, asked: Collection[str]) -> Choice:
    words = ", ".join(f"'{name}'" for name in sorted(_method_options(asked)))
    return _choice(method, f"You gave {words}, which belongs to it.", f"你指定了属于它的 {words}。")


def _records(total: int) -> str:
    return f"{total:,} record{'s' if total != 1 else ''}"


def _choice(method: str, because: str, because_zh: str) -> Choice:
    return Choice(name="method", value=method, because=because, because_zh=because_zh, row=ROW)
