from __future__ import annotations

import json

import pytest
from google.cloud.video.live_stream_v1 import types
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from livedvr.api.aip.json_body import read_json, write_json
from livedvr.resources.errors import InvalidArgument

Channel, DvrSession, Input = types.Channel.pb(), types.DvrSession.pb(), types.Input.pb()

BODY = {
    "labels": {"show": "news"},
    "dvrManifests": [{"manifestKey": "hls"}],
    "dvrWindows": [{"timeInterval": {"startTime": "2026-11-21T10:00:00Z", "endTime": "2026-11-21T11:00:00.250Z"}}],
}


def read(body: object, kind: type = Channel, field: str = "channel"):  # type: ignore[no-untyped-def]
    message = kind()
    read_json(body if isinstance(body, bytes) else json.dumps(body).encode(), message, field=field)
    return message


def test_what_the_client_sends_is_read_as_protobuf_reads_it() -> None:
    assert read(BODY, DvrSession) == json_format.ParseDict(BODY, DvrSession())


@pytest.mark.parametrize("body", [b"", b" \n", b"{}"])
def test_an_empty_body_is_an_empty_message(body: bytes) -> None:
    assert read(body) == Channel()


@pytest.mark.parametrize(
    ("body", "same"),
    [
        ({"input_attachments": [{"key": "a"}]}, {"inputAttachments": [{"key": "a"}]}),
        ({"streamingState": "STREAMING"}, {"streamingState": 1}),
        ({"streamingState": 1.0}, {"streamingState": "1"}),
        ({"output": None, "labels": None}, {}),
        (
            {"retentionConfig": {"retentionWindowDuration": "90.500s"}},
            {"retention_config": {"retention_window_duration": "90.5s"}},
        ),
        ({"createTime": "2026-11-21T12:00:00+05:30"}, {"createTime": "2026-11-21T06:30:00.000Z"}),
        (
            {"elementaryStreams": [{"videoStream": {"h264": {"widthPixels": "1280", "frameRate": 25}}}]},
            {"elementaryStreams": [{"videoStream": {"h264": {"widthPixels": 1280.0, "frameRate": "25.0"}}}]},
        ),
        ({"timecodeConfig": {"timeZone": {"id": "Etc/UTC"}}}, {"timecode_config": {"time_zone": {"id": "Etc/UTC"}}}),
        (
            {"streamingError": {"code": 9, "details": [{"@type": "of/whatever"}]}},
            {"streamingError": {"code": 9, "details": [{}]}},
        ),
    ],
)
def test_two_ways_to_say_the_same(body: object, same: object) -> None:
    assert read(body) == read(same)


def test_what_is_set_and_empty_is_set() -> None:
    assert read({"output": {}}).HasField("output")


