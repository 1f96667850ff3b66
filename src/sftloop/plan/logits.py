"""Logits and their loss: whole, in chunks, or fused with the output matrix.

Knows how each loss holds logits; doesn't know layers.
"""

from __future__ import annotations

from sftloop.plan.line import BACKWARD, LOSS, MEASURED, Line, times
from sftloop.plan.part import Part
from sftloop.plan.setup import Setup

_ROWS = 512
"""Rows of logits at once in our chunked loss."""
_LIGER = "Hsu et al. 2024, arXiv:2410.10989, section 3.2"
_CHUNKED = "as arXiv:2411.09009, but in chunks of rows"


def logit_lines(part: Part, setup: Setup) -> list[Line]:
    """Return what logits take while the loss is computed."""
    if not part.last:
        return []
    tokens = setup.batch.learned if setup.ours else setup.batch.own
    if setup.loss == "plain":
        return _plain(part, setup, tokens)
    lines = _chunks(part, setup, tokens)
    hidden = part.architecture.hidden
    size, formula = times((setup.width, "bytes"), (hidden, "numbers"), (tokens, "gradients of states"))
    lines.append(_line("gradients of the last states", size, formula, _CHUNKED, (LOSS,)))
    return lines


def plain_bytes_per_logit(setup: Setup) -> int:
    """Return the bytes per token and vocabulary entry of a loss over whole logits, at its fullest.

    Fused cross entropy writes the gradient over a shifted fp32 copy beside the fp32 logits: 4 + 4. torch's own
    holds log-probabilities and their gradient in fp32 and the logits as they came: 4 + 4 + 2, in fp32 4 + 4 + 4.
    """
    return 8 if setup.engine == "fused" else 8 + setup.width


def _plain(part: Part, setup: Setup, tokens: int) -> list[Line]:
    vocabulary = part.architecture.vocabulary // part.tensor
    per = plain_bytes_per_logit(setup)
    size, formula = times((per, "bytes"), (vocabulary, "tokens of the vocabulary"), (tokens, "tokens"))
    source = MEASURED if per == 8 else "torch.nn.functional.cross_entropy, counted"
    return [_line("logits and their loss", size, formula, source, (LOSS,))]


def _chunks(part: Part, setup: Setup, tokens: int) -> list[Line]:
    """A chunk's logits, fp32 log-probabilities and gradient; of a trained output matrix its gradient as well.

    In half precision a CPU makes an fp32 copy of the logits first, in place of the gradient's.
    """
    arch = part.architecture
    vocabulary = arch.vocabulary // part.tensor
    rows = min(tokens, _ROWS) if setup.loss == "chunked" else _liger_rows(tokens, vocabulary, arch.hidden)
    per = 10 if setup.engine == "sftloop-cpu" and setup.width < 4 else 8
    size, formula = times((per, "bytes"), (vocabulary, "tokens of the vocabulary"), (rows, "rows at once"))
    source = _CHUNKED if setup.loss == "chunked" else _LIGER
    lines = [_line("a chunk of logits", size, formula, source, (LOSS,))]
    if setup.method == "full":
        width = 4 if setup.loss == "chunked" else setup.width
        size, formula = times((width, "bytes"), (vocabulary * arch.hidden, "output matrix's gradient"))
        at = (LOSS, BACKWARD) if setup.ours else (LOSS,)
        lines.append(_line("output matrix's gradient", size, formula, source, at))
    if setup.loss == "chunked" and setup.method == "full":
        size, formula = times(
            (setup.width, "bytes"), (vocabulary * arch.hidden, "a chunk's share of that gradient")
        )
        lines.append(_line("a chunk's share of it", size, formula, source, (LOSS,)))
    if setup.ours and setup.trained_width != setup.width and setup.method == "full":
        size, formula = times((setup.width, "bytes"), (vocabulary * arch.hidden, "output matrix, cast"))
        lines.append(_line("output matrix, cast", size, formula, source, (LOSS,)))
    return lines


def _liger_rows(tokens: int, vocabulary: int, hidden: int) -> int:
    """As many rows as make a chunk of logits about as large as the hidden states, a power of two."""
    wanted = -(-tokens // -(-vocabulary // hidden))
    return min(tokens, 1 << (wanted - 1).bit_length())


def _line(what: str, size: int, formula: str, source: str, at: tuple[str, ...]) -> Line:
    return Line(component="logits", what=what, bytes=size, formula=formula, source=source, at=at)
