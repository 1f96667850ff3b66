"""A model that answers by the definitions it is given, and a writer that follows a script: for servers that speak.

The reader takes the label whose definition, rules and examples share the most words with the input; what
the prompt says is all it knows, so a better definition makes it better and a worse one worse. Rules of what
doesn't count speak against their label; of equal labels the first listed wins.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]
_LABEL = re.compile(r"^- ([^:：]+)[:：](.*)$")
_NOT, _EXAMPLES = ("Not: ", "不算："), ("For example: ", "例如：")


def read_by_definitions(body: Body) -> str:
    """Answer one call: the JSON or the bare label, as the prompt asks."""
    system, user = (message["content"] for message in body["messages"][:2])
    said = words(user)
    scores: dict[str, int] = {}
    for line in system.splitlines():
        if found := _LABEL.match(line):
            name = found[1].strip()
            scores[name] = len(words(found[2]) & said)
        elif line.strip().startswith(_NOT) and scores:
            scores[name] -= 2 * len(words(line.strip()) & said)
        elif line.strip().startswith(_EXAMPLES) and scores:
            scores[name] += len(words(line.strip()) & said)
    label = max(scores, key=lambda one: scores[one])
    if "JSON" in system:
        reason = f"It says {', '.join(sorted(said)[:3])}."
        return json.dumps({"label": label, "reason": reason})
    return label


def words(text: str) -> set[str]:
    """Return the words that tell: those of four letters and more, and each ideograph."""
    return set(re.findall(r"[a-z]{4,}|[\u4e00-\u9fff]", text.lower())) - {"asks", "about", "what", "where"}


@dataclass(kw_only=True)
class ScriptedWriter:
    """Answers each new question with the next line of its script, an old one as before; the last line repeats."""

    script: Sequence[str]
    hold_from: int | None = None
    """From this question on (counted from 0) answers wait until `released` is set."""
    released: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    """Set when a question is held."""
    asked: list[str] = field(default_factory=list)

    def __call__(self, body: Body) -> str:
        """Answer one call."""
        question = body["messages"][-1]["content"]
        if question not in self.asked:
            self.asked.append(question)
        place = self.asked.index(question)
        if self.hold_from is not None and place >= self.hold_from and not self.released.is_set():
            self.reached.set()
            self.released.wait(20)
        return self.script[min(place, len(self.script) - 1)]


def proposal(change: int, text: str, why: str = "They are mixed up.") -> str:
    """Return a writer's answer in the asked form."""
    return json.dumps({"change": change, "text": text, "why": why}, ensure_ascii=False)