H264 = "elementary_streams[0].video_stream.h264"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"foo": 1}, "foo"),
        ({"elementaryStreams": [{}, {"foo": 1}]}, "elementary_streams[1].foo"),
        ({"labels": {"a": 1}}, "labels.a"),
        ({"labels": {"a": None}}, "labels.a"),
        ({"labels": ["a"]}, "labels"),
        ({"inputAttachments": {"key": "a"}}, "input_attachments"),
        ({"inputAttachments": [{"key": "a"}, {"key": 3}]}, "input_attachments[1].key"),
        ({"inputAttachments": [None]}, "input_attachments[0]"),
        ({"inputAttachments": ["a"]}, "input_attachments[0]"),
        ({"output": []}, "output"),
        ({"output": "gs://b"}, "output"),
        ({"name": "\ud800"}, "name"),
        ({"\ud800": 1}, "\\ud800"),
        ({"a\nb": 1}, "a\\nb"),
        ({"a" * 100: 1}, "a" * 77 + "..."),
        ({"labels": {"\ud800": "a"}}, "labels.\\ud800"),
        ({"streamingState": "X"}, "streaming_state"),
        ({"streamingState": 77}, "streaming_state"),
        ({"streamingState": True}, "streaming_state"),
        ({"manifests": [{"useTimecodeAsTimeline": "true"}]}, "manifests[0].use_timecode_as_timeline"),
        ({"createTime": "yesterday"}, "create_time"),
        ({"createTime": "2026-02-30T00:00:00Z"}, "create_time"),
        ({"createTime": "2026-11-21T10:00:00"}, "create_time"),
        ({"createTime": 5}, "create_time"),
        ({"retentionConfig": {"retentionWindowDuration": "1h"}}, "retention_config.retention_window_duration"),
        (
            {"retentionConfig": {"retentionWindowDuration": "999999999999s"}},
            "retention_config.retention_window_duration",
        ),
        ({"elementaryStreams": [{"videoStream": {"h264": {"widthPixels": 1.5}}}]}, f"{H264}.width_pixels"),
        ({"elementaryStreams": [{"videoStream": {"h264": {"widthPixels": 2**31}}}]}, f"{H264}.width_pixels"),
        ({"elementaryStreams": [{"videoStream": {"h264": {"widthPixels": "x"}}}]}, f"{H264}.width_pixels"),
        ({"elementaryStreams": [{"videoStream": {"h264": {"frameRate": "x"}}}]}, f"{H264}.frame_rate"),
        ({"elementaryStreams": [{"videoStream": {"h264": {"frameRate": 10**400}}}]}, f"{H264}.frame_rate"),
        ({"elementaryStreams": [{"videoStream": {"h264": {}, "h265": {}}}]}, "elementary_streams[0].video_stream.h265"),
        ({"input_attachments": [], "inputAttachments": []}, "input_attachments"),
        (b'{"name": "a", "name": "b"}', "name"),
        (b'{"labels": {"a": "1", "a": "2"}}', "labels.a"),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(body: object, path: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        read(body)
    assert refused.value.field == f"channel.{path}"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"name":\n "a",}', "line 2 column 6"),
        (b"{", "line 1 column 2"),
        (b"\xef\xbb\xbf{}", "line 1 column 1"),
        (b'{"name": "\xff"}', "byte 11 of the body is not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[]", "an array is no object"),
        (b"3", "3 is no object"),
        (b'{"name": NaN}', "a number that is none"),
        (b'{"name": ' + b"9" * 5000 + b"}", "a number that is none"),
    ],
)
def test_what_is_no_json_object_is_refused_with_the_place(body: bytes, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as refused:
        read(body)
    assert refused.value.field == "channel"


def test_without_a_field_the_paths_are_the_message_s_own() -> None:
    for body, path in ((b'{"foo": 1}', "foo"), (b"[]", "body")):
        with pytest.raises(InvalidArgument) as refused:
            read(body, field="")
        assert refused.value.field == path


def test_a_field_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(InvalidArgument, match=r"there is no field .* \(one of manifest_key, output_uri"):
        read({"dvrManifests": [{"manifest": "a"}]}, DvrSession)


def test_a_message_is_written_without_what_is_unset_and_enums_as_asked() -> None:
    session = DvrSession(name="a", state=4)
    assert write_json(session) == {"name": "a", "state": "LIVE"}
    assert write_json(session, enums_as_integers=True) == {"name": "a", "state": 4}


# What any client might send: the fields' names at wrong places, and any JSON.
NAMES = st.sampled_from([name for field in Channel.DESCRIPTOR.fields for name in (field.name, field.json_name)])
TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["20s", "STREAMING"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4),
    max_leaves=6,
)


@settings(max_examples=50)
@given(st.binary() | st.text().map(str.encode) | TREES.map(lambda tree: json.dumps(tree).encode()))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        message = read(body)
    except InvalidArgument as error:
        assert error.field is not None and error.field.startswith("channel")
        str(error).encode()
    else:
        assert read(write_json(message)) == message


@given(st.integers(-62135596800, 253402300799), st.integers(0, 999_999_999))
def test_any_time_that_is_written_is_read(seconds: int, nanos: int) -> None:
    channel = Channel()
    channel.create_time.seconds, channel.create_time.nanos = seconds, nanos
    assert read(write_json(channel)) == channel


@given(
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})", fullmatch=True
    )
)
def test_what_looks_like_a_time_is_read_or_refused(text: str) -> None:
    try:
        read({"createTime": text})
    except InvalidArgument as error:
        assert error.field == "channel.create_time"
