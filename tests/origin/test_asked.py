from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import T0, window
from livedvr.origin.asked import Asked, Directives, read_asked, read_directives
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.times import SECOND
from livedvr.timeline.segment import Window


def asked(query: str, *, relative: bool = True) -> Asked:
    return read_asked(parse_qsl(query, keep_blank_values=True), T0, relative=relative)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", Asked(None)),
        ("delay=0", Asked(None)),
        ("delay=30", Asked(None, 30 * SECOND)),
        ("delay=1m30s&_HLS_msn=7&_HLS_report=x", Asked(None, 90 * SECOND)),
        ("start=-10m", Asked(window(-600, None))),
        ("start=-10m&end=now", Asked(window(-600, 0))),
        ("start=2026-11-21T02:00:05Z&end=%2B1h", Asked(window(5, 3600))),
        ("start=2026-11-21T03:00:05%2B01:00", Asked(window(5, None))),
        ("start=2026-11-21T03:00:05+01:00", Asked(window(5, None))),  # an unescaped plus is a space
        ("start=now&manifest=hd&target=6", Asked(window(0, None), 0, "hd", 6)),
    ],
)
def test_what_a_query_asks_for(query: str, expected: Asked) -> None:
    assert asked(query) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("begin=now", "begin"),
        ("start=now&start=-1m", "start"),
        ("start=now&delay=3", "delay"),
        ("end=now", "start"),
        ("start=now&end=-1s", "end"),
        ("start=now&end=now", "end"),
        ("start=yesterday", "start"),
        ("start=", "start"),
        ("start=2026-11-21T02:00:00", "start"),
        ("start=-10m&end=later", "end"),
        ("delay=-3", "delay"),
        ("delay=soon", "delay"),
        ("delay=", "delay"),
        ("target=0", "target"),
        ("target=99999", "target"),
        ("target=x", "target"),
    ],
)
def test_what_cannot_be_asked_names_the_parameter(query: str, field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        asked(query)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "query", ["start=-10m", "start=now", "start=2026-11-21T02:00:00Z&end=%2B1m", "start=-1m&end=now"]
)
def test_a_media_playlist_takes_no_relative_time(query: str) -> None:
    with pytest.raises(InvalidArgument, match="another time at each reload"):
        asked(query, relative=False)


micros = st.integers(T0, T0 + 10**15)


@given(
    st.one_of(
        st.builds(
            lambda delay, target: Asked(None, delay, "main", target), st.integers(0, 10**12), st.integers(1, 3600)
        ),
        st.builds(
            lambda start, length: Asked(Window(start, start + length), 0, "a_b-C", 6), micros, st.integers(1, 10**12)
        ),
        st.builds(lambda start: Asked(Window(start, None), 0, "x", 2), micros),
    )
)
def test_main_names_for_its_media_playlists_what_it_was_asked_for(made: Asked) -> None:
    assert asked(made.query.removeprefix("?"), relative=False) == made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", Directives()),
        ("_HLS_msn=7", Directives(7)),
        ("_HLS_msn=7&_HLS_part=3", Directives(7)),
        ("_HLS_skip=YES", Directives(None, True)),
        ("_HLS_msn=0&_HLS_skip=v2", Directives(0, True)),
        ("_HLS_skip=no", Directives()),
    ],
)
def test_directives(query: str, expected: Directives) -> None:
    assert read_directives(parse_qsl(query)) == expected


@pytest.mark.parametrize(
    ("query", "field"), [("_HLS_msn=-1", "_HLS_msn"), ("_HLS_msn=x", "_HLS_msn"), ("_HLS_part=1", "_HLS_part")]
)
def test_directives_that_cannot_be(query: str, field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        read_directives(parse_qsl(query))
    assert refused.value.field == field
