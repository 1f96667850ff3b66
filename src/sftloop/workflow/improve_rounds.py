"""Round by round: gather mistakes, ask for proposals, refuse or test them, take the best.

The seen records are all that a proposal is learned from; the held-out ones decide. What is asked, refused,
tested and decided goes into the history as it happens, answers into files of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sftloop.core.progress import say
from sftloop.records import Record
from sftloop.scenario import Scenario, load_scenario
from sftloop.scenario.yaml_edit import apply_change, scenario_diff
from sftloop.workflow.improve_asking import Asking, Voice
from sftloop.workflow.improve_check import Refusal, check_proposal
from sftloop.workflow.improve_decide import compare, corrected, is_tagged_anchor, judge, lost_anchors
from sftloop.workflow.improve_groups import Group, find_groups
from sftloop.workflow.improve_history import History
from sftloop.workflow.improve_proposal import Proposal
from sftloop.workflow.improve_reading import exchanged, unchanged
from sftloop.workflow.improve_request import Earlier, Option, build_request, options_of, read_proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What stays the same over all rounds."""

    asking: Asking
    history: History
    model: Voice
    writer: Voice
    seen: Mapping[str, Sequence[Record]]
    """Per task."""
    held_out: Mapping[str, Sequence[Record]]
    rounds: int
    proposals: int
    """Per round."""
    seed: int


