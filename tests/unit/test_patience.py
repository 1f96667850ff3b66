"""What hangs is ended and shown: processes and threads."""

from __future__ import annotations

import sys
import threading

import pytest
from tests import patience

STUCK = "import threading\ndef waits_for_ever():\n    threading.Event().wait()\nwaits_for_ever()"


def test_a_process_that_hangs_is_ended_and_shows_where_it_was() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"(?s)still running after 3 s.*waits_for_ever"):
        patience.run([sys.executable, "-c", STUCK], limit=3)


def test_a_thread_that_hangs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "CLOSING_SECONDS", 0.1)
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name="stuck", args=(60,))
    thread.start()
    with pytest.raises(pytest.fail.Exception, match="the thread stuck did not end"):
        patience.ended(thread)
    done.set()
    patience.ended(thread)


def test_a_command_that_must_end_well() -> None:
    assert patience.run([sys.executable, "-c", "print(1)"], check=True).stdout == "1\n"
    with pytest.raises(pytest.fail.Exception, match=r"(?s)ended with 1:.*Traceback"):
        patience.run([sys.executable, "-c", "1 / 0"], check=True)
