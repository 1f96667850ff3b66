"""The command line of a plan: training with our own trainer where it can run the plan, else the question itself.

Knows the options of `train` and `plan memory`; doesn't know bytes.
"""

from __future__ import annotations

from shlex import quote

from sftloop.plan.architecture import Architecture
from sftloop.plan.setup import Setup


def command_line(architecture: Architecture, setup: Setup) -> str:
    """Return a command that runs: `sftloop train SCENARIO …` on one GPU, else `sftloop plan memory …`.

    Our trainer runs on one GPU; for other trainers the command shows the plan's memory again.
    """
    if setup.ours:
        return _train(architecture, setup)
    return _ask(architecture, setup)


def _train(architecture: Architecture, setup: Setup) -> str:
    batch, adapter = setup.batch, setup.adapter
    words = ["SFTLOOP_DTYPE=fp32"] if setup.precision == "fp32" else []
    words += ["sftloop train SCENARIO", f"--model {quote(architecture.name)}", f"--method {setup.method}"]
    if setup.adapters:
        words.append(f"--rank {adapter.rank}")
        if adapter.targets != "all":
            words.append(f"--set 'targets={adapter.target_pattern}'")
        if setup.dropout:
            words.append(f"--set dropout={setup.dropout:g}")
    if setup.virtual_tokens:
        words.append(f"--set virtual_tokens={setup.virtual_tokens}")
    words.append(f"--micro-batch-tokens {batch.own}")
    words.append(f"--batch-size {batch.micro_batch * batch.accumulation}")
    if (optimizer := setup.optimizer.removesuffix("-fused")) != "adamw":
        words.append(f"--set optimizer={optimizer}")
    if setup.checkpointing:
        words.append("--set recompute=true")
    return " ".join(words)


def _ask(architecture: Architecture, setup: Setup) -> str:
    batch, way, adapter = setup.batch, setup.parallel, setup.adapter
    values = {
        "--model": quote(architecture.name),
        "--method": setup.method,
        "--optimizer": setup.optimizer,
        "--precision": setup.precision,
        "--micro-batch": batch.micro_batch,
        "--accumulation": batch.accumulation,
        "--seq-len": batch.seq_len,
        "--attention": setup.attention,
        "--loss": setup.loss,
        "--engine": setup.engine,
        "--gpus": way.gpus,
    }
    if setup.adapters:
        values |= {"--lora-rank": adapter.rank, "--lora-targets": adapter.targets}
    if setup.adapters and adapter.dropout is not None:
        values["--lora-dropout"] = f"{adapter.dropout:g}"
    if setup.virtual_tokens:
        values["--virtual-tokens"] = setup.virtual_tokens
    if batch.prefix_len:
        values["--prefix-len"] = batch.prefix_len
    if batch.answer_len is not None:
        values["--answer-len"] = batch.answer_len
    if way.sharding != "none":
        values["--sharding"] = way.sharding
    if way.tensor > 1:
        values["--tensor-parallel"] = way.tensor
    if way.pipeline > 1:
        values["--pipeline-parallel"] = way.pipeline
    words = [f"{name} {value}" for name, value in values.items()]
    words += ["--checkpointing"] * setup.checkpointing + ["--offload"] * way.offload
    return " ".join(["sftloop plan memory", *words])
