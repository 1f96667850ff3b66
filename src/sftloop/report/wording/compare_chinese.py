"""The comparison's Chinese."""

from __future__ import annotations

from sftloop.report.wording.compare_words import (
    CompareWords,
    DecisionWords,
    MatrixWords,
    PairWords,
    RecordsWords,
)
from sftloop.report.wording.words import Counted


def _same(text: str) -> Counted:
    """Chinese has one form for every number."""
    return Counted(text, text)


CHINESE = CompareWords(
    title="{scenario} · 系统对比",
    eyebrow="对比报告",
    heading="决定",
    asked=_same("{split} 集的 {n} 条记录"),
    systems=_same("{n} 个系统"),
    left_out="未参与对比：{what}（{why}）。",
    decision=DecisionWords(
        use={
            "classifier": "线性分类器就够用：{name}",
            "model": "{name} 无需微调，直接可用",
            "adapter": "采用微调后的模型：{name}",
            "api": "采用 API：{name}",
        },
        untargeted="这些系统里首选未微调的 {name}",
        api_cost="，每千条 {cost}",
        meets_api="API {name} 达到目标",
        misses=Counted("没有系统达到目标", "没有系统达到全部 {n} 个目标"),
        nothing="没有一个系统能回答所有任务",
        scored="{task}：{metric} {value}（{range}）。",
        unscored="{task}：{metric}无法测得。",
        target_sure="{task}：{what}为 {value}，目标为{wanted}；其 95% 置信区间较差的一端（{low}）也达到了目标。",
        target_unsure="{task}：{what}为 {value}，目标为{wanted}；其 95% 置信区间较差的一端为 {low}，"
        "要确证还需更多记录。",
        target_missed="{task}：{what}为 {value}，目标为{wanted}。",
        nearest="最接近目标的是 {name}。",
        also_meet="{names} 同样可用，这里取其中最简单的一个。",
        alone_meets="其他系统都达不到。",
        best="它是 {n} 个系统中最好的。",
        also_best="与它难分高下的还有：{names}。",
        unsettled="落后不少、但记录太少而尚不能断定更差的还有：{names}。",
        as_good="它比最好的 {leader} 更简单，二者难分高下。",
        lead="{task}：{leader} 领先 {difference}（{interval}），可能只是偶然。",
        blind="小于 {detectable} 的差距，本次多半看不出来。",
        split="没有一个系统在所有任务上都属最好之列；{name} 落后的任务最少。",
        price="每千条记录花费 {cost}。",
        price_right="每千条记录花费 {cost}，每个正确答案 {right}。",
        unknown_price="未给出价格，因此费用未知。",
        time="在本机处理一千条记录需 {duration}。",
        no_target="场景没有写明目标（scenario.yaml 里的 target），因此是否够用尚无定论。",
        tune_too="这次没有微调过的模型参与对比：下一步可以微调 {base}。",
        tune_or_pay="这次没有微调过的模型参与对比：微调 {base} 或许可以省下 API 的费用。",
        tune_next="下一步：微调 {base}，它是开源模型中最好的。",
        more_next="下一步：增加训练记录，或换更大的基座模型。",
    ),
    matrix=MatrixWords(
        heading="各系统",
        intro="所有系统回答的是同一批记录。数值附 95% 置信区间，每个任务的最佳值以粗体标出。",
        caption=_same("{n} 个任务上的质量，以及速度与费用"),
        system="系统",
        kinds={"classifier": "分类器", "model": "未微调", "adapter": "微调后", "api": "API"},
        seeds=_same("{n} 个种子"),
        valid="格式正确",
        latency="延迟",
        tail="P95 {value}",
        tokens="每条词元",
        cost="每千条费用",
        per_right="每个正确答案 {value}",
        time="每千条用时",
        failed=_same("{n} 次调用失败"),
        marks={
            "best": "最好",
            "better": "优于最好的系统",
            "worse": "不如最好的系统",
            "inconclusive": "与最好的系统难分高下",
        },
        met="达标",
        missed="未达标",
        unanswered=_same(
            "{name} 有 {n} 条记录没有答案，既不算对也不算错。再次运行同一条命令只会重新询问这些记录。"
        ),
        latency_note="延迟是每个答案所用的时间，列出中位数与第 95 百分位数：本机系统按批次平均分摊，"
        "API 为整次调用。费用按 API 的标价计算；本机系统只计用时。",
        picture="{task}：各系统的数值与 95% 置信区间，具体数字见上表",
    ),
    pairs=PairWords(
        heading="与最好的系统比较",
        intro="在同一批记录上配对比较。p 值已按该任务的全部两两比较作 Holm 校正，"
        "因此即使“最好”是看了结果才挑出的，"
        "结论仍然成立。区间未作校正。",
        caption="{task}：以{metric}与 {best} 相比",
        system="系统",
        difference="差异",
        p="校正后的 p",
        verdict="结论",
        verdicts={"better": "更好", "worse": "更差", "inconclusive": "无定论"},
        detectable="可检出",
        more="还需记录",
        more_hint="可检出：以现有记录数，十次中有八次能发现的最小真实差异。还需记录：若所见差异属实，"
        "再增加多少条记录才能定论。",
        far="超过 {n}",
        all_tests=_same("两两比较共 {n} 组，全部见 compare.json。"),
    ),
    records=RecordsWords(
        heading="逐条对照",
        intro=_same("{n} 条记录中，有 {differ} 条各系统答案不同。"),
        only_differ="只看答案不同的",
        task="任务",
        all_tasks="全部",
        wrong="答错的系统",
        any_system="不限",
        keys="按 j、k 键在记录间移动。",
        gold="标准答案",
        right="对",
        not_right="错",
        failed="调用失败：{why}",
        no_answer="没有答案",
        left_out=_same("还有 {n} 条记录没有显示，见 side_by_side.json 与各系统的预测文件。"),
        first_seed="有多个种子的系统，显示第一个种子的答案。",
        region="{id} 的文本",
    ),
)
