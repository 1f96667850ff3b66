"""The benchmark of near duplicates: what is planted is where it says, and the score can tell good from bad."""

from benchmarks.deduplication import EDITS, plant, scored

ORIGINALS = [f"message number {n} about {topic} please" for n, topic in enumerate(["cards", "fees", "pins"])]
ORIGINALS += ["手机屏幕摔碎了怎么办", "short"]


def test_planted_copies_point_at_their_originals():
    planted = plant(ORIGINALS, 60)
    assert len(planted.texts) == 60 and len(planted.edits) == 60 - len(ORIGINALS)
    assert {edit for edit, _ in planted.edits.values()} == set(EDITS)
    originals = {place for _, place in planted.edits.values()}
    assert {planted.texts[place] for place in originals} == set(ORIGINALS) - {"short"}
    assert plant(ORIGINALS, 60) == planted


def test_whole_families_score_one_and_one_heap_does_not():
    planted = plant(ORIGINALS, 60)
    families = {}
    for place in range(60):
        families.setdefault(planted.edits.get(place, ("", place))[1], []).append(place)
    good = scored(planted, [members for members in families.values() if len(members) > 1])
    assert set(good["recall"].values()) == {1} and good["precision"] == 1
    heap = scored(planted, [list(range(60))])
    assert heap["recall"]["all"] == 1 and heap["precision"] < 1
    pair = scored(planted, [list(range(2))])
    assert pair["recall"]["all"] < 0.1
