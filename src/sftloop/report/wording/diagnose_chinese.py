"""The diagnosis page's Chinese."""

from __future__ import annotations

from sftloop.report.wording.audit_words import RecordWords
from sftloop.report.wording.diagnose_words import DiagnoseWords, DiagnosisOutcomeWords, ThresholdWords
from sftloop.report.wording.words import Counted


def _same(text: str) -> Counted:
    """Chinese has one form for every number."""
    return Counted(text, text)


CHINESE = DiagnoseWords(
    title="{scenario} · 幻觉诊断",
    eyebrow="幻觉诊断报告",
    heading="结论",
    outcome=DiagnosisOutcomeWords(
        claims="{task}：{n} 条没有依据的记录，模型对其中 {rate} 作出了论断",
        clean="{n} 条没有依据的记录，模型都没有作出论断",
        unknown="这里的每条记录都有依据，谈不上无依据的论断",
        traps="{n} 条陷阱通过了 {passed} 条。",
        changed="共比较 {n} 项指标，{better} 项显著变好，{worse} 项显著变差。",
        unchanged="共比较 {n} 项指标，没有一项有显著变化。",
    ),
    compared_with="对比",
    split="数据",
    adapter="适配器",
    suggestions="该补哪些记录",
    suggestions_intro="最要紧的在前。一类问题通常补几条记录就能改善；全部草稿见 drafts.jsonl。",
    nothing_to_suggest="没有明显需要补的。",
    drafts=_same("{n} 条草稿，请审读"),
    draft=RecordWords(answer="答案", empty="空", region="{id} 的文本"),
    figures="{task} 的各项指标",
    figure="指标",
    before="之前",
    now="现在",
    interval="95% 置信区间",
    count="n",
    groups={
        "answers": "回答",
        "evidence": "引用的证据",
        "abstention": "“无法判断”",
        "confidence": "置信度",
        "interventions": "去掉证据，或只留证据",
        "stability": "换个问法，或再问一次",
    },
    names={
        "unsupported_positive_rate": "没有依据却作出论断",
        "exists": "引文确实出现在原文中",
        "without": "论断没有真实引文",
        "supports": "论断正确且引对了段落",
        "precision": "说得对",
        "recall": "该说时说了",
        "ece": "校准误差（ECE）",
        "brier": "Brier 分数（0～2）",
        "aurc": "风险—覆盖曲线下面积（AURC）",
        "abstains": "去掉证据：改为无法判断",
        "keeps": "去掉证据：仍是原答案",
        "alone": "只留证据：保持正确答案",
        "label_order": "调换标签顺序，答案不变",
        "wording": "换一种问法，答案不变",
        "sampling": "重新采样，答案不变",
    },
    labels="各标签的精确率与召回率",
    fields="各字段的精确率与召回率",
    labels_picture="{task}：精确率与召回率，附 95% 置信区间",
    precision="精确率",
    recall="召回率",
    was="之前的{name}",
    labels_left_out=_same("还有 {n} 个见 diagnose.json。"),
    coverage="风险—覆盖曲线",
    coverage_hint="只采纳模型最有把握的那部分回答时，其中错误的比例（%）。曲线起点低，就可以在那里截断。",
    coverage_axis="采纳比例 %",
    calibration="概率是否名副其实",
    calibration_hint="各置信度（%）下答对的比例（%）。低于虚线说明模型过于自信。",
    calibration_axis="置信度",
    perfect="理想情况",
    threshold=ThresholdWords(
        heading="概率达到多少才能相信“{label}”",
        chosen="在验证集上选出的阈值是 {value}：在这里{metric} {reached}（{interval}），"
        "{claimed} 的记录被判为“{label}”。",
        held="这里达到了目标 {wanted}，置信下限也达到。",
        unsure="这里达到了目标 {wanted}，但置信下限没有达到。",
        missed="这里没有达到目标 {wanted}。",
        by_value="只看数值、不留余量：阈值 {value}，在这里{metric} {reached}（{interval}）。",
        why_not={
            "metric": "“{metric}”无法用阈值来保证；目标应是精确率或召回率。",
            "no_validation": "没有验证集，无法选取阈值。",
            "no_probabilities": "模型不给出概率。",
            "out_of_reach": "无法证明哪个阈值能使{metric}达到 {wanted}："
            "验证集中“{label}”有 {n} 条，即使全部判对也需要 {needed} 条。",
        },
    ),
    traps="陷阱",
    traps_hint="由场景自己的记录和规则改写而成，预期都没有依据。"
    "它们是自动生成的：采信之前，请先读一读 probes.jsonl。",
    trap="类别",
    passed="通过",
    failed="中招",
    own_trap="自备的陷阱",
    named_trap="自备：{name}",
    examples=_same("{n} 条让模型中招的记录"),
    example=RecordWords(answer="应答", empty="无", region="{id} 的文本"),
    said="模型回答：{given}",
    no_answer="没有标签",
    tests="前后对比",
    tests_hint="在相同记录上做配对检验，同一任务的检验一起做 Holm 校正。",
    change="变化",
    verdict="判断",
    p_value="p（Holm）",
    what={
        "unsupported_positives": "没有依据却作出论断",
        "precision": "“{item}”的精确率",
        "recall": "“{item}”的召回率",
        "without_quote": "论断没有真实引文",
        "evidence_removed": "去掉证据：改为无法判断",
        "evidence_alone": "只留证据：保持正确答案",
        "traps": "通过的陷阱（全部）",
    },
    badges={"better": "变好", "worse": "变差", "inconclusive": "难分高下"},
)
