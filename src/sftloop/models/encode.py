"""Prompts and answers as token ids: the same bytes for evaluation, training and serving.

Knows a tokenizer and its chat template, not the model's weights and not what a task means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sftloop.core.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Messages = Sequence[dict[str, str]]

_PLAIN_TEMPLATE = (
    "{% for m in messages %}{{ m['content'] + '\\n\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}Answer: {% endif %}"
)
_DATE = {
    "%Y": "2024",
    "%y": "24",
    "%B": "July",
    "%b": "Jul",
    "%m": "07",
    "%d": "26",
    "%A": "Friday",
    "%a": "Fri",
}
"""What a chat template gets for today's date: Llama 3.2's own date where it can't ask for today's."""
_DATE_MACRO = (
    "{%- macro strftime_now(format) -%}{{ format"
    + "".join(f"|replace('{code}', '{value}')" for code, value in _DATE.items())
    + " }}{%- endmacro -%}"
)
_PROBE = "\u2042"


class PromptEncoder:
    """Turns messages into prompt tokens and answers into target tokens.

    A model without a chat template gets a plain one (sections separated by blank lines, behind the token that
    opens a text where the tokenizer sets one). Where the template refuses or drops the system section (Gemma 2 …),
    that stands at the head of the user's. A template that writes today's date (Llama 3.2, SmolLM3 …) gets a fixed
    one, so that a model reads tomorrow what it learned today; it is saved with the tokenizer.

    A special token's text inside a message or an answer (`<|im_end|>` in a customer's mail) stays text: a space is
    put behind its first character. Otherwise whoever writes an input could end the turn and answer in the
    model's name.

    Args:
        tokenizer: a transformers tokenizer.
        context_tokens: the model's context length, if known.
        vocabulary: how many tokens the model has vectors for, if known.

    Raises:
        ModelError: the chat template is malformed, or there is no token that ends a turn.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        context_tokens: int | None = None,
        vocabulary: int | None = None,
    ) -> None:
        self.tokenizer, self.context_tokens, self.vocabulary = tokenizer, context_tokens, vocabulary
        if not getattr(tokenizer, "chat_template", None):
            tokenizer.chat_template = _opening(tokenizer) + _PLAIN_TEMPLATE
        tokenizer.chat_template = _with_fixed_date(tokenizer.chat_template)
        self._special = _special_texts(tokenizer)
        self._knows_system = self._shows_system()
        self.end_of_turn = self._find_end_of_turn()

    @classmethod
    def from_directory(cls, path: Path) -> PromptEncoder:
        """Load the tokenizer and the context length from a model's folder.

        Raises:
            ModelError: no readable tokenizer or configuration in `path`.
        """
        from transformers import AutoConfig, AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
            config = AutoConfig.from_pretrained(path, trust_remote_code=False)
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(
                f"'{path}' has no tokenizer or configuration that can be read: {reason}"
            ) from error
        text_config = config.get_text_config()
        context = getattr(text_config, "max_position_embeddings", getattr(text_config, "n_positions", None))
        return cls(tokenizer, int(context) if context else None, getattr(text_config, "vocab_size", None))

    def prompt_text(self, messages: Messages) -> str:
        """Return the prompt as the model sees it, the header of its answer included."""
        return str(self._template(messages, generation=True))

    def prompt_ids(self, messages: Messages) -> list[int]:
        """Return the prompt's token ids, the header of the answer included."""
        return self._ids(self.prompt_text(messages))

    def text_ids(self, text: str) -> list[int]:
        """Return the token ids of a piece of an answer that goes on."""
        return self._ids(self._as_text(text))

    def answer_ids(self, text: str) -> list[int]:
        """Return the target's token ids: the answer, then the end of the turn (always learned)."""
        return [*self.text_ids(text), self.end_of_turn]

    def label_ids(self, answer: str, label_end: int) -> list[int]:
        """Return the tokens of `answer` up to and including the one that closes its label.

        Args:
            answer: a whole answer text that holds a label.
            label_end: the label's end in `answer`, in characters. When nothing follows the label, the end
                of the turn closes it.
        """
        label_end = len(self._as_text(answer[:label_end]))
        encoded = self.tokenizer(self._as_text(answer), add_special_tokens=False, return_offsets_mapping=True)
        ids: list[int] = list(encoded["input_ids"])
        for index, (_, end) in enumerate(encoded["offset_mapping"]):
            if end > label_end:
                return ids[: index + 1]
        return [*ids, self.end_of_turn]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of generated tokens, special tokens left out."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    @property
    def stop_ids(self) -> frozenset[int]:
        """Token ids that end an answer."""
        eos = self.tokenizer.eos_token_id
        return frozenset(token for token in (self.end_of_turn, eos) if token is not None)

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        if self.vocabulary is not None and ids and max(ids) >= self.vocabulary:
            token = self.tokenizer.convert_ids_to_tokens(max(ids))
            raise ModelError(
                f"The tokenizer doesn't belong to the model: '{token}' is token {max(ids)}, the model has "
                f"{self.vocabulary} tokens.",
                hint="Copy or fetch tokenizer and weights again, together.",
            )
        return ids

    def _as_text(self, text: str) -> str:
        """Break every special token in a text, so that the tokenizer reads it as ordinary characters."""
        if self._special is None:
            return text
        return self._special.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)

    def _shows_system(self) -> bool:
        turns = [{"role": "system", "content": _PROBE}, {"role": "user", "content": "x"}]
        try:
            return _PROBE in self._rendered(turns, generation=True)
        except ModelError:
            return False

    def _template(self, messages: Messages, *, generation: bool) -> str:
        sections = [{**m, "content": self._as_text(m["content"])} for m in _without_empty_system(messages)]
        return self._rendered(sections if self._knows_system else _folded(sections), generation=generation)

    def _rendered(self, messages: list[dict[str, str]], *, generation: bool) -> str:
        from jinja2 import TemplateError

        try:
            text = self.tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=generation, enable_thinking=False
            )
        except TemplateError as error:
            raise ModelError(
                f"The model's chat template fails: {error}.",
                hint="Copy or fetch the tokenizer again, or mend its chat_template.",
            ) from error
        return str(text)

    def _find_end_of_turn(self) -> int:
        """The first special token behind an assistant's answer in the chat template, else end of text."""
        turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": _PROBE}]
        tail = self._template(turns, generation=False).rpartition(_PROBE)[2]
        added = self.tokenizer.added_tokens_decoder
        special = {*self.tokenizer.all_special_ids, *(token for token, is_ in added.items() if is_.special)}
        for token in self.tokenizer(tail, add_special_tokens=False)["input_ids"]:
            if token in special:
                return int(token)
        if self.tokenizer.eos_token_id is None:
            raise ModelError("The tokenizer has neither an end-of-turn nor an end-of-text token.")
        return int(self.tokenizer.eos_token_id)


