"""The audit page's Chinese."""

from __future__ import annotations

from sftloop.report.wording.audit_words import (
    AuditVerdictWords,
    AuditWords,
    EvidenceWords,
    FindingWords,
    KindWords,
    PictureWords,
    RecordWords,
)
from sftloop.report.wording.rewrite_words import CHINESE as CHINESE_REWRITES
from sftloop.report.wording.words import Counted


def _same(text: str) -> Counted:
    """Chinese has one form for every number."""
    return Counted(text, text)


_ERRORS_IN = "先改正 {errors} 处错误（涉及 {records} 条记录），再拿去训练"
_KINDS = {
    "untrainable": KindWords(
        name="无法训练的记录",
        means="用它们训练会出错，或者教错东西：没有可学的内容、答案不合任务格式，或文本超出模型长度。",
    ),
    "leak": KindWords(
        name="数据集之间的泄漏",
        means="训练集里的记录同时出现在验证集或测试集中，那里的得分会虚高。",
    ),
    "conflict": KindWords(
        name="答案相互矛盾",
        means="同样的输入配了不同的答案，模型无论怎么答都会错一部分。",
    ),
    "label_error": KindWords(
        name="疑似标错",
        means="用其余记录训练出的分类器很有把握地给出了另一个标签。先看再改：少见的记录也可能是对的。",
    ),
    "unknown_knowledge": KindWords(
        name="模型不掌握的事实",
        means="答案依赖的事实既不在输入里，模型也不知道。用这样的记录训练，等于教模型编造。",
    ),
    "duplicate": KindWords(
        name="重复记录",
        means="重复的记录只增加权重，不增加信息：同一个案例反复出现，其他案例相对变少。",
    ),
    "near_duplicate": KindWords(
        name="近似重复",
        means="只差几个字的文本教的几乎是同一件事。如果答案不同，则可能是值得保留的对照样本。",
    ),
    "format_outlier": KindWords(
        name="写法不一致的答案",
        means="少数答案的写法与本任务的其余答案不同，模型会把两种写法混着用。",
    ),
    "imbalance": KindWords(
        name="分布不均衡",
        means="有的标签或任务记录太多，有的太少，少的那些最难学会。",
    ),
    "few_boundary": KindWords(
        name="边界样本不足",
        means="介于两种答案之间的边界样本最有教学价值，而这里太少。",
    ),
    "over_cap": KindWords(
        name="记录超出所需",
        means="超过任务上限之后，再加记录几乎没有帮助，只会拖慢训练、淹没小任务。",
    ),
}

