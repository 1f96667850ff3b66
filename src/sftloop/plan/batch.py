"""The batch: a multiple of 16, larger where records are many or the shared prefix is long.

Knows counts and lengths; doesn't know memory: the micro-batch sets that, not the batch.
"""

from __future__ import annotations

from math import ceil

from sftloop.plan.choice import Choice
from sftloop.plan.facts import Facts

USUAL = 16
ROW = "J2"
_LARGEST = 128
_FEWEST_UPDATES, _MOST_UPDATES = 30, 1_000
"""Updates per epoch: below, too few to learn from; above, a larger batch gives steadier gradients."""


def choose_batch(facts: Facts) -> Choice:
    """Return the records per optimizer step."""
    if facts.total < 2 * USUAL:
        return _few(facts.total)
    by_prefix = _multiple(facts.tokens.prefix_mean / max(1.0, facts.tokens.own))
    by_count = _multiple(facts.total / _MOST_UPDATES)
    most = max(USUAL, facts.total // _FEWEST_UPDATES // USUAL * USUAL)
    size = min(max(by_prefix, by_count), most, _LARGEST)
    updates = ceil(facts.total / size)
    if size == USUAL:
        because = f"The usual size to start with: {updates:,} updates an epoch."
        because_zh = f"常用的起点：每轮更新 {updates:,} 次。"
    elif by_prefix >= size:
        because = (
            f"The shared prefix ({facts.tokens.prefix_mean:,.0f} tokens) is computed once a batch; smaller ones "
            f"would pay more for it than for their records ({facts.tokens.own:,.0f} tokens each)."
        )
        because_zh = (
            f"共享前缀（{facts.tokens.prefix_mean:,.0f} 个词元）每批只算一次；批再小，"
            f"前缀的开销就会超过记录本身（每条 {facts.tokens.own:,.0f} 个词元）。"
        )
    else:
        because = (
            f"Records are many: {updates:,} steadier updates an epoch instead of {facts.total // USUAL:,}."
        )
        because_zh = f"数据较多：每轮更新 {updates:,} 次而不是 {facts.total // USUAL:,} 次，梯度更稳。"
    return _choice(size, because, because_zh)


def _few(total: int) -> Choice:
    """Return a batch below 16: a quarter of the records, so that an epoch has four updates."""
    size = max(1, total // 4)
    usual, updates = ceil(total / USUAL), ceil(total / size)
    times = "once" if usual == 1 else "twice"
    return _choice(
        size,
        f"With {total} records a batch of 16 would update {times} an epoch; this one does {updates} times.",
        f"只有 {total} 条数据，批大小取 16 每轮只更新 {usual} 次；这样是 {updates} 次。",
    )


def _multiple(size: float) -> int:
    """Return the next multiple of 16, 16 at least."""
    return max(USUAL, ceil(size / USUAL) * USUAL)


def _choice(size: int, because: str, because_zh: str) -> Choice:
    return Choice(name="batch_size", value=size, because=because, because_zh=because_zh, row=ROW)
