"""The Chinese of the page of `prompt improve --formats`."""

from __future__ import annotations

from sftloop.report.wording.formats_words import FormatsWords
from sftloop.report.wording.words import Counted

CHINESE = FormatsWords(
    title="{scenario} 的格式",
    eyebrow="格式搜索",
    heading="结果",
    notes="注意事项",
    files="文件",
    join="",
    quoted="“{name}”",
    factors={
        "order": "各部分的顺序",
        "labels": "标签",
        "reason": "理由",
        "answer": "答案",
        "wording": "内置用语",
    },
    levels={
        "order": {
            "input_first": "先输入后指令",
            "instruction_first": "先指令后输入",
            "instruction_opens": "指令置顶",
            "input_opens": "输入置顶",
        },
        "labels": {"names": "写名称", "letters": "写字母"},
        "reason": {"after": "理由在后", "before": "理由在前", "none": "不写理由"},
        "answer": {"plain": "纯文本", "json": "JSON", "by task": "按各任务"},
        "wording": {"en": "英文", "zh": "中文"},
    },
    accepted="{format}优于现有格式：{differences}",
    kept={
        "inconclusive": "保留现有格式：没有哪种格式显著更好",
        "mixed": "保留现有格式：另一种格式只在某个任务上更好，总体并不占优",
        "failed": "保留现有格式：失败的调用太多，不足以采用其他格式",
        "nothing_else": "保留现有格式：没有可以比较的格式",
    },
    difference="{task} {difference}",
    against="{task}：{metric} {before} → {after}，{difference}（{interval}，Holm 校正后 {p}，留出记录 {n} 条）。",
    against_once="{task}：{metric} {before} → {after}，{difference}（{interval}，{p}，{n} 条记录）。",
    lead="共 {formats} 种格式，在至多 {halving} 条验证记录上逐轮淘汰一半；最好的 {finalists} "
    "种与现有格式在另外 {final} "
    "条各轮都未见过的验证记录上比较。用时 {duration}。",
    detectable="{task}：{n} 条记录时，真实差异达到{detectable}时才有八成把握被发现。",
    not_detectable="{task}：{n} 条记录太少，任何差异都难以可靠发现。",
    needed="要确认已观察到的差异，约需 {needed} 条记录。",
    tested={
        "better": "测试集只为这一种格式打开一次，它在测试集上同样更好：{told}",
        "worse": "测试集只为这一种格式打开一次，它在测试集上更差：{told}不要采用。",
        "inconclusive": "测试集只为这一种格式打开一次，差异可能出于偶然：{told}",
    },
    no_test="没有打开测试集。",
    opened=Counted(
        "测试集为 {n} 种格式打开过。", "测试集在不同预算下为 {n} 种格式打开过：次数越多，说服力越小。"
    ),
    prefix_shorter="所有提示词共享的前缀由 {before} 个词元减少到 {after} 个，不共享的部分每条记录都要重算"
    "：训练和评测会变慢。",
    prefix_longer="所有提示词共享的前缀由 {before} 个词元变为 {after} 个。",
    badges={"better": "更好", "worse": "更差", "inconclusive": "可能出于偶然"},
    finals="入围格式与现有格式的比较",
    finals_intro="在留出的验证记录上进行；每个结论都经过覆盖全部检验的 Holm 校正。",
    finalist="{n}. {name}。{told}",
    test="测试",
    test_intro="只为被采纳的格式打开；只有一次比较，无需校正。",
    change="scenario.yaml 应改之处",
    change_intro="选项 --apply 会直接写入。",
    applied="{file} 已替换，原文件保存为 {backup}。",
    held_back="{file} 没有改动：在测试集上这种格式更差。",
    effects="每个选择各自的作用",
    effects_intro="取自第一轮：所有格式回答同样的记录，对采用同一选择的全部格式取平均。差异是与现有选择"
    "相比，附对记录的 "
    "95% 区间；记录不多，也没有为同时看多个选择而校正。",
    level="选择",
    mean="平均得分",
    apart="与现有选择之差",
    present="现有",
    formats="格式数",
    table="全部格式",
    table_intro="入围格式和现有格式用留出记录，其余用各自最后一轮的记录：只有同样记录上的数字才可比。共"
    "享词元是一个任务的"
    "所有提示词共同的开头；指令和定义放在输入之前，共享的就多。",
    table_caption="入围格式和现有格式在前，其余按轮次",
    format="格式",
    quality="{metric}",
    valid="格式合规",
    tokens="词元：提示词 / 答案",
    prefix="共享词元",
    shorter="少于现有格式",
    records="{n} 条记录",
    held_out="留出记录",
    halving_only="逐轮淘汰所用记录",
    picture="入围格式和现有格式的取值与区间",
    left_out="未尝试：{name}：{why}。",
    rows_left_out=Counted("另有 {n} 种格式见旁边的 JSON 文件。", "另有 {n} 种格式见旁边的 JSON 文件。"),
    improved="采用新格式的场景文件",
)
