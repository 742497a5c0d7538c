from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from google.cloud.video.live_stream_v1 import types
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from livedvr.api.aip.filter_match import compile_filter
from livedvr.api.aip.filter_syntax import All, Comparison, Either, Not, Tree, parse_filter
from livedvr.resources.errors import InvalidArgument

Channel, DvrSession, Event = types.Channel.pb(), types.DvrSession.pb(), types.Event.pb()

A, B, C, D = (Comparison((name,), "=", "1") for name in "abcd")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("  ", None),
        ("a=1", A),
        (" a = '1' ", A),
        ('a="1" AND b=1', All((A, B))),
        ("a=1 b=1 AND c=1", All((A, B, C))),
        ("a=1 OR b=1", Either((A, B))),
        ("a=1 AND b=1 OR c=1", All((A, Either((B, C))))),
        ("a=1 OR b=1 AND c=1 OR d=1", All((Either((A, B)), Either((C, D))))),
        ("(a=1 AND b=1) OR c=1", Either((All((A, B)), C))),
        ("((a=1))", A),
        ("NOT a=1", Not(A)),
        ("-a=1", Not(A)),
        ("NOT (a=1 OR b=1)", Not(Either((A, B)))),
        ("a=1 AND NOT b=1 OR -(c=1)", All((A, Either((Not(B), Not(C)))))),
        ("a=1 AND(b=1)", All((A, B))),
        ("a.b.c>=1.5", Comparison(("a", "b", "c"), ">=", "1.5")),
        ("labels.livedvr-pin:true", Comparison(("labels", "livedvr-pin"), ":", "true")),
        ('labels."a b".\'c\' != "d"', Comparison(("labels", "a b", "c"), "!=", "d")),
        (r'a = "say \"so\" \\ "', Comparison(("a",), "=", 'say "so" \\ ')),
        ("a<2026-11-21T14:00:00.5Z", Comparison(("a",), "<", "2026-11-21T14:00:00.5Z")),
        ("a>-20s", Comparison(("a",), ">", "-20s")),
        ("a:*", Comparison(("a",), ":", "*")),
        ("a = news*", Comparison(("a",), "=", "news*")),
        ("ANDx=1 AND NOTx=1", All((Comparison(("ANDx",), "=", "1"), Comparison(("NOTx",), "=", "1")))),
    ],
)
def test_a_filter_is_read(text: str, tree: Tree | None) -> None:
    assert parse_filter(text) == tree


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("news", "a word alone .* at character 1 "),
        ('a=1 AND "news"', "a word alone .* at character 9 "),
        ("a=1 OR", "the name of a field is expected at character 7"),
        ("AND a=1", "the name of a field is expected at character 1"),
        ("a=", "a value is expected at character 3"),
        ("a=AND", "a value is expected at character 3"),
        ("a=1=2", "the name of a field is expected at character 4"),
        ('a="x', "the string is not closed at character 3"),
        ("a='x\\'", "the string is not closed at character 3"),
        ("(a=1", "a closing bracket is missing at character 5"),
        ("a=1)", r"'\)' is not expected at character 4"),
        ("()", "the name of a field is expected at character 2"),
        ("a:(1 OR 2)", "one value is expected at character 3"),
        ("size(a)=1", "functions are not offered at character 1"),
        ("a=1 AND has(b)", "functions are not offered at character 9"),
        ("NOT NOT a=1", "the name of a field is expected at character 5"),
        ("a..b=1", "the name of a field is expected at character 3"),
        ("(" * 33 + "a=1" + ")" * 33, "nested too deeply at character 33"),
        ("a=" + "x" * 4096, "too long .4096 characters"),
    ],
)
def test_what_is_no_filter_is_refused_with_the_place(text: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as refused:
        parse_filter(text)
    assert refused.value.field == "filter"


COMPARISONS = st.builds(
    Comparison,
    st.lists(st.sampled_from(["a", "create_time", "AND", "x-y"]) | st.text(max_size=4), min_size=1, max_size=3).map(
        tuple
    ),
    st.sampled_from(["=", "!=", "<", "<=", ">", ">=", ":"]),
    st.text(max_size=6),
)
TREES = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Either, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@given(TREES)
def test_a_tree_that_is_written_is_read_as_the_same_tree(tree: Tree) -> None:
    assert parse_filter(str(tree)) == tree


SESSION = json_format.ParseDict(
    {
        "name": "projects/p/locations/l/channels/c/dvrSessions/match-1",
        "createTime": "2026-11-21T10:00:00.5Z",
        "labels": {"show": "news at ten", "livedvr-pin": "true", "a.b": ""},
        "state": "LIVE",
        "dvrManifests": [{"manifestKey": "hls"}, {"manifestKey": "dash"}],
        "dvrWindows": [{"timeInterval": {"startTime": "2026-11-21T10:00:00Z"}}],
    },
    DvrSession(),
)
CHANNEL = json_format.ParseDict(
    {
        "output": {"uri": "gs://bucket/live"},
        "retentionConfig": {"retentionWindowDuration": "90.5s"},
        "elementaryStreams": [{"key": "v", "videoStream": {"h264": {"widthPixels": 1280, "frameRate": 29.97}}}],
        "manifests": [
            {"key": "hls", "maxSegmentCount": 5},
            {"useTimecodeAsTimeline": True, "segmentKeepDuration": "60s"},
        ],
    },
    Channel(),
)
EVENT = json_format.ParseDict({"executeNow": True, "adBreak": {"duration": "20s"}, "mute": None}, Event())


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        # enums, by name
        ("state = LIVE", True),
        ('state = "FINISHED"', False),
        ("state != FINISHED", True),
        ("state:LIVE", True),
        ("state = LIVE AND NOT state = LIVE", False),
        ("state = FINISHED OR state = LIVE", True),
        ("-state = FINISHED", True),
        # strings
        ('name = "*match-1"', True),
        ("name = *match*", True),
        ("name = projects/*/dvrSessions/*-1", True),
        ("name = match*", False),
        ("name != *match-1", False),
        ("name > projects", True),
        ("name < projects", False),
        # times, as times
        ("create_time > 2026-11-21T10:00:00Z", True),
        ('createTime = "2026-11-21T12:00:00.500+02:00"', True),
        ("create_time >= 2026-11-21T10:00:00.500000001Z", False),
        ("create_time:*", True),
        # keys of maps
        ('labels.show = "news at ten"', True),
        ("labels.show = news*", True),
        ("labels.show != sport", True),
        ("labels:show", True),
        ("labels:shows", False),
        ("labels:livedvr-pin", True),
        ("labels.show:*", True),
        ("labels.none:*", False),
        ("labels.none = x", False),
        ("labels.none != x", True),
        ('labels."a.b" = ""', True),
        ("labels:*", True),
        # repeated fields, by has
        ("dvr_manifests.manifest_key:dash", True),
        ("dvrManifests.manifestKey:d*", True),
        ("dvr_manifests.manifest_key:x", False),
        ("dvr_windows.time_interval.start_time:*", True),
        ("dvr_windows.time_interval.end_time:*", False),
        ("dvr_windows:*", True),
        # what is not there
        ("update_time < 2030-01-01T00:00:00Z", False),
        ("update_time != 2030-01-01T00:00:00Z", True),
        ("update_time:*", False),
        ("error.code = 0", False),
        ("error.code != 0", True),
        ("NOT error.code = 0", True),
        ("error:*", False),
    ],
)
def test_what_a_filter_means_for_a_session(text: str, matches: bool) -> None:
    assert compile_filter(text, DvrSession.DESCRIPTOR)(SESSION) is matches