@dataclass(slots=True)
class Rounds:
    """The present prompt and what was tried so far."""

    setting: Setting
    scenario: Scenario
    text: str
    """The scenario's file as it is now."""
    groups: list[dict[str, Any]] = field(default_factory=list)
    """Of all rounds, with their number."""
    proposals: list[Proposal] = field(default_factory=list)
    reading: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Per task that gets something wrong: how many answers stay when the labels exchange their definitions."""
    _asked: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _used: dict[str, list[Option]] = field(default_factory=lambda: defaultdict(list))
    _earlier: dict[str, list[Proposal]] = field(default_factory=lambda: defaultdict(list))
    _again: list[Proposal] = field(default_factory=list)

    def run(self) -> None:
        """Go through all rounds, or until nothing is wrong or nothing is left to propose."""
        for number in range(1, self.setting.rounds + 1):
            groups = self._gather(number)
            if number == 1:
                self._read({group.task for group in groups})
            fresh = self._propose(number, groups) + self._carried(number)
            if not fresh:
                say(f"Round {number}: nothing to propose.")
                return
            survivors = [one for one in fresh if one.refused is None]
            say(f"Round {number}: {len(fresh)} proposals, {len(fresh) - len(survivors)} refused.")
            self._test(survivors)
            self._decide(survivors)

    def _gather(self, number: int) -> list[Group]:
        """Return the mistakes of the present prompt on the seen records."""
        found: list[Group] = []
        for task, records in self.setting.seen.items():
            reasons = self.scenario.tasks[task].answer.reason
            answers = self._answers(self.scenario, records, "seen", reasons=reasons)
            found += find_groups(self.scenario, task, records, answers)
        for group in found:
            row = {"round": number, **group.to_json()}
            self.groups.append(row)
            self.setting.history.add("group", **row)
        return found

    def _read(self, tasks: set[str]) -> None:
        """Find out whether the model reads the definitions that are to be improved."""
        for task in [name for name in self.setting.seen if name in tasks]:
            other = exchanged(self.scenario, task)
            if other is None:
                continue
            records = self.setting.seen[task]
            reasons = self.scenario.tasks[task].answer.reason
            own = self._answers(self.scenario, records, "seen", reasons=reasons)
            found = unchanged(records, own, self._answers(other, records, "seen"))
            if found is None:
                continue
            self.reading[task] = found
            self.setting.history.add("reading", task=task, **found)
            if not found["reads"]:
                say(
                    f"{task}: with the labels' definitions exchanged, {found['same']:.0%} of {found['n']} answers "
                    "stay the same: the model hardly reads them, so rewording will mend little; try --formats."
                )

    def _propose(self, number: int, groups: Sequence[Group]) -> list[Proposal]:
        """Ask the writer, the heaviest groups first, each again only after the others had their turn."""
        made: list[Proposal] = []
        while len(made) < self.setting.proposals:
            open_groups = [group for group in groups if self._options(group)]
            if not open_groups:
                break
            group = max(open_groups, key=lambda one: one.weight / (1 + self._asked[one.id]))
            made.append(self._ask(number, len(made) + 1, group))
            self.proposals.append(made[-1])
        return made

    def _options(self, group: Group) -> list[Option]:
        used = {(option.name, option.part) for option in self._used[group.id]}
        own = options_of(self.scenario.tasks[group.task], group)
        return [option for option in own if (option.name, option.part) not in used]

    def _ask(self, number: int, count: int, group: Group) -> Proposal:
        options, setting = self._options(group), self.setting
        earlier = [
            Earlier(name=one.change.name, part=one.change.part, text=one.change.text, outcome=one.outcome)
            for one in self._earlier[group.id]
            if one.change is not None
        ]
        request = build_request(self.scenario, group, options, earlier, setting.writer.name)
        answer = setting.asking.write(setting.writer, request.scenario, request.record)
        option, text, why = read_proposal(request, answer)
        self._asked[group.id] += 1
        self._used[group.id].append(option or options[0])
        task = self.scenario.tasks[group.task]
        proposal = Proposal(
            id=f"{number}.{count}",
            round=number,
            group=group.id,
            task=group.task,
            change=option.change(task, text) if option and text else None,
            why=why,
            written=answer.text or "",
            now=option.now if option else "",
        )
        if answer.error is not None:
            proposal.refused = Refusal(kind="no_answer", why=answer.error, detail=answer.error)
        elif proposal.change is None:
            proposal.refused = Refusal(
                kind="malformed",
                why="The answer names none of the changes." if option is None else "It holds no words.",
            )
        else:
            self._check(proposal)
        self._earlier[group.id].append(proposal)
        self._tell(proposal)
        return proposal

    def _check(self, proposal: Proposal) -> None:
        """Refuse the proposal, or give it the file that holds it."""
        assert proposal.change is not None
        repeats = proposal.change if proposal.again else None
        said = [one.change for one in self.proposals if one.change and one.change != repeats]
        records = (*self.setting.seen[proposal.task], *self.setting.held_out[proposal.task])
        documents = [text for record in records for text in record.documents()]
        result = check_proposal(
            proposal.change, self.text, self.scenario, documents, said, self.setting.asking.keep_prompt
        )
        if isinstance(result, Refusal):
            proposal.refused = result
        else:
            proposal.checked = result
            proposal.diff = scenario_diff(self.text, result.text)

    def _carried(self, number: int) -> list[Proposal]:
        """Return the proposals that were better too in the round before, on the prompt that was taken then."""
        made = []
        for count, old in enumerate(self._again, start=1):
            fresh = Proposal(
                id=f"{number}.a{count}",
                round=number,
                group=old.group,
                task=old.task,
                change=old.change,
                why=old.why,
                written=old.written,
                now=old.now,
                again=old.id,
            )
            self._check(fresh)
            self._tell(fresh)
            made.append(fresh)
        self._again = []
        self.proposals += made
        return made

    def _tell(self, proposal: Proposal) -> None:
        row = proposal.to_json()
        self.setting.history.add(
            "proposal", **{key: row[key] for key in row if key not in ("test", "decision")}
        )

    def _test(self, survivors: Sequence[Proposal]) -> None:
        for one in survivors:
            assert one.checked is not None
            records, changed = self.setting.held_out[one.task], one.checked.scenario
            before = self._answers(self.scenario, records, "held_out")
            after = self._answers(changed, records, "held_out")
            tests = len(survivors) * self.setting.rounds
            task = self.scenario.tasks[one.task]
            one.test = compare(task, records, before, after, seed=self.setting.seed, tests=tests)
        adjusted = corrected([one.test["p"] for one in survivors if one.test], self.setting.rounds)
        for one, p in zip(survivors, adjusted, strict=True):
            assert one.test is not None
            one.test["p_adjusted"] = p
            self.setting.history.add("test", id=one.id, task=one.task, **one.test)

    def _decide(self, survivors: Sequence[Proposal]) -> None:
        """Take at most one change per task: the largest gain among those that harm nothing."""
        taken: set[str] = set()
        for one in sorted(survivors, key=lambda one: -one.gain):
            assert one.test is not None
            one.decision = judge(one.test, one.test["p_adjusted"])
            if one.decision == "accepted" and one.task in taken:
                one.decision = "better"
                self._again.append(one)
            elif one.decision == "accepted" and self._loses_seen_anchor(one):
                one.decision = "anchors"
            elif one.decision == "accepted":
                taken.add(one.task)
        for one in survivors:
            self.setting.history.add("decision", id=one.id, task=one.task, decision=one.decision)
            if one.decision == "accepted":
                self._adopt(one)

    def _loses_seen_anchor(self, proposal: Proposal) -> bool:
        """Whether a tagged record of the seen part would be lost; only asked where all else speaks for it."""
        tagged = [record for record in self.setting.seen[proposal.task] if is_tagged_anchor(record)]
        if not tagged or proposal.checked is None or proposal.test is None:
            return False
        task = self.scenario.tasks[proposal.task]
        before = self._answers(self.scenario, tagged, "seen", reasons=task.answer.reason)
        after = self._answers(proposal.checked.scenario, tagged, "seen", reasons=task.answer.reason)
        lost = lost_anchors(task, tagged, before, after)
        proposal.test["anchors"] = lost
        return bool(lost)

    def _adopt(self, proposal: Proposal) -> None:
        """Make the change on the present text, which another task's change may have moved on meanwhile."""
        assert proposal.change is not None
        self.text = apply_change(self.text, proposal.change)
        self.scenario = load_scenario(self.setting.asking.keep_prompt(self.text))

    def _answers(
        self, scenario: Scenario, records: Sequence[Record], part: str, *, reasons: bool = False
    ) -> list[Any]:
        setting = self.setting
        return list(setting.asking.answers(setting.model, scenario, records, part, reasons=reasons))
