"""The ledger by hand: the textbook's formulas, ZeRO's, adapters', and what must hold for every setup."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from tests.unit.plan.cases import TINY, architecture, ledger, line, of

from sftloop.plan import Adapter, Batch, Parallel, Setup, simulate
from sftloop.plan.line import COMPONENTS

A = TINY.parameters


@pytest.mark.parametrize(("optimizer", "states"), [("sgd", 0), ("momentum", 4), ("adamw", 8)])
def test_states_and_gradients_in_fp32(optimizer, states):
    """SGD: gradients 4A. Momentum: states 4A, gradients 4A. Adam: states 8A, gradients 4A. Weights 4A."""
    found = ledger(method="full", precision="fp32", optimizer=optimizer)
    assert of(found, "weights") == 4 * A
    assert of(found, "gradients") == 4 * A
    assert line(found, "optimizer states").bytes == states * A


def test_mixed_precision_reads_half_of_the_weights():
    """Half-precision weights take 2A: frozen, or gathered from masters for reading."""
    assert line(ledger(method="lora", precision="bf16-mixed"), "frozen weights").bytes == 2 * A
    zero = ledger(method="full", precision="bf16-mixed", gpus=2, sharding="zero1")
    assert line(zero, "trained weights").bytes == 2 * A
    assert line(zero, "fp32 masters").bytes == 4 * A // 2


def test_pure_bf16_with_adamw_is_ten_bytes_per_parameter():
    model = architecture("llama-3-8b")
    large = ledger(model, method="full", precision="bf16", checkpointing=True)
    assert large.instant == "optimizer step"
    assert large.peak_allocated == pytest.approx(10 * model.parameters, rel=1e-3)
    found = ledger(method="full", precision="bf16")
    assert of(found, "gradients") == of(found, "weights")
    of_parameters = sum(of(found, name) for name in ("weights", "gradients", "optimizer"))
    assert of_parameters == 10 * A
    fused = ledger(method="full", precision="bf16", optimizer="adamw-fused")
    assert sum(of(fused, name) for name in ("weights", "gradients", "optimizer")) == 8 * A


@pytest.mark.parametrize(
    ("sharding", "per_parameter"), [("zero1", 2 + 2 + 12 / 64), ("zero2", 2 + 14 / 64), ("zero3", 16 / 64)]
)
def test_zero_as_in_its_paper(sharding, per_parameter):
    """Figure 1 of arXiv:1910.02054: 7.5 billion parameters on 64 GPUs: 31.4, 16.6 and 1.9 GB."""
    model = architecture("qwen2.5-7b")
    found = ledger(model, method="full", precision="bf16-mixed", gpus=64, sharding=sharding)
    states = sum(
        line(found, what).bytes
        for what in ("trained weights", "gradients", "optimizer states", "fp32 masters")
    )
    assert states / model.parameters == pytest.approx(per_parameter, rel=1e-6)
    figure = {"zero1": 31.4, "zero2": 16.6, "zero3": 1.9}[sharding]
    assert states / model.parameters * 7.5 == pytest.approx(figure, abs=0.05)


def test_offloading_moves_what_is_sharded_to_the_host():
    found = ledger(method="full", precision="bf16-mixed", gpus=2, sharding="zero2", offload=True)
    assert line(found, "gradients").bytes == line(found, "optimizer states").bytes == 0
    assert found.host_bytes == (12 * A + 2 * A) // 2
    assert line(found, "trained weights").bytes == 2 * A


def test_adapters_by_hand():
    """Rank 4 on q, k, v, o of two layers: r · (in + out) each."""
    adapter = Adapter(rank=4, targets="qkvo")
    found = ledger(method="lora", adapter=adapter)
    assert found.trained == 2 * 4 * ((8 + 8) + (8 + 4) + (8 + 4) + (8 + 8))
    assert ledger(method="lora", adapter=Adapter(rank=4, targets="qv")).trained == 2 * 4 * (16 + 12)
    assert ledger(method="lora", adapter=Adapter(rank=4)).trained == 2 * 4 * (16 + 12 + 12 + 16 + 3 * 24)


@pytest.mark.parametrize(
    ("method", "trained"),
    [("prompt", 5 * 8), ("ptuning", 5 * 8 + 3 * (8 * 8 + 8)), ("prefix", 5 * 2 * 2 * 4)],
)
def test_virtual_tokens_by_hand(method, trained):
    assert ledger(method=method, adapter=Adapter(virtual_tokens=5)).trained == trained


def test_four_bits_take_half_a_byte_and_their_scales():
    """32.5 gigabytes of fp16 become about 8 + 0.5 bits' worth: 0.516 bytes per packed parameter."""
    model = architecture("llama-3-8b")
    found = ledger(model, method="qlora")
    packed = 32 * model.linear
    assert line(found, "weights in four bits").bytes == packed // 2
    assert line(found, "their scales, whole on every rank").bytes == round(packed * (1 / 64 + 1 / 4096))


