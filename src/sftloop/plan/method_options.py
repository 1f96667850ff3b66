"""The options of the chosen method: what an adapter looks like, and what keeps it from learning by heart."""

from __future__ import annotations

from sftloop.plan.choice import Choice
from sftloop.plan.duration import VIRTUAL
from sftloop.plan.facts import Facts
from sftloop.plan.method import SOME

_RANK, _RANK_WRITTEN = 16, 32
_VIRTUAL_TOKENS = 20


def choose_method_options(facts: Facts, method: str, rank: int | None = None) -> list[Choice]:
    """Return what belongs to the method.

    Args:
        facts: records and kinds of tasks.
        method: the chosen one.
        rank: LoRA's, where the user gave it.
    """
    if method in VIRTUAL:
        return [_virtual_tokens()]
    if method == "full":
        return [_decay()]
    own = _rank(facts)
    return [own, _alpha(rank or own.value), _dropout()]


def _rank(facts: Facts) -> Choice:
    if facts.written and facts.total >= SOME:
        return Choice(
            name="rank",
            value=_RANK_WRITTEN,
            because="Written answers and thousands of records: low ranks learn less here (arXiv:2405.09673).",
            because_zh="答案要写成文本且数据有几千条：秩太低会学得少（arXiv:2405.09673）。",
            row="H2",
        )
    return Choice(
        name="rank",
        value=_RANK,
        because="The usual size; more trained parameters hardly help (arXiv:2402.17193).",
        because_zh="常用大小；可训练参数再多帮助也不大（arXiv:2402.17193）。",
        row="H2",
    )


def _alpha(rank: int) -> Choice:
    return Choice(
        name="alpha",
        value=float(2 * rank),
        because="Twice the rank, the scale that the learning rate is meant for.",
        because_zh="取秩的两倍，学习率就是按这个比例定的。",
        row="H2",
    )


def _dropout() -> Choice:
    return Choice(
        name="dropout",
        value=0.0,
        because="With dropout records couldn't share their prefix; early stopping guards instead.",
        because_zh="有 dropout 就不能共享前缀；防过拟合靠提前停止。",
        row="J7",
    )


def _decay() -> Choice:
    return Choice(
        name="weight_decay",
        value=0.0,
        because="Decay pulls to zero, away from the pretrained weights; early stopping guards instead.",
        because_zh="权重衰减会把参数拉向零、偏离预训练权重；防过拟合靠提前停止。",
        row="J7",
    )


def _virtual_tokens() -> Choice:
    return Choice(
        name="virtual_tokens",
        value=_VIRTUAL_TOKENS,
        because="The usual number; they lengthen every prompt.",
        because_zh="常用数量；再多会加长每条提示。",
        row="H4",
    )
