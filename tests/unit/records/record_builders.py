"""Records built in one line."""

from sftloop.records import Record
from sftloop.scenario import Answer


def intent(identifier: str, label: str = "refund", message: str | None = None, **more) -> Record:
    text = message if message is not None else f"message {identifier}"
    return Record(id=identifier, task="intent", input={"message": text}, answer=Answer(label=label), **more)


def lines(*rows: str) -> bytes:
    return ("\n".join(rows) + "\n").encode()


def row(identifier: str, label: str = "refund", message: str = "hello") -> str:
    return (
        f'{{"id": "{identifier}", "task": "intent", "input": {{"message": "{message}"}}, '
        f'"answer": {{"label": "{label}"}}}}'
    )
