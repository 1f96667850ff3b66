"""Tasks and texts of two small scenarios, one per language, with all five kinds of task each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sftloop.scenario.schema import Task
from sftloop.scenario.wording import Language


@dataclass(frozen=True)
class Texts:
    name: str
    language: Language
    model: str
    tasks: tuple[Task, ...]
    inputs: tuple[str, ...]
    replies: tuple[str, ...]
    values: tuple[str, ...]
    reason: str
    chatter: str
    instruction: str
    linear_wins: str
    """The task on which the linear baseline beats the model."""
    unclear: str
    """The task that stays as it was."""


def build_task(name: str, kind: str, instruction: str, **parts: Any) -> Task:
    value = {"kind": kind, "name": name, "instruction": instruction, **parts}
    return Task.model_validate({"input": [{"name": "message"}], **value})


_INTENTS = (
    "delivery_status change_delivery cancel_order return_item damaged_item missing_parts wrong_item "
    "refund_status payment_problem invoice_request product_question stock_question assembly_help "
    "account_access compliment_or_feedback"
).split()

ENGLISH = Texts(
    name="support",
    language="en",
    model="smollm2-135m-instruct",
    tasks=(
        build_task(
            "intent",
            "choice",
            "Choose the label for what the customer wants from us now.",
            labels=dict.fromkeys(_INTENTS, "Meaning."),
        ),
        build_task(
            "leave",
            "choice",
            "Does the customer threaten to leave?",
            labels={"yes": "Threatens.", "no": "Stays.", "cannot_tell": {"means": "-", "abstain": True}},
            answer={"evidence": True},
            target={"metric": "precision", "label": "yes", "at_least": 0.8},
        ),
        build_task(
            "topics",
            "multi",
            "Name every topic that the message is about.",
            labels=dict.fromkeys(["delivery", "price", "quality", "service"], "Meaning."),
            target={"metric": "micro_f1", "at_least": 0.99},
        ),
        build_task(
            "order", "extract", "Read the order's details.", fields=dict.fromkeys(["item", "colour"], "-")
        ),
        build_task("reply", "generate", "Write one sentence in reply."),
        build_task(
            "anger",
            "score",
            "How angry is the customer?",
            range=[1, 5],
            target={"metric": "mae", "at_least": 0.8},
        ),
    ),
    inputs=(
        "I need to return the saucepan, as it's a 16 cm one and I ordered and paid for 20 cm.",
        "The wedding is off, so the dinner service for twelve would only make everybody sad. It's still with "
        "you according to the website. Please let it stay there.",
        "There was a time when a blue Larkspur box at the door made my day. Now it makes my stomach turn, "
        "there's always something broken in it. I've asked the bank to block further payments.",
        "can u take back a mattress we slept on? we'd like the money",
        "There's no pressure, the lamp's in the guest room and we have no guests before spring.",
    ),
    replies=(
        "We are sorry that the wrong pan came and will send the right one today.",
        "Your order is cancelled and nothing was charged.",
        "The mattress may go back within 100 nights.",
    ),
    values=("oak table", "green lamp", "kettle", "bed linen"),
    reason="The message says so.",
    chatter="Sure! Here is the answer: ",
    instruction="Instruction",
    linear_wins="topics",
    unclear="leave",
)

CHINESE = Texts(
    name="netizen",
    language="zh",
    model="qwen2.5-coder-0.5b-instruct",
    tasks=(
        build_task(
            "has_child",
            "choice",
            "根据发帖记录判断该网民本人是否有孩子。",
            input=[{"name": "message", "prefix": "微博 {n}", "many": True}],
            labels={"有": "有证据。", "没有": "无孩子。", "无法判断": {"means": "无。", "abstain": True}},
            answer={"evidence": True, "reason": True},
            target={"metric": "precision", "label": "有", "at_least": 0.6},
        ),
        build_task(
            "brand",
            "choice",
            "判断歌词中的这个词语是否实指品牌商品。",
            labels={"实指品牌": "真实商品。", "非实指": "普通义。"},
        ),
        build_task(
            "topics",
            "multi",
            "标出帖子谈论的话题，顺带提到的不算。",
            labels=dict.fromkeys(["美食", "健身", "宠物", "职场", "旅行"], "定义。"),
            target={"metric": "micro_f1", "at_least": 0.99},
        ),
        build_task("order", "extract", "抽取订单信息。", fields=dict.fromkeys(["商品", "颜色"], "-")),
        build_task("reply", "generate", "写一句回复。"),
        build_task("anger", "score", "给愤怒程度打分。", range=[1, 5]),
    ),
    inputs=(
        "同事的娃在我工位画画，她说阿姨你家小朋友怎么不来。",
        "遛德牧等于上体能课，它一冲刺我就是间歇跑，上个月配速跑进五分钟，教练都问我跟谁练的",
        "家里一岁半的小朋友最近开始往地上撒米，一天扫八遍，妈妈的老腰扛不住了。",
        "前半程雨里走得想打退堂鼓，后半程彩虹横在江面上，今天没白来",
    ),
    replies=("非常抱歉，今天就为您补发。", "订单已经取消，没有产生任何费用。", "床垫一百晚之内都可以退。"),
    values=("橡木桌", "绿色台灯", "水壶", "四件套"),
    reason="帖子里有直接说明。",
    chatter="好的，答案如下：",
    instruction="指令",
    linear_wins="brand",
    unclear="topics",
)

TEXTS = {"en": ENGLISH, "zh": CHINESE}
