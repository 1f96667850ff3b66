"""What the page of `prompt improve --formats` has to say.

Names in braces are filled in by the module that uses the text. Knows no language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sftloop.report.wording.words import Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatsWords:
    """All of it, for one language."""

    title: str
    """`{scenario}`."""
    eyebrow: str
    heading: str
    notes: str
    files: str
    join: str
    """Joins sentences."""
    quoted: str
    """`{name}`: a format's name in a sentence."""
    factors: Mapping[str, str]
    levels: Mapping[str, Mapping[str, str]]
    """By factor."""
    accepted: str
    """Headline; `{format}`, `{differences}`."""
    kept: Mapping[str, str]
    """Headline by why nothing was accepted."""
    difference: str
    """`{task}`, `{difference}`."""
    against: str
    """`{task}`, `{metric}`, `{before}`, `{after}`, `{difference}`, `{interval}`, `{p}`, `{n}`."""
    against_once: str
    """The same for the test, which is one comparison."""
    lead: str
    """`{formats}`, `{halving}`, `{finalists}`, `{final}`, `{duration}`."""
    detectable: str
    """`{task}`, `{n}`, `{detectable}`."""
    not_detectable: str
    """`{task}`, `{n}`."""
    needed: str
    """`{needed}`."""
    tested: Mapping[str, str]
    """By verdict of the test; `{told}`."""
    no_test: str
    opened: Counted
    prefix_shorter: str
    """`{before}`, `{after}`: tokens."""
    prefix_longer: str
    badges: Mapping[str, str]
    finals: str
    finals_intro: str
    finalist: str
    """`{n}`, `{name}`, `{told}`."""
    test: str
    test_intro: str
    change: str
    change_intro: str
    applied: str
    """Holds `file` and `backup`."""
    held_back: str
    """Holds `file`."""
    effects: str
    effects_intro: str
    level: str
    mean: str
    apart: str
    present: str
    formats: str
    table: str
    table_intro: str
    table_caption: str
    format: str
    quality: str
    """`{metric}`, `{task}`."""
    valid: str
    tokens: str
    prefix: str
    shorter: str
    records: str
    """`{n}`."""
    held_out: str
    halving_only: str
    picture: str
    left_out: str
    """`{name}`, `{why}`."""
    rows_left_out: Counted
    improved: str