def _special_texts(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str] | None:
    """Return what finds the texts of special tokens, the longest first; None where there are none."""
    added = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    texts = sorted((text for text in {*added, *tokenizer.all_special_tokens} if len(text) > 1), key=len)
    return re.compile("|".join(map(re.escape, reversed(texts)))) if texts else None


def common_prefix_length(sequences: Sequence[Sequence[int]]) -> int:
    """Return how many leading tokens all sequences share; the last token of each never counts.

    The last prompt token stays outside, because the first target is predicted there.
    """
    if not sequences:
        return 0
    shortest, longest = min(map(list, sequences)), max(map(list, sequences))
    limit = min(len(sequence) for sequence in sequences) - 1
    length = 0
    while length < limit and shortest[length] == longest[length]:
        length += 1
    return length


def _opening(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return what writes the token that opens a text, "" where the tokenizer opens none with one."""
    opens = tokenizer.bos_token_id is not None and tokenizer("x")["input_ids"][:1] == [tokenizer.bos_token_id]
    return "{{ bos_token }}" if opens else ""


def _with_fixed_date(template: str | dict[str, str]) -> str | dict[str, str]:
    """Put a macro in front of a template that asks for the date: it hides transformers' function of that name."""
    if isinstance(template, dict):
        return {name: str(_with_fixed_date(each)) for name, each in template.items()}
    asks = "strftime_now" in template and not template.startswith(_DATE_MACRO)
    return _DATE_MACRO + template if asks else template


def _without_empty_system(messages: Messages) -> list[dict[str, str]]:
    return [dict(m) for m in messages if m["role"] != "system" or m["content"].strip()]


def _folded(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Put the system section in front of the first user section."""
    if not messages or messages[0]["role"] != "system":
        return messages
    system, user, *rest = messages
    return [{**user, "content": f"{system['content']}\n\n{user['content']}"}, *rest]