CHINESE = AuditWords(
    title="{scenario} · 数据体检",
    eyebrow="数据体检报告",
    heading="结论",
    verdict=AuditVerdictWords(
        errors=_same("先改正 {n} 处错误，再拿去训练"),
        errors_in=dict.fromkeys(("one-one", "one-many", "many-one", "many-many"), _ERRORS_IN),
        warnings=_same("没有妨碍训练的错误，但有 {n} 处警告值得一看"),
        clean="没有发现妨碍训练的问题",
        checked=_same("检查了{split}的 {n} 条记录"),
        checked_with="，使用模型 {model}",
        touched=_same("其中 {n} 条有问题或需要留意。"),
        seconds="，用时 {duration}",
        unchecked=_same("另有 {n} 项未检查。"),
        splits={"train": "训练集", "validation": "验证集", "test": "测试集"},
        severities={"error": _same("处错误"), "warning": _same("处警告"), "note": _same("处提示")},
        severity_means={
            "error": "会让训练或得分出错",
            "warning": "会让效果打折扣",
            "note": "了解即可",
        },
        badges={"error": "错误", "warning": "警告", "note": "提示"},
        overview="各类问题，危害大的在前",
        kind="类别",
        findings="问题数",
        records="涉及记录",
    ),
    findings=FindingWords(
        heading="发现的问题",
        intro="按危害从大到小排列。体检不改动任何数据，处理办法都只是建议。",
        nothing="没有发现问题。",
        kinds=_KINDS,
        counted=_same("{n} 处"),
        in_records=_same("{n} 条记录"),
        mend="处理建议：",
        record=RecordWords(answer="答案", empty="空", region="{id} 的文本"),
        keep="保留",
        drop="删除",
        more_records=_same("另外 {n} 条记录：{ids}"),
        all_records=_same("{n} 条记录：{ids}"),
        folded=_same("其余 {n} 处"),
        left_out=_same("还有 {n} 处见 audit.json。"),
        left_out_ids=_same("等，另有 {n} 条见 audit.json"),
    ),
    rewrites=CHINESE_REWRITES,
    evidence=EvidenceWords(
        similarity="相似度",
        also_in="同时出现在",
        also_in_ids="{split}：{ids}",
        given="现有标签",
        suggested="更可能是",
        with_probability="{label}（{p}）",
        answers="各种答案",
        answer_times="{answer} × {n}",
        feature="特征",
        usual="通常写法",
        usual_share="{value}（{share}）",
        found="此处写法",
        other_side="{split}中的文本",
        examples="示例",
        names={
            "most": "记录最多",
            "fewest": "记录最少",
            "ratio": "倍数",
            "share": "占比",
            "n": "记录数",
            "hard": "边界或困难",
            "limit": "上限",
            "before": "删减前",
            "after": "删减后",
            "hard_dropped": "删去的边界或困难记录",
            "labels": "标签",
            "answers_differ": "答案不同",
            "suggested": "建议的答案",
            "tokens": "词元数",
            "longest": "最长",
            "context_tokens": "上下文词元数",
            "cause": "原因",
            "quote": "引文",
        },
    ),
    pictures=PictureWords(
        heading="数据概览",
        balance="各任务的记录数",
        task="任务",
        label="标签",
        records="记录数",
        characters="字符数",
        labels="各标签的记录数",
        labels_by_difficulty="各标签的记录数与难度",
        left_out=_same("还有 {n} 行见 audit.json。"),
        not_measured="未测量",
        difficulty="对未训练模型的难度",
        difficulty_tagged="按标注的难度",
        difficulties={"easy": "容易", "boundary": "边界", "hard": "困难"},
        difficulty_means="容易：模型答对且把握大；边界：模型拿不准；困难：模型明显答错。",
        margins="正确标签的领先幅度",
        margins_hint="正确标签的概率减去其他标签中的最高概率。红色表示模型更倾向别的标签；零附近的记录最有教学价值。",
        scores="难度得分",
        scores_hint="得分越高，说明输入对写出答案的帮助越小。",
        knowledge="模型是否掌握这些事实",
        classes={
            "HighlyKnown": "每次都答对",
            "MaybeKnown": "时对时错",
            "WeaklyKnown": "采样时才偶尔答对",
            "Unknown": "从未答对",
            "exempt": "不依赖事实",
            "not_measured": "未测量",
        },
        knowledge_means="反复向未训练的模型提问，看它每次、有时还是从未答对。",
        exempt="不依赖事实的原因：{why}",
        why_exempt={
            "judgement": "答案是判断（标签、分数、是或否），不是事实",
            "grounded": "答案就在输入里",
            "nothing_said": "答案没有给出内容",
        },
        styles="答案的写法",
        styles_hint="各种写法在本任务答案中的占比。写法统一，少量记录就能学会。",
        style_value="写法",
        share="占比",
        other="其他",
        alike="全部答案一致的特征：{traits}。",
        trait="{feature}（{value}）",
        diversity={
            "effective_labels": "有效标签数",
            "effective_tags": "有效标记数",
            "vendi": "有效文本数（Vendi 分数）",
        },
        diversity_hint="有效数表示：多少种均匀分布的类别才会有同样的多样性。",
        cap=_same("按每个任务 {limit} 条的上限，将删去 {n} 条。"),
        label_errors="最常见的疑似标错",
        label_error="{change}：{count} 条",
        picture="{task}：{caption}",
    ),
    unchecked="没有检查的内容",
    unchecked_intro="下列问题可能存在，但不在本页中。",
)
