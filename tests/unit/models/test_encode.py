"""Prompts and answers as tokens: every section reaches the model, the turn's end is learned, misfits are named."""

from __future__ import annotations

import pytest
from tests.tiny_models import VOCABULARY
from tests.tiny_scenario import TEMPLATE, tiny_tokenizer

from sftloop.core.errors import ModelError
from sftloop.models import PromptEncoder
from sftloop.models.encode import common_prefix_length

MESSAGES = [{"role": "system", "content": "w10 w11"}, {"role": "user", "content": "w12"}]
REFUSES_SYSTEM = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}<user> {{ m.content }} </s> {% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)
DROPS_SYSTEM = REFUSES_SYSTEM.replace(
    "{{ raise_exception('System role not supported') }}{% endif %}", "{% else %}"
).replace("</s> {% endfor %}", "</s> {% endif %}{% endfor %}")


def encoder(template: str | None = TEMPLATE, vocabulary: int | None = None) -> PromptEncoder:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    return PromptEncoder(tokenizer, vocabulary=vocabulary)


def test_sections_stand_where_the_template_puts_them() -> None:
    assert encoder().prompt_text(MESSAGES) == "<system> w10 w11 </s> <user> w12 </s> <assistant>"
    assert encoder().prompt_text([{"role": "system", "content": " "}, MESSAGES[1]]) == (
        "<user> w12 </s> <assistant>"
    )


def test_the_answer_ends_the_turn() -> None:
    tokenizer = tiny_tokenizer()
    assert encoder().answer_ids("w30") == tokenizer.convert_tokens_to_ids(["w30", "</s>"])
    assert encoder().end_of_turn in encoder().stop_ids


@pytest.mark.parametrize("template", [REFUSES_SYSTEM, DROPS_SYSTEM], ids=["refuses", "drops"])
def test_a_template_without_system_gets_it_in_the_users_section(template: str) -> None:
    """Definitions of labels stand in the system section: dropping them would go unnoticed."""
    assert encoder(template).prompt_text(MESSAGES) == "<user> w10 w11\n\nw12 </s> <assistant>"
    assert encoder(template).prompt_text(MESSAGES[1:]) == "<user> w12 </s> <assistant>"


def test_without_a_template_the_sections_follow_each_other() -> None:
    assert encoder(None).prompt_text(MESSAGES) == "w10 w11\n\nw12\n\nAnswer: "


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% for m in messages %}{{ m.content }", "unexpected"),
        ("{{ raise_exception('no chat') }}", "no chat"),
    ],
)
def test_a_template_that_fails_is_named(template: str, words: str) -> None:
    with pytest.raises(ModelError, match=f"chat template fails: .*{words}"):
        encoder(template)


def test_a_tokenizer_of_another_model_is_named() -> None:
    assert max(encoder(vocabulary=VOCABULARY).prompt_ids(MESSAGES)) < VOCABULARY
    with pytest.raises(ModelError, match="'w12' is token 12, the model has 12 tokens"):
        encoder(vocabulary=12).answer_ids("w11 w12")


@pytest.mark.parametrize(
    ("sequences", "length"),
    [
        ([[1, 2, 3, 4], [1, 2, 5, 4]], 2),
        ([[1, 2, 3], [1, 2, 3]], 2),
        ([[1, 2, 3], [1, 2]], 1),
        ([[1], [1]], 0),
        ([[], [1]], 0),
        ([], 0),
    ],
)
def test_the_last_token_is_never_shared(sequences: list[list[int]], length: int) -> None:
    assert common_prefix_length(sequences) == length
