"""`python -m tests.servers.small_model MODEL [--port N]`: a local model answering chat completions for real.

Greedy only, one call at a time, with log-probabilities where they are asked for. Enough of the protocol to
hold a remote model beside the local one; not a server for anything else.
"""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Sequence
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch

from sftloop.models import LocalModel, resolve_model
from sftloop.models.local import inference
from tests.patience import CLOSING_SECONDS, ended

Body = dict[str, Any]


class SmallModelServer:
    """Serves a model on the loopback address; a context manager.

    Args:
        model: weights and tokenizer.
        port: 0 picks a free one.
    """

    def __init__(self, model: LocalModel, port: int = 0) -> None:
        self.model, self.calls = model, 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> SmallModelServer:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._server.shutdown()
        ended(self._thread)
        self._server.server_close()

    def run(self) -> None:
        """Serve until interrupted."""
        self._server.serve_forever()

    def complete(self, body: Body) -> Body:
        """Answer one call."""
        with self._lock:
            self.calls += 1
            prompt = self.model.encoder.prompt_ids(body["messages"])
            most = int(body.get("max_tokens") or body.get("max_completion_tokens") or 256)
            wanted = int(body.get("top_logprobs") or 0) if body.get("logprobs") else None
            ids, rows = self._write(prompt, most)
            ended = ids[-1] in self.model.encoder.stop_ids
            shown = ids[:-1] if ended else ids
            choice: Body = {
                "index": 0,
                "message": {"role": "assistant", "content": self.model.encoder.decode(shown)},
                "finish_reason": "stop" if ended else "length",
            }
            if wanted is not None:
                choice["logprobs"] = {"content": self._chances(shown, rows, wanted)}
            usage = {"prompt_tokens": len(prompt), "completion_tokens": len(ids)}
            return {"object": "chat.completion", "model": body["model"], "choices": [choice], "usage": usage}

    def _write(self, prompt: Sequence[int], most: int) -> tuple[list[int], torch.Tensor]:
        """Write greedily; return the ids and the log-probabilities at each, (T, V)."""
        stop = sorted(self.model.encoder.stop_ids)
        ids = torch.tensor([list(prompt)], device=self.model.model.device)
        with inference(self.model.model):
            made = self.model.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=most,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                eos_token_id=stop,
                pad_token_id=stop[0],
                output_logits=True,
                return_dict_in_generate=True,
            )
        rows = torch.stack([row[0].float().log_softmax(-1) for row in made.logits])
        return made.sequences[0, len(prompt) :].tolist(), rows

    def _chances(self, ids: list[int], rows: torch.Tensor, wanted: int) -> list[Body]:
        entries = []
        for place, (token, row) in enumerate(zip(ids, rows, strict=False)):
            best, others = row.topk(max(wanted, 1))
            listed = zip(others.tolist(), best.tolist(), strict=True)
            entry = self._entry(ids[:place], token, float(row[token]))
            entry["top_logprobs"] = [self._entry(ids[:place], i, v) for i, v in listed][:wanted]
            entries.append(entry)
        return entries

    def _entry(self, before: list[int], token: int, value: float) -> Body:
        raw = self._bytes(before, token)
        return {"token": raw.decode("utf-8", "replace"), "logprob": value, "bytes": list(raw)}

    def _bytes(self, before: list[int], token: int) -> bytes:
        """The token's bytes: a byte-level vocabulary spells them out, of others the text shows them."""
        tokenizer = self.model.encoder.tokenizer
        spelled = str(tokenizer.convert_ids_to_tokens(token))
        table = _spelling()
        if "ByteLevel" in tokenizer.backend_tokenizer.decoder.__class__.__name__:
            return bytes(table[c] for c in spelled) if all(c in table for c in spelled) else spelled.encode()
        decode = self.model.encoder.decode
        return decode([*before, token])[len(decode(before)) :].encode()


@lru_cache
def _spelling() -> dict[str, int]:
    """How byte-level vocabularies spell bytes that don't print: 256 and up, in order."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {**{chr(b): b for b in plain}, **{chr(256 + n): b for n, b in enumerate(rest)}}


def _handler(served: SmallModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = CLOSING_SECONDS  # of a caller that says nothing more

        def log_message(self, *parts: object) -> None:
            pass

        def do_GET(self) -> None:
            self.reply({"data": [{"id": served.model.name}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if body["model"] != served.model.name:
                error = {"message": f"model {body['model']} not found", "code": "model_not_found"}
                self.reply({"error": error}, 404)
                return
            self.reply(served.complete(body))

        def reply(self, body: Body, status: int = 200) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    return Handler


def main() -> None:
    """Serve a model by name until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    server = SmallModelServer(LocalModel.load(resolve_model(options.model), name=options.model), options.port)
    print(f"{options.model} at {server.url}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
