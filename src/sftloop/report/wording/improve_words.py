"""What the page of `prompt improve` has to say, as fields to be filled by each language.

Names in braces are filled in by the module that uses the text. Knows no language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sftloop.report.wording.words import Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class ImproveWords:
    """All of it, for one language."""

    title: str
    """`{scenario}`."""
    eyebrow: str
    heading: str
    writer: str
    accepted: Counted
    none: str
    nothing_wrong: str
    lead: str
    """`{asked}`, `{tested}`, `{seen}`, `{held_out}`."""
    asked: Counted
    tested: Counted
    seen: Counted
    held_out: Counted
    blind: str
    """`{task}`, `{detectable}`, `{n}`."""
    unread: str
    """`{task}`, `{share}`, `{n}`."""
    no_test_file: str
    test_heading: str
    test_intro: Counted
    """Test records; opened once."""
    task: str
    before: str
    after: str
    difference: str
    p: str
    verdict: str
    verdicts: Mapping[str, str]
    proposals_heading: str
    proposals_intro: str
    round: str
    """`{n}`."""
    parts: Mapping[str, str]
    """means, not, examples; `{task}`, `{name}`."""
    unreadable: str
    """Title of a proposal that names no change; `{task}`."""
    again: str
    """`{id}`."""
    decisions: Mapping[str, str]
    """Badge by decision; `refused` for those not tested."""
    because: Mapping[str, str]
    """Sentence by decision; `{anchors}`, `{labels}`."""
    refusals: Mapping[str, str]
    """Sentence by kind of refusal."""
    quoted: str
    """What a refusal rests on; `{text}`."""
    figures: str
    """`{metric}`, `{before}`, `{after}`, `{difference}`, `{interval}`, `{p}`, `{n}`."""
    unmeasured: str
    why: str
    """`{why}`: the writer's."""
    written: str
    diff: str
    now: str
    proposed: str
    for_group: str
    """`{group}`."""
    groups_heading: str
    groups_intro: str
    group: str
    """`{task}`, `{gold}`, `{answered}`."""
    no_label: str
    wrong: Counted
    unsure: Counted
    gold: str
    answered: str
    reason: str
    gold_reason: str
    barely: str
    """`{answered}`."""
    more_cases: Counted
    more_groups: Counted
    region: str
    """`{id}`."""
    files_heading: str
    """Where there is something to take over."""
    other_files: str
    """Where there is nothing."""
    apply: str
    applied: str
    """`{file}`, `{backup}`."""
    held_back: str
    """`{file}`, `{tasks}`."""
    improved: str
    difference_file: str
    history: str
    picture: str
    """`{id}`; read aloud in place of the picture."""
