from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livedvr.hls.attributes import format_attributes, is_type, parse_attributes, quoted

names = st.text("ABCXYZ019-", min_size=1, max_size=12)
words = st.text(st.characters(blacklist_characters='",', min_codepoint=33, max_codepoint=0x2000), min_size=1).filter(
    lambda word: not any(letter.isspace() for letter in word)
)
strings = st.text(st.characters(blacklist_characters='"\r\n', blacklist_categories=["Cs"])).map(quoted)


@given(st.dictionaries(names, words | strings))
def test_what_is_written_is_read(values: dict[str, str]) -> None:
    read = parse_attributes(format_attributes(values))
    assert read == values
    assert read.problems == ()


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    read = parse_attributes(text)
    assert all(is_type("quoted-string", value) or value for value in read.values())


def test_quotes_tell_strings_from_words() -> None:
    read = parse_attributes('BANDWIDTH=1280000,CODECS="avc1.64001f,mp4a.40.2",FRAME-RATE=29.970,DEFAULT=YES,NAME=""')
    assert read["CODECS"] == '"avc1.64001f,mp4a.40.2"'
    assert read.text("CODECS") == "avc1.64001f,mp4a.40.2"
    assert read.text("NAME") == ""
    assert (read["DEFAULT"], read.text("DEFAULT")) == ("YES", "YES")
    assert read.number("FRAME-RATE") == Fraction(29970, 1000)
    assert read.number("CODECS") is None
    assert (read.text("ABSENT"), read.number("ABSENT")) == (None, None)
    assert read.problems == ()


@pytest.mark.parametrize(
    ("text", "values", "problem"),
    [
        ("A=1, B=2", {"A": "1", "B": "2"}, "white space around 'B=2'"),
        ("A=1,,B=2", {"A": "1", "B": "2"}, "'' is not NAME=value"),
        (",A=1", {"A": "1"}, "'' is not NAME=value"),
        ("A=1,", {"A": "1"}, "'' is not NAME=value"),
        ("a=1", {}, "'a=1' is not NAME=value"),
        ("A", {}, "'A' is not NAME=value"),
        ("A=", {}, "the value of A is no quoted string and no single word: nothing"),
        ('A="open,B=2', {}, 'the value of A is no quoted string and no single word: "open,B=2'),
        ("A=1,A=2", {"A": "1"}, "A stands twice"),
    ],
)
def test_a_broken_list_is_read_as_far_as_it_goes(text: str, values: dict[str, str], problem: str) -> None:
    read = parse_attributes(text)
    assert read == values
    assert read.problems == (problem,)


@pytest.mark.parametrize(("name", "value"), [("a", "1"), ("A", ""), ("A", "two words"), ("A", '"'), ("A", "1,2")])
def test_what_cannot_stand_in_a_list_is_not_written(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="cannot stand"):
        format_attributes({name: value})


@pytest.mark.parametrize("text", ['a"b', "a\nb", "a\rb"])
def test_what_has_no_escape_is_not_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="quoted-string"):
        quoted(text)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("decimal-integer", "18446744073709551615", "-1"),
        ("hexadecimal-sequence", "0x9C7DB8778570D05C", "9C7D"),
        ("decimal-floating-point", "4.08", "-4.08"),
        ("signed-decimal-floating-point", "-4.08", "+4.08"),
        ("quoted-string", '"a,b"', "a"),
        ("enumerated-string", "TYPE-0", '"YES"'),
        ("decimal-resolution", "1920x1080", "1920X1080"),
    ],
)
def test_types(kind: str, good: str, bad: str) -> None:
    assert is_type(kind, good)
    assert not is_type(kind, bad)
