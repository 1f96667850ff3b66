"""Whether a model of the catalogue was taught the language that a scenario needs.

Models outside the catalogue are not judged. Looks at no weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from sftloop.core.progress import say
from sftloop.core.script import language_of
from sftloop.records import Record
from sftloop.records.identity import input_texts
from sftloop.scenario import Finding, Scenario

_READ = 200
"""Records whose language is looked at."""
_NAMES = {"en": "English", "zh": "Chinese"}
_NAMES_ZH = {"en": "英文", "zh": "中文"}


class LanguageGap(NamedTuple):
    """A model that was not taught the language of its scenario."""

    model: str
    knows: str
    """One of the languages it was taught."""
    needs: str
    instead: str
    """A model of at least its size that was taught it; empty where none is known."""

    @property
    def why(self) -> str:
        """What is wrong, as one sentence."""
        return (
            f"'{self.model}' was taught {_NAMES[self.knows]}, this scenario is in {_NAMES[self.needs]}: the model "
            "has hardly seen such texts and takes several tokens for one character."
        )

    @property
    def mend(self) -> str:
        """What to do about it."""
        say = f", {self.instead} say" if self.instead else ""
        return f"Take a model that was taught {_NAMES[self.needs]}{say} (sftloop models list)."

    @property
    def zh(self) -> str:
        """Both in Chinese."""
        say = f"，例如 {self.instead}" if self.instead else ""
        return (
            f"“{self.model}”主要学的是{_NAMES_ZH[self.knows]}，而这个场景是{_NAMES_ZH[self.needs]}："
            f"它几乎没见过这样的文字，一个字要占好几个词元。请换一个学过{_NAMES_ZH[self.needs]}的模型{say}"
            "（sftloop models list）。"
        )

    def finding(self, scenario: Scenario) -> Finding:
        """Return it as a finding of the lint."""
        return Finding(
            kind="model_language",
            severity="warning",
            line=scenario.line("model"),
            why=self.why,
            mend=self.mend,
        )


def language_gap(model: str, scenario: Scenario, records: Sequence[Record]) -> LanguageGap | None:
    """Return what the model lacks, or None.

    Args:
        model: name or repository.
        scenario: its built-in wording has a language.
        records: most of them may be in another.
    """
    from sftloop.models.catalog import find_model, list_models

    entry = find_model(model)
    chinese = scenario.language == "zh" or _mostly_chinese(records)
    needs = "zh" if chinese else "en"
    if entry is None or needs in entry.languages:
        return None
    fitting = (
        other.name
        for other in list_models()
        if needs in other.languages and not other.gated and other.parameters >= entry.parameters
    )
    return LanguageGap(entry.name, entry.languages[0], needs, next(fitting, ""))


def warn_of_language(model: str, scenario: Scenario, records: Sequence[Record]) -> None:
    """Say what the model lacks, if anything."""
    if gap := language_gap(model, scenario, records):
        say(f"{gap.why} {gap.mend}")


def _mostly_chinese(records: Sequence[Record]) -> bool:
    texts = [" ".join(input_texts(record.input)) for record in islice(records, _READ)]
    return sum(language_of(text) == "zh" for text in texts) * 2 > len(texts)
