"""How long to train: epochs, and when to stop early.

The weights with the best validation score are kept, so an epoch too many costs time only.
"""

from __future__ import annotations

from math import ceil

from sftloop.plan.choice import Choice
from sftloop.plan.facts import Facts
from sftloop.plan.method import MANY

ROW = "J3"
VIRTUAL = ("ptuning", "prefix", "prompt")
_USUAL = 3
_UPDATES, _UPDATES_VIRTUAL = 100, 400
"""Updates that a training should have at least. Virtual tokens learn slowly: Lester et al. 2021, arXiv:2104.08691,
take 30,000."""
_MOST, _MOST_VIRTUAL = 10, 20
_PLENTY = 100_000
_ROUGH = 100
"""Validation records below which a score is too rough to stop at its second fall."""


def choose_epochs(facts: Facts, method: str, batch_size: int) -> Choice:
    """Return the passes over the data."""
    each = ceil(facts.total / batch_size)
    wanted, most = (_UPDATES_VIRTUAL, _MOST_VIRTUAL) if method in VIRTUAL else (_UPDATES, _MOST)
    if facts.total >= _PLENTY:
        epochs = 1 if facts.total >= MANY else 2
        because = f"With so much data {_times(epochs)} is enough: {epochs * each:,} updates."
        because_zh = f"数据很多，{epochs} 轮就够：更新 {epochs * each:,} 次。"
    else:
        epochs = min(most, max(_USUAL, ceil(wanted / each)))
        because = f"{epochs * each:,} updates; the best epoch's weights are kept, so watch the loss."
        because_zh = f"共更新 {epochs * each:,} 次；会保留验证最好的一轮，请留意损失曲线。"
    return Choice(name="epochs", value=float(epochs), because=because, because_zh=because_zh, row=ROW)


def choose_patience(facts: Facts, epochs: float) -> Choice:
    """Return the validations without a better score after which training stops; None: none."""
    if epochs < _USUAL:
        value = None
        because = "Too few epochs to stop early; the best weights are kept all the same."
        because_zh = "轮数太少，不必提前停止；仍会保留最好的权重。"
    else:
        value = 3 if facts.validation < _ROUGH else 2
        rough, rough_zh = (", whose score is rough", "，得分较粗") if value == 3 else ("", "")
        because = (
            f"Stops after {value} epochs that don't improve on {facts.validation} validation records{rough}."
        )
        because_zh = f"在 {facts.validation} 条验证数据上连续 {value} 轮没有提高就停止{rough_zh}。"
    return Choice(name="patience", value=value, because=because, because_zh=because_zh, row=ROW)


def _times(epochs: int) -> str:
    return "one pass" if epochs == 1 else f"{epochs} passes"
