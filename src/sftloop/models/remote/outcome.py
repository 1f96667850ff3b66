"""What came of one call: an answer, or which of the ways to fail it is and whose turn it is then.

Reads statuses, headers and error bodies; makes no calls. The messages of services are shown, the key that one
may echo in them is not: whoever reads a response takes it out first.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sftloop.core.errors import ExternalError
from sftloop.models.remote.endpoint import Endpoint
from sftloop.models.remote.reply import MalformedError, Reply, read_reply

_LONGEST_WAIT_SECONDS = 300.0
_MONEY_CODE = re.compile(
    r"insufficient_(quota|balance|funds|credit)|exceeded_current_quota|quota_exceeded|arrear", re.I
)
_MONEY_SAID = re.compile(
    r"insufficient.{0,20}(quota|balance|fund|credit)|exceeded_current_quota|quota_exceeded|arrear|欠费|余额不足",
    re.I,
)
_BILLING = re.compile("billing", re.I)
_TOO_FAST = re.compile(r"rate.?limit|too.?many", re.I)
_THIS_CALL = re.compile(
    r"moderat|flagged|content.?policy|log.?prob|response.?format|temperature|max_(completion_)?tokens|\bseed\b",
    re.I,
)
"""A 403 that is about the call, not the key: its input, or a part that this model doesn't take."""
_ADDRESS = re.compile(r"https?://\S+")
_NO_SUCH_MODEL = re.compile(
    r"model_not_(found|exist)|model[^.]{0,80}(not exist|not found|unknown)|(no such|unknown|invalid) model",
    re.I | re.S,
)
_WRONG_ADDRESS = (301, 302, 303, 307, 308, 404, 405, 410)
_BUSY = (429, 503, 529)
_PASSING = (408, 409, 425)


class NoSuchModelError(ExternalError):
    """The service doesn't know the model."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Too many calls for now."""

    why: str
    wait: float | None
    """Seconds the service asks to wait."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The call failed in a way that another try may not."""

    why: str
    billed: bool = False
    """The service may have written an answer."""
    unreachable: bool = False
    """There was no connection."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The service doesn't want this very call; it may say which part of it."""

    why: str


Outcome = Reply | Refused | Broken | Rejected


def read_response(
    endpoint: Endpoint, status: int, headers: Mapping[str, str], text: str, seconds: float
) -> Outcome:
    """Read a response.

    Args:
        endpoint: for messages.
        status: the HTTP status.
        headers: case doesn't matter to their mapping.
        text: the body, without the key.
        seconds: how long it took.

    Raises:
        ExternalError: no other call would fare better (key, address, account). A 403 that says that this input
            was moderated, or names a part of the call, is no matter of the key: another one may pass.
        NoSuchModelError: likewise, because of the model's name.
    """
    if status == 200:
        return _read_answer(endpoint, headers, text, seconds)
    code, message = _error_of(text)
    why = f"{status}: {message or 'no reason given'}"
    _stop_if_hopeless(endpoint, status, code, message, why)
    if status in _BUSY:
        wait = retry_after(headers)
        if wait is not None and wait > _LONGEST_WAIT_SECONDS:
            raise ExternalError(
                f"{endpoint.address} asks to wait {wait / 60:.0f} minutes ({why}).",
                hint="Start the same command later; answers so far are kept.",
            )
        return Refused(why, wait)
    if status in _PASSING or status >= 500:
        return Broken(why)
    return Rejected(f"{code} {why}".strip())


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a response asks to wait: a number, a date, or OpenAI's milliseconds."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or value is None:
        return seconds
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _number(text: str | None) -> float | None:
    found = re.fullmatch(r"\s*(\d{1,9}(\.\d*)?)\s*", text or "")
    return float(found[1]) if found else None


def _read_answer(endpoint: Endpoint, headers: Mapping[str, str], text: str, seconds: float) -> Outcome:
    try:
        return read_reply(json.loads(text), seconds)
    except MalformedError as error:
        return Broken(f"{error} ({_brief(text)})", billed=True)
    except (ValueError, RecursionError):
        if "text/html" in headers.get("content-type", ""):
            raise ExternalError(
                f"{endpoint.address} answers with a web page, not as an API.",
                hint="Check the URL; it usually ends with '/v1'.",
            ) from None
        return Broken(f"the answer is no JSON ({_brief(text)})", billed=True)


def _error_of(text: str) -> tuple[str, str]:
    """Return an error body's code and message, whichever of the usual shapes it has."""
    try:
        body: Any = json.loads(text)
    except (ValueError, RecursionError):
        return "", _brief(text)
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return "", _brief(str(error))
    code = " ".join(str(error[key]) for key in ("code", "type", "param") if error.get(key))
    message = error.get("message") or error.get("detail") or ""
    return code, _brief(message if isinstance(message, str) else json.dumps(message, ensure_ascii=False))


def _used_up(status: int, code: str, message: str) -> bool:
    """Whether the account has nothing left: by the error's code and, where that doesn't say, by its message.

    A rate limit's message may point to a page about billing: addresses aren't read, and of a 429 not that word.
    """
    if status not in (400, 403, 429):
        return status == 402
    if _MONEY_CODE.search(code):
        return True
    if _TOO_FAST.search(code) or status == 403:
        return False
    said = _ADDRESS.sub("", message)
    return bool(_MONEY_SAID.search(said) or (status != 429 and _BILLING.search(said)))


def _stop_if_hopeless(endpoint: Endpoint, status: int, code: str, message: str, why: str) -> None:
    name, address, told = endpoint.model, endpoint.address, f"{code} {message}"
    if _used_up(status, code, message):
        raise ExternalError(
            f"The account at {address} is used up ({why}).",
            hint="Top it up and start the same command; answers so far are kept.",
        )
    if status == 401 or (status == 403 and not _THIS_CALL.search(told)):
        raise ExternalError(
            f"{address} doesn't accept the key in {endpoint.key_variable} ({why}).",
            hint=f"Set the environment variable {endpoint.key_variable} to a key of this service.",
        )
    if status in (400, 404, 422) and _NO_SUCH_MODEL.search(told):
        raise NoSuchModelError(f"{address} has no model '{name}' ({why}).", hint="Check the name.")
    if status in _WRONG_ADDRESS:
        raise ExternalError(
            f"{address}/chat/completions isn't where this API is ({why}).",
            hint="Check the URL; it usually ends with '/v1'.",
        )


def _brief(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:299] + "…"
