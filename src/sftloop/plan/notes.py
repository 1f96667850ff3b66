"""What a reader of a proposal should know beside the choices: contradictions, estimates, what doesn't go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sftloop.plan.facts import Facts
from sftloop.plan.ladder import Fitted


class Note(NamedTuple):
    """One sentence or two, in both languages."""

    text: str
    text_zh: str


def notes_on(facts: Facts, method: str, fitted: Fitted | None) -> tuple[Note, ...]:
    """Return the notes on a proposal.

    Args:
        facts: what it rests on.
        method: the chosen one.
        fitted: its memory; None: unknown.
    """
    return (*_on_method(facts, method), *_on_data(facts), *_on_memory(facts, fitted))


def _on_method(facts: Facts, method: str) -> Iterator[Note]:
    if facts.measured:
        return
    if method == "ptuning":
        yield Note(
            "LoRA is P-tuning's rival here, and where they cross differs from task to task (arXiv:2402.17193). "
            "Measure it: sftloop plan learning-curve.",
            "在这个数据量上 LoRA 与 P-tuning 不相上下，交叉点因任务而异（arXiv:2402.17193）。"
            "请实测：sftloop plan learning-curve。",
        )
    if method in {"lora", "full"}:
        yield Note(
            "Advice on LoRA against all weights is at odds: LoRA keeps more of what the model could do, all "
            "weights often score a little higher, and where they cross differs from task to task "
            "(arXiv:2402.17193). Measure it: sftloop plan learning-curve.",
            "关于 LoRA 与全参的建议互相矛盾：LoRA 更能保留原有能力，全参往往得分略高，"
            "而两者的交叉点因任务而异（arXiv:2402.17193）。请实测：sftloop plan learning-curve。",
        )


def _on_data(facts: Facts) -> Iterator[Note]:
    tokens = facts.tokens
    if tokens.context and tokens.prefix + tokens.own_longest > tokens.context:
        yield Note(
            f"Some records are longer than the model's {tokens.context:,} tokens: shorten them, or go on without "
            "them (--set too_long=leave_out).",
            f"有些记录超过模型的 {tokens.context:,} 个词元：请缩短，或略过它们（--set too_long=leave_out）。",
        )
    if not tokens.counted:
        yield Note(
            "The model isn't on this machine: tokens are estimated from characters.",
            "本机没有该模型：词元数按字符估算。",
        )


def _on_memory(facts: Facts, fitted: Fitted | None) -> Iterator[Note]:
    if facts.hardware.gpus > 1:
        yield Note(
            f"sftloop trains on one of the {facts.hardware.gpus} GPUs (J8); for several see "
            "`sftloop plan memory --gpus`.",
            f"sftloop 只用 {facts.hardware.gpus} 块 GPU 中的一块（J8）；多卡见 `sftloop plan memory --gpus`。",
        )
    if facts.architecture is None:
        yield Note(
            "The planner doesn't know this architecture: memory isn't foreseen.",
            "规划器不认识这种结构：无法预估内存。",
        )
    elif fitted is None:
        yield Note(
            "The planner can't count this method on this device: memory isn't foreseen.",
            "规划器算不了这台设备上的这种方法：无法预估内存。",
        )
    elif not fitted.fits:
        yield Note(
            "It does not fit, with every step taken that leaves method, data and model as they are.",
            "在不改方法、数据和模型的前提下，所有省内存的办法都用上了，仍放不下。",
        )