def test_adafactor_keeps_rows_and_columns():
    found = ledger(method="full", precision="fp32", optimizer="adafactor")
    layer = (8 + 8) + (4 + 8) + (4 + 8) + (8 + 8) + 2 * (16 + 8) + (8 + 16)
    assert line(found, "optimizer states").bytes == 4 * (2 * layer + (32 + 8) + 2 * 16)


def test_a_layer_of_full_fine_tuning_by_hand():
    """Per token: norm1, q, k, v, out, residual, norm2, gate, up, activated gate, product, log-sum-exp, scales."""
    found = ledger(method="full", precision="bf16", checkpointing=True, micro_batch=3)
    per_token = 2 * (8 + (8 + 4 + 4) + 8 + 8 + 8 + 4 * 16) + 4 * 2 + 4 * 2
    assert line(found, "one layer, computed again").bytes == per_token * 48
    named = line(found, "one layer, computed again").detail.removeprefix("per token: ").split(" + ")
    assert sum(int(each.rpartition(" ")[2]) for each in named) == per_token
    assert line(found, "layers' inputs").bytes == 2 * 8 * 2 * 48


def test_eager_attention_keeps_its_weights():
    """Softmax in fp32 and its half-precision copy: 6 bytes per head and key."""
    few, many = (ledger(attention="eager", seq_len=size, method="prompt") for size in (100, 200))
    per = [of(found, "activations", "forward") / (size + 20) for found, size in ((few, 100), (many, 200))]
    assert per[1] - per[0] == pytest.approx(2 * 6 * 2 * 100)


def test_pipeline_holds_micro_batches_on_the_first_stage():
    """A quarter of the layers, four micro-batches: as many activations as on one GPU."""
    model, batch = architecture("llama-2-7b"), Batch(micro_batch=8, accumulation=8)
    options = {"method": "lora", "loss": "fused", "batch": batch}
    stage = simulate(model, Setup(parallel=Parallel(gpus=4, pipeline=4), **options))
    assert (
        line(stage, "what layers keep").bytes
        == line(simulate(model, Setup(**options)), "what layers keep").bytes
    )
    assert line(stage, "frozen weights").bytes == 2 * (8 * model.layer + model.embedding)


def test_tensor_parallelism_divides_matrices():
    model = architecture("llama-3-8b")
    setup = Setup(method="full", precision="bf16", parallel=Parallel(gpus=2, tensor=2))
    weights = line(simulate(model, setup), "trained weights").bytes
    norms = model.layers * model.norms + model.last_norm
    assert weights == 2 * ((model.parameters - norms) // 2 + norms)


def test_our_chunked_loss_doesnt_grow_with_tokens():
    model = architecture("qwen2.5-0.5b")
    sizes = [
        of(
            simulate(model, Setup(engine="sftloop", loss="chunked", batch=Batch(micro_batch=n))),
            "logits",
            "loss",
        )
        for n in (1, 8)
    ]
    assert sizes[1] - sizes[0] == 2 * 896 * 7 * 2048  # only the gradients of the states do
    plain = of(simulate(model, Setup(batch=Batch(micro_batch=8))), "logits", "loss")
    assert plain == 8 * 151936 * 8 * 2048


SETUPS = st.builds(
    Setup,
    method=st.sampled_from(["full", "lora", "qlora", "ptuning", "prefix", "prompt"]),
    optimizer=st.sampled_from(["sgd", "momentum", "adamw", "adamw-fused"]),
    precision=st.sampled_from(["bf16-mixed", "fp16-mixed", "bf16"]),
    attention=st.sampled_from(["eager", "sdpa", "flash"]),
    loss=st.sampled_from(["plain", "chunked", "fused"]),
    checkpointing=st.booleans(),
    batch=st.builds(Batch, micro_batch=st.integers(1, 9), seq_len=st.integers(1, 500)),
    parallel=st.builds(
        Parallel,
        gpus=st.integers(2, 9),
        sharding=st.sampled_from(["none", "zero1", "zero2", "zero3", "fsdp"]),
    ),
)


@settings(deadline=None, max_examples=150)
@given(SETUPS)
def test_what_holds_for_every_setup(setup):
    found = simulate(TINY, setup)
    assert found.peak_allocated == max(found.instants.values()) == found.instants[found.instant]
    assert sum(found.components().values()) == found.peak_allocated
    assert set(found.components()) == set(COMPONENTS)
    assert all(each.bytes >= 0 and each.formula and each.source for each in found.lines)
    assert found.peak_allocated < found.reserved.median < found.reserved.high


@settings(deadline=None, max_examples=80)
@given(SETUPS, st.integers(1, 5))
def test_more_tokens_never_take_less(setup, more):
    larger = replace(setup, batch=replace(setup.batch, micro_batch=setup.batch.micro_batch + more))
    before, after = simulate(TINY, setup), simulate(TINY, larger)
    assert all(after.instants[name] >= before.instants[name] for name in before.instants)