@pytest.mark.parametrize(
    ("message", "text", "matches"),
    [
        (CHANNEL, "output.uri = gs://bucket/*", True),
        (CHANNEL, "output:uri", True),
        (CHANNEL, "logConfig:logSeverity", False),
        (CHANNEL, "retention_config.retention_window_duration > 90s", True),
        (CHANNEL, "retention_config.retention_window_duration = 90.500s", True),
        (CHANNEL, "elementary_streams.video_stream.h264.width_pixels:1280", True),
        (CHANNEL, "elementary_streams.video_stream.h264.width_pixels:1280.5", False),
        (CHANNEL, "elementary_streams.video_stream.h264.frame_rate:29.97", False),  # as a float it is another number
        (CHANNEL, "manifests.max_segment_count:5", True),
        (CHANNEL, "manifests.useTimecodeAsTimeline:true", True),
        (CHANNEL, "manifests.segment_keep_duration:60s", True),
        (CHANNEL, "manifests:key", True),
        (EVENT, "execute_now = true", True),
        (EVENT, "execute_now != true", False),
        (EVENT, "ad_break.duration <= 20s", True),
        (EVENT, "mute.duration <= 20s", False),
        (EVENT, "ad_break:*", True),
    ],
)
def test_what_a_filter_means_for_others(message: object, text: str, matches: bool) -> None:
    assert compile_filter(text, message.DESCRIPTOR)(message) is matches  # type: ignore[attr-defined,arg-type]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("foo = 1", "there is no field 'foo' at character 1 .one of name, create_time"),
        ("state = LIVE AND error.foo = 1", "there is no field 'error.foo' at character 18 .one of code"),
        ("state = live", "'live' is no State at character 1 .one of STATE_UNSPECIFIED, PENDING"),
        ("state = 4", "'4' is no State"),
        ("state > LIVE", "state has no order at character 1"),
        ("create_time > yesterday", "'yesterday' is no time at character 1 .write 2026"),
        ("error.code = x", "'x' is no number"),
        ("error.code = 1e9999", "no number"),
        ("name.foo = 1", "name has no fields"),
        ("create_time.seconds = 1", "create_time has no fields"),
        ("error = 1", "error is a message at character 1 .one of code"),
        ("error:foo", "there is no field"),
        ("labels = x", "labels is a map at character 1 .labels.key = "),
        ("labels.a.b = x", "labels is a map"),
        ("dvr_manifests.manifest_key = hls", "dvr_manifests is repeated at character 1"),
        ("dvr_manifests.foo:hls", "there is no field"),
        ("error.details.type_url:x", "details cannot be filtered by"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_place(text: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as refused:
        compile_filter(text, DvrSession.DESCRIPTOR)
    assert refused.value.field == "filter"


def test_a_boolean_is_true_or_false() -> None:
    with pytest.raises(InvalidArgument, match="'1' is no boolean"):
        compile_filter("execute_now = 1", Event.DESCRIPTOR)


def test_many_wildcards_take_no_time() -> None:
    session = DvrSession(name="a" * 50_000)
    began = time.process_time()
    assert not compile_filter("name = " + "*a" * 1000 + "*b*", DvrSession.DESCRIPTOR)(session)
    assert time.process_time() - began < 1  # by backtracking: longer than anybody waits


WORDS = st.sampled_from(
    [
        *"()=:<>.-*\"' ",
        "AND ",
        "OR ",
        "NOT ",
        "!=",
        "state",
        "LIVE",
        "labels",
        "create_time",
        "dvr_windows",
        "error",
        "code",
        "1",
    ]
)


@given(st.text() | st.lists(WORDS).map("".join))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        matches = compile_filter(text, DvrSession.DESCRIPTOR)
    except InvalidArgument as error:
        assert error.field == "filter"
    else:
        assert matches(SESSION) in (True, False)
        assert matches(DvrSession()) in (True, False)


@given(st.text(alphabet="ab*", max_size=6), st.text(alphabet="ab", max_size=6))
def test_a_wildcard_stands_for_anything(pattern: str, name: str) -> None:
    def like(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(like(pattern[1:], text[i:]) for i in range(len(text) + 1))
        return text[:1] == pattern[0] and like(pattern[1:], text[1:])

    matches = compile_filter(f'name = "{pattern}"', DvrSession.DESCRIPTOR)
    assert matches(DvrSession(name=name)) is like(pattern, name)


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1))
)
def test_times_are_compared_as_times(given_: datetime, asked: datetime) -> None:
    session = DvrSession()
    session.create_time.FromDatetime(given_)
    text = asked.replace(tzinfo=UTC).isoformat()
    assert compile_filter(f'create_time < "{text}"', DvrSession.DESCRIPTOR)(session) is (given_ < asked)
