"""Data sets are judged by several soon, and no two assessors walk in step."""

from collections import Counter

from corpus.app.assignment import next_key

KEYS = [(f"set-{number}", "candidates") for number in range(12)]


def test_everybody_gets_every_data_set_once():
    had = []
    while (key := next_key("ann", KEYS, had, {}, wanted=5)) is not None:
        assert key not in had
        had.append(key)
    assert sorted(had) == sorted(KEYS)


def test_what_is_nearest_to_enough_comes_first():
    judged = {KEYS[3]: 4, KEYS[5]: 2, KEYS[7]: 5, KEYS[8]: 9}
    had = []
    for _ in KEYS:
        had.append(next_key("ann", KEYS, had, judged, wanted=5))
    assert had[:2] == [KEYS[3], KEYS[5]]
    assert had[-2:] == [KEYS[7], KEYS[8]]


def test_assessors_differ_and_each_is_given_the_same_again():
    firsts = {name: next_key(name, KEYS, (), {}, wanted=5) for name in map(str, range(30))}
    assert len(set(firsts.values())) > 6
    assert firsts == {name: next_key(name, list(reversed(KEYS)), (), {}, wanted=5) for name in firsts}


def test_agreement_can_be_computed_early():
    # ten assessors, one data set each at a time, as they come
    judged, had = Counter(), {name: set() for name in map(str, range(10))}
    for _ in range(3):
        for name, mine in had.items():
            key = next_key(name, KEYS, mine, judged, wanted=5)
            mine.add(key)
            judged[key] += 1
    assert sorted(judged.values()) == [5] * 6
