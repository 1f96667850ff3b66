"""Models and GPUs by name or size; what isn't known brings the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftloop.core.errors import UsageError
from sftloop.plan import find_config, gpu_bytes, known_name
from sftloop.plan.names import gpu_name, model_names, smaller_model


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("24GB", 24 * 10**9),
        ("24GiB", 24 * 2**30),
        ("1.5 gib", 3 * 2**29),
        ("85899345920", 85899345920),
        ("A100-80GB", 81920 * 2**20),
        ("NVIDIA A100 80GB", 81920 * 2**20),
        ("rtx_4090", 24564 * 2**20),
    ],
)
def test_memory_of_a_gpu(text, size):
    assert gpu_bytes(text) == size


@pytest.mark.parametrize("text", ["a100-88gb", "24 apples", "0", "-3GB", ""])
def test_what_is_no_gpu_is_refused(text):
    with pytest.raises(UsageError, match="is no size such as 24GB"):
        gpu_bytes(text)


def test_the_nearest_gpu_is_named():
    with pytest.raises(UsageError) as caught:
        gpu_bytes("a100-81gb")
    assert "a100-80gb" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", "qwen2.5-7b"),
        ("meta-llama/Meta-Llama-3-8B", "llama-3-8b"),
        ("mistralai/Mistral-7B-v0.1", "mistral-7b"),
        ("mistral-7b-instruct-v0.3", None),
        ("meta-llama/Llama-2-7b-chat-hf", "llama-2-7b"),
        ("qwen2.5-7", None),
    ],
)
def test_published_names(name, known):
    assert known_name(name) == known
    assert (find_config(name) is None) == (known is None)


def test_the_next_smaller_of_a_series():
    assert smaller_model("qwen2.5-7b") == "qwen2.5-3b"
    assert smaller_model("smollm2-360m") == "smollm2-135m"
    assert smaller_model("qwen2.5-0.5b") is None
    assert smaller_model("/some/model") is None
    assert gpu_name(" NVIDIA RTX_2080 Ti") == "rtx-2080-ti"
    assert smaller_model("Qwen/Qwen2.5-7B-Instruct") == "Qwen/Qwen2.5-3B-Instruct"
    assert smaller_model("qwen2.5-coder-7b-instruct") == "qwen2.5-coder-1.5b-instruct"
    assert smaller_model("meta-llama/Llama-3.2-3B-Instruct") == "meta-llama/Llama-3.2-1B-Instruct"
    assert smaller_model("meta-llama/Meta-Llama-3-70B") == "meta-llama/Meta-Llama-3-8B"
    assert smaller_model("google/gemma-2-9b-it") == "google/gemma-2-2b-it"
    for name in model_names():
        below = smaller_model(name)
        assert below is None or below in model_names()


def test_a_folder_s_smaller_neighbour_is_named_as_the_list_has_it(tmp_path: Path) -> None:
    folder = tmp_path / "Qwen2.5-7B-Instruct"
    folder.mkdir()
    assert smaller_model(str(folder)) == "qwen2.5-3b"
