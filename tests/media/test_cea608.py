"""Captions as encoders send them, and what is shown when."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioned import Codes, address, clear, control, letters, pop_on, roll_up, second_channel
from livedvr.media.cea608 import Pair, captions
from livedvr.resources.streams import CeaChannel
from livedvr.resources.times import SECOND

FRAME = SECOND // 30


def sent(codes: Codes, at: float = 0, field: int = 1) -> list[Pair]:
    """A pair each frame from then on, as it comes out of the pictures."""
    start = round(at * SECOND)
    return [
        Pair(start + n * FRAME, field, first, second)  # type: ignore[arg-type]
        for n, (first, second) in enumerate(codes)
    ]


def shown(
    pairs: list[Pair], end: float = 10, start: float = 0, channel: CeaChannel = "CC1"
) -> list[tuple[float, float, str]]:
    pairs = sorted(pairs, key=lambda pair: pair.time)
    cues = captions(pairs, channel, round(start * SECOND), round(end * SECOND))
    return [(round(cue.start / SECOND, 2), round(cue.end / SECOND, 2), cue.text) for cue in cues]


def test_a_pop_on_caption_is_shown_whole_until_it_is_erased() -> None:
    codes = pop_on("HELLO", "THERE & <HERE>")
    appears = round((len(codes) - 2) / 30, 2)
    pairs = [*sent(codes), *sent(clear(), 4)]
    assert shown(pairs) == [(appears, 4.0, "HELLO\nTHERE &amp; &lt;HERE&gt;")]
    [cue] = captions(pairs, "CC1", 0, 5 * SECOND)
    assert cue.settings == "position:20% line:79% align:start", "row 14 of 15, column 4 of 32"


def test_the_next_caption_takes_the_place_of_the_one_before() -> None:
    first, second = sent(pop_on("ONE")), sent(pop_on("TWO"), 2)
    assert [text for *_, text in shown([*first, *second])] == ["ONE", "TWO"]
    ends = shown([*first, *second])[0][1]
    assert ends == shown([*first, *second])[1][0] == round(second[-2].time / SECOND, 2)


def test_rolling_captions_move_up() -> None:
    pairs = [*sent(roll_up("ONE")), *sent(roll_up("TWO"), 2), *sent(roll_up("THREE"), 4)]
    assert [text for *_, text in shown(pairs)] == ["ONE", "ONE", "ONE\nTWO", "TWO", "TWO\nTHREE"]
    three = [*sent(roll_up("ONE", 3)), *sent(roll_up("TWO", 3), 2), *sent(roll_up("THREE", 3), 4)]
    assert shown(three)[-1][2] == "ONE\nTWO\nTHREE"


def test_letters_that_come_one_by_one_are_shown_as_they_come() -> None:
    codes = control(0x29) + address(1) + letters("A LONG LINE OF LETTERS, PAINTED")
    texts = [text for *_, text in shown(sent(codes))]
    assert 2 <= len(texts) <= 4 and texts[-1] == "A LONG LINE OF LETTERS, PAINTED"
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))


def test_what_is_erased_right_after_it_was_painted_was_shown() -> None:
    codes = control(0x29) + address(1) + letters("HI") + clear()
    assert [text for *_, text in shown(sent(codes))] == ["HI"]


@pytest.mark.parametrize(("channel", "text"), [("CC1", "ONE"), ("CC2", "TWO"), ("CC3", "THREE"), ("CC4", "FOUR")])
def test_each_channel_has_its_own_text(channel: CeaChannel, text: str) -> None:
    pairs = [
        *sent(pop_on("ONE")),
        *sent(second_channel(pop_on("TWO")), 1),
        *sent(pop_on("THREE"), field=2),
        *sent(second_channel(pop_on("FOUR")), 1, field=2),
    ]
    assert [said for *_, said in shown(pairs, channel=channel)] == [text]


def test_two_channels_take_turns_inside_a_caption() -> None:
    one, two = pop_on("ONE"), second_channel(pop_on("TWO"))
    assert len(shown(sent(one[:6] + two + control(0x20) + one[6:]))) == 1
    assert shown(sent(one[:6] + two + control(0x20) + one[6:]))[0][2] == "ONE"


def test_a_control_code_counts_once_though_it_is_sent_twice() -> None:
    backspaced = control(0x29) + address(15) + letters("ABCD") + control(0x21)
    assert shown(sent(backspaced))[-1][2] == "ABC"
    assert shown(sent(backspaced + control(0x21)))[-1][2] == "AB"
    once = [(0x14, 0x29), *address(15)[:1], *letters("ABCD"), (0x14, 0x21)]
    assert shown(sent(once))[-1][2] == "ABC"


def test_letters_beyond_ascii() -> None:
    codes = control(0x20) + address(15) + [(0x2A, 0x7E)] + control(0x37, 0x11) + [(ord("A"), ord("A"))]
    codes += [*control(32, 18), (ord("O"), ord("u")), *control(37, 18), *control(47)]
    assert shown(sent(codes))[0][2] == "áñ♪AÁOü"


def test_extended_data_and_text_mode_are_no_captions() -> None:
    xds = [(0x01, 0x03), *letters("MOVIE"), (0x0F, 0x1D)]
    assert shown(sent(xds, field=2), channel="CC3") == []
    text_mode = control(0x2A) + letters("TELETEXT")
    assert shown(sent(text_mode + pop_on("CAPTION"))) == shown(sent(pop_on("CAPTION"), len(text_mode) / 30))


def test_a_segment_goes_on_with_what_is_shown() -> None:
    pairs = [*sent(pop_on("HELLO"), 1), *sent(clear(), 5)]
    whole = shown(pairs)
    parts = [
        one
        for start in range(0, 10, 2)
        for one in shown([p for p in pairs if p.time < (start + 2) * SECOND], start + 2, start)
    ]
    assert [text for *_, text in parts] == ["HELLO"] * 3
    assert (parts[0][0], parts[-1][1]) == whole[0][:2]
    assert all(before[1] == after[0] for before, after in itertools.pairwise(parts)), "without a gap"


PAIRS = st.lists(st.tuples(st.integers(0, 127), st.integers(0, 127)), max_size=60)


@given(PAIRS, st.sampled_from(["CC1", "CC2", "CC3", "CC4"]), st.integers(0, 3), st.integers(1, 4))
def test_no_bytes_break_it(codes: Codes, channel: CeaChannel, start: int, length: int) -> None:
    pairs = sent(codes) + sent(codes, field=2)
    cues = captions(sorted(pairs, key=lambda pair: pair.time), channel, start * SECOND, (start + length) * SECOND)
    assert all(start * SECOND <= cue.start < cue.end <= (start + length) * SECOND and cue.text.strip() for cue in cues)
    assert all("\n\n" not in cue.text for cue in cues)
