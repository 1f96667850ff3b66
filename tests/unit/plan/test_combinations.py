"""What can't be run is refused with the nearest thing that can."""

from __future__ import annotations

import pytest
from tests.unit.plan.cases import architecture

from sftloop.core.errors import UsageError
from sftloop.plan import Batch, Parallel, Setup, simulate

MODEL = architecture("qwen2.5-7b")


@pytest.mark.parametrize(
    ("setup", "problem", "nearest"),
    [
        (Setup(parallel=Parallel(sharding="zero3")), "--sharding zero3 spreads over", "--gpus 2"),
        (Setup(parallel=Parallel(gpus=2, offload=True)), "nothing is sharded", "--sharding zero2 --offload"),
        (Setup(method="qlora", precision="fp32"), "Four-bit weights", "--precision bf16-mixed"),
        (Setup(attention="flash", precision="fp32"), "half precision, not in fp32", "--attention sdpa"),
        (Setup(engine="sftloop", loss="fused"), "--loss fused is Liger's", "--loss chunked"),
        (Setup(engine="sftloop", loss="chunked", parallel=Parallel(gpus=2)), "on one GPU", "--gpus 1"),
        (Setup(batch=Batch(prefix_len=100)), "Only sftloop's engine", "--engine sftloop"),
        (Setup(engine="sftloop", batch=Batch(seq_len=100, prefix_len=100)), "leaves nothing", "--seq-len"),
        (Setup(parallel=Parallel(gpus=6, tensor=4)), "6 GPUs can't be split into 4", "--gpus 4"),
        (Setup(parallel=Parallel(gpus=8, tensor=8)), "28 query and 4 key heads", "--tensor-parallel 4"),
        (
            Setup(method="full", optimizer="adafactor", parallel=Parallel(gpus=2, sharding="zero2")),
            "Adafactor keeps rows",
            "--optimizer adamw",
        ),
        (
            Setup(optimizer="adamw-8bit", parallel=Parallel(gpus=2, sharding="zero1")),
            "can't shard those of adamw-8bit",
            "fsdp",
        ),
        (
            Setup(parallel=Parallel(gpus=4, pipeline=2, sharding="zero3")),
            "every micro-batch of the pipeline",
            "--sharding zero1",
        ),
        (Setup(engine="sftloop", loss="chunked", method="full", precision="bf16"), "in fp32", "bf16-mixed"),
    ],
)
def test_impossible(setup, problem, nearest):
    with pytest.raises(UsageError) as caught:
        simulate(MODEL, setup)
    assert problem in caught.value.message
    assert nearest in caught.value.hint
