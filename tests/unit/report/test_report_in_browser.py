"""The page in headless Chromium: it fits the screen, follows the colour scheme, prints."""

from __future__ import annotations

import json
import re
import shutil
import struct
import zlib
from pathlib import Path

import pytest
from tests.patience import run
from tests.unit.report.saved_run import write_run

from sftloop.report import build_report

pytestmark = pytest.mark.browser

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
).split()
PROBE = """<!DOCTYPE html><meta charset="utf-8"><title>waiting</title>
<iframe id="page" src="report.html" style="border:0;width:{width}px;height:900px"></iframe>
<pre id="found"></pre>
<script>
const frame = document.getElementById("page");
frame.addEventListener("load", () => {{
  const page = frame.contentDocument, root = page.documentElement;
  const wide = [...page.querySelectorAll("body *")].filter(one => {{
    const box = one.getBoundingClientRect();
    return box.right > root.clientWidth + 1 && !one.closest(".scroll, .visually-hidden");
  }}).map(one => one.tagName + "." + (one.getAttribute("class") || ""));
  const small = [...page.querySelectorAll("body *")].filter(one =>
    one.children.length === 0 && one.textContent.trim() && parseFloat(getComputedStyle(one).fontSize) < 11
  ).length;
  document.getElementById("found").textContent = JSON.stringify({{
    scroll: root.scrollWidth, client: root.clientWidth, wide: wide.slice(0, 5), small: small
  }});
}});
</script>
"""


@pytest.fixture(scope="module", params=["en", "zh"])
def page(request, tmp_path_factory) -> Path:
    if BROWSER is None:
        pytest.skip(f"no Chromium on this machine (looked for {', '.join(NAMES)})")
    return build_report(write_run(tmp_path_factory.mktemp(request.param), request.param))


def browse(directory: Path, *arguments: str) -> str:
    profile = directory / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    done = run([str(BROWSER), *FLAGS, f"--user-data-dir={profile}", *arguments], limit=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("width", [360, 1200])
def test_fits_its_screen(page, width):
    probe = page.parent / f"probe-{width}.html"
    probe.write_text(PROBE.format(width=width), encoding="utf-8")
    shown = browse(
        page.parent,
        "--allow-file-access-from-files",
        "--virtual-time-budget=5000",
        "--window-size=1300,1000",
        "--dump-dom",
        probe.as_uri(),
    )
    found = json.loads(re.search(r'<pre id="found">(.+?)</pre>', shown, re.DOTALL)[1])
    assert found["client"] == width
    assert found["scroll"] <= width, found["wide"]
    assert found["wide"] == []
    assert found["small"] == 0


@pytest.mark.parametrize(("scheme", "dark"), [("1", False), ("0", True)])
def test_follows_the_colour_scheme(page, scheme, dark):
    picture = page.parent / f"shot-{scheme}.png"
    browse(
        page.parent,
        f"--blink-settings=preferredColorScheme={scheme}",
        "--window-size=375,800",
        f"--screenshot={picture}",
        page.as_uri(),
    )
    assert picture.stat().st_size > 10_000
    assert (corner(picture) < 60) is dark


def corner(picture: Path) -> float:
    """Return the brightness of a PNG's first pixel, 0 to 255."""
    data, at, packed = picture.read_bytes(), 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    return sum(zlib.decompress(packed)[1:4]) / 3


def test_prints_every_wrong_answer(page):
    target = page.parent / "page.pdf"
    browse(page.parent, "--no-pdf-header-footer", f"--print-to-pdf={target}", page.as_uri())
    assert target.read_bytes()[:5] == b"%PDF-"
    assert target.stat().st_size > 50_000
