"""How fast to learn: the rate, its schedule and its rise.

A method's own starting rate is passed in, since the methods know it; here it follows the batch, which is chosen
first, with the square-root rule for Adam (Malladi et al. 2022, arXiv:2205.10287).
"""

from __future__ import annotations

from math import sqrt

from sftloop.plan.batch import ROW, USUAL
from sftloop.plan.choice import Choice
from sftloop.plan.facts import Facts

_START = 1e-4


def choose_rate(facts: Facts, method: str, batch_size: int, start: float) -> Choice:
    """Return the learning rate.

    Args:
        facts: the model's size is named in the reason.
        method: likewise.
        batch_size: records per step.
        start: the method's rate for this size of model, at a batch of 16.
    """
    rate = float(f"{start * sqrt(batch_size / USUAL):.1e}")
    size, size_zh = ("below 1B", "不到") if facts.small else ("of 1B or more", "达到")
    if start == _START:
        because, because_zh = f"The usual start, {_START:g}", f"常用的起点 {_START:g}"
    else:
        because = f"The usual start is {_START:g}; {method} on a model {size} parameters starts at {start:g}"
        because_zh = f"微调通常从 {_START:g} 开始；模型{size_zh} 10 亿参数时，{method} 从 {start:g} 开始"
    if batch_size != USUAL:
        because += f", times √({batch_size}/{USUAL}) for the batch (arXiv:2205.10287)"
        because_zh += f"，再按批大小乘以 √({batch_size}/{USUAL})（arXiv:2205.10287）"
    return Choice(
        name="learning_rate", value=rate, because=f"{because}.", because_zh=f"{because_zh}。", row=ROW
    )


def choose_schedule() -> tuple[Choice, Choice]:
    """Return the schedule, and the share of steps over which the rate rises."""
    return (
        Choice(
            name="schedule",
            value="cosine",
            because="Falls slowly at first and ends at zero, so that the last epochs refine.",
            because_zh="先慢后快地降到零，最后几轮用来精调。",
            row=ROW,
        ),
        Choice(
            name="warmup",
            value=0.05,
            because="Adam's first steps rest on few gradients; a short rise keeps them small.",
            because_zh="Adam 最初几步只看过很少的梯度，先短暂升温更稳。",
            row=ROW,
        ),
    )
