"""What the selection's page says of how records were chosen and what was trained, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HowWords:
    """What chose, and what was trained to prove it."""

    heading: str
    method: str
    compared: str
    target: str
    seed: str
    methods: Mapping[str, str]
    ngrams: str
    by_model: str
    """`{model}`."""
    targets: Mapping[str, str]
    """What records were compared with; splits keep their own names."""
    trained: str
    model: str
    training: str
    epochs: str
    rate: str
    batch: str
    seeds: str
    measured_on: str


ENGLISH = HowWords(
    heading="What chose",
    method="Method",
    compared="Texts compared by",
    target="For",
    seed="Seed",
    methods={
        "facility_location": "facility location within each label",
        "cascade": "n-gram importance and BM25, then similarity",
        "cascade_loss_drop": "n-gram importance and BM25, then similarity, then loss drop",
        "loss-drop": "loss drop of an adapter of rank one",
        "less": "LESS: gradients along a warm-up",
        "gradient-cosine": "cosine of gradients",
    },
    ngrams="hashed n-grams, no model",
    by_model="hidden states of {model}",
    targets={"examples": "the training records", "definitions": "the definitions in the scenario"},
    trained="What was trained",
    model="Model",
    training="Method",
    epochs="Epochs",
    rate="Learning rate",
    batch="Records per step",
    seeds="Seeds",
    measured_on="Measured on",
)
CHINESE = HowWords(
    heading="选择方法",
    method="方法",
    compared="文本比较依据",
    target="选择目标",
    seed="种子",
    methods={
        "facility_location": "各标签内的设施选址",
        "cascade": "n 元组重要性与 BM25，再按相似度",
        "cascade_loss_drop": "n 元组重要性与 BM25，再按相似度，最后按损失下降",
        "loss-drop": "秩为 1 的适配器带来的损失下降",
        "less": "LESS：预热过程中的梯度",
        "gradient-cosine": "梯度的余弦相似度",
    },
    ngrams="哈希 n 元组，不用模型",
    by_model="{model} 的隐藏状态",
    targets={"examples": "训练记录", "definitions": "场景中的定义"},
    trained="训练设置",
    model="模型",
    training="训练方法",
    epochs="轮数",
    rate="学习率",
    batch="每步记录数",
    seeds="种子",
    measured_on="评测数据",
)
