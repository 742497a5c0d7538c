from __future__ import annotations

import pytest
from google.cloud.video.live_stream_v1 import types
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from livedvr.api.aip.mask import apply_mask, read_mask
from livedvr.resources.errors import InvalidArgument

Channel = types.Channel.pb()
PATCHABLE = (
    "input_attachments",
    "output",
    "log_config",
    "retention_config",
    "labels",
    "input_config.input_switch_mode",
)
OUTPUT_ONLY = ("create_time", "update_time", "streaming_state", "streaming_error")

CURRENT = {
    "name": "c",
    "createTime": "2026-11-21T10:00:00Z",
    "streamingState": "STREAMING",
    "labels": {"show": "news", "livedvr-pin": "true"},
    "inputAttachments": [{"key": "a"}, {"key": "b"}],
    "output": {"uri": "gs://bucket/a"},
    "retentionConfig": {"retentionWindowDuration": "60s"},
    "inputConfig": {"inputSwitchMode": "MANUAL"},
    "manifests": [{"key": "hls"}],
}


def channel(fields: dict[str, object]):  # type: ignore[no-untyped-def]
    return json_format.ParseDict(fields, Channel())


def patched(patch: dict[str, object], *paths: str):  # type: ignore[no-untyped-def]
    return apply_mask(channel(CURRENT), channel(patch), paths, patchable=PATCHABLE, output_only=OUTPUT_ONLY)


@pytest.mark.parametrize(
    ("patch", "paths", "changed"),
    [
        # no mask: what the patch has
        ({"output": {"uri": "gs://b"}}, (), {"output": {"uri": "gs://b"}}),
        ({"labels": {"a": "1"}}, (), {"labels": {"a": "1"}}),
        ({}, (), {}),
        ({**CURRENT, "output": {"uri": "gs://b"}}, (), {"output": {"uri": "gs://b"}}),
        ({"name": "other", "streamingState": "STOPPED"}, (), {}),
        ({"inputConfig": {"inputSwitchMode": 1}}, (), {"inputConfig": {"inputSwitchMode": 1}}),
        # a mask: what it names, unset when the patch has it not
        ({"output": {"uri": "gs://b"}, "labels": {}}, ("output",), {"output": {"uri": "gs://b"}}),
        ({}, ("output",), {"output": None}),
        ({}, ("output.uri",), {"output": {}}),
        ({"output": {"uri": "gs://b"}}, ("output.uri",), {"output": {"uri": "gs://b"}}),
        ({"inputAttachments": [{"key": "c"}]}, ("inputAttachments",), {"inputAttachments": [{"key": "c"}]}),
        ({}, ("input_attachments",), {"inputAttachments": []}),
        ({}, ("log_config.log_severity",), {}),
        ({"logConfig": {"logSeverity": 200}}, ("logConfig.logSeverity",), {"logConfig": {"logSeverity": 200}}),
        ({"retentionConfig": {}}, ("retention_config",), {"retentionConfig": {}}),
        ({}, ("inputConfig.inputSwitchMode",), {"inputConfig": {}}),
        # keys of maps
        ({"labels": {"show": "sport"}}, ("labels.show",), {"labels": {"show": "sport", "livedvr-pin": "true"}}),
        ({}, ("labels.livedvr-pin",), {"labels": {"show": "news"}}),
        ({}, ("labels.none",), {}),
        ({"labels": {"a.b": "1"}}, ("labels.`a.b`",), {"labels": {**CURRENT["labels"], "a.b": "1"}}),  # type: ignore[dict-item]
        ({}, ("labels",), {"labels": {}}),
        # ours: left alone, whoever names it
        ({"streamingState": "STOPPED"}, ("streaming_state", "createTime", "name", "streaming_error.code"), {}),
        # all of it
        (
            {"output": {"uri": "gs://b"}},
            ("*",),
            {
                "output": {"uri": "gs://b"},
                "labels": {},
                "inputAttachments": [],
                "retentionConfig": None,
                "inputConfig": {},
            },
        ),
    ],
)
def test_an_update_makes_of_a_resource(
    patch: dict[str, object], paths: tuple[str, ...], changed: dict[str, object]
) -> None:
    assert patched(patch, *paths) == channel({**CURRENT, **changed})


@pytest.mark.parametrize(
    ("patch", "path", "says"),
    [
        ({}, "foo", "'foo' does not exist .one of name, "),
        ({}, "output.foo", "'output.foo' does not exist .one of uri"),
        ({}, "input_attachments[0]", "does not exist"),
        ({}, "input_attachments.0.key", "leads into a repeated field .input_attachments is replaced as a whole"),
        ({}, "inputAttachments.*.key", "leads into a repeated field"),
        ({}, "labels.a.b", "leads into a map's value"),
        ({}, "name.x", "leads into a single value"),
        ({}, "createTime.seconds", "leads into a single value"),
        (
            {},
            "manifests",
            "manifests cannot be changed .what can be: input_attachments, input_config.input_switch_mode, ",
        ),
        ({}, "input_config", "input_config cannot be changed"),
        ({}, "", "is no path"),
        ({}, "output.", "is no path"),
        ({}, ".output", "is no path"),
        ({}, "a..b", "is no path|does not exist"),
        ({}, "labels.`", "is no path"),
    ],
)
def test_a_path_that_cannot_be_is_refused(patch: dict[str, object], path: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as refused:
        patched(patch, path)
    assert refused.value.field == "update_mask"


@pytest.mark.parametrize("paths", [(), ("*",)])
def test_another_value_for_what_is_fixed_is_refused_and_the_same_is_not(paths: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgument, match="manifests cannot be changed"):
        patched({"manifests": [{"key": "dash"}]}, *paths)
    assert patched({**CURRENT, "labels": {}}, "*").labels == {}


def test_a_star_stands_alone() -> None:
    with pytest.raises(InvalidArgument, match="stands alone"):
        patched({}, "*", "labels")


def test_neither_resource_is_touched() -> None:
    current, patch = channel(CURRENT), channel({"labels": {"a": "1"}})
    apply_mask(current, patch, ["labels"], patchable=PATCHABLE).labels["b"] = "2"
    assert (current, patch) == (channel(CURRENT), channel({"labels": {"a": "1"}}))


PATHS = st.lists(
    st.sampled_from(["labels", "output", "uri", "*", "inputAttachments", "0", "key", "name", "`a.b`", "logConfig"])
    | st.text(max_size=4),
    min_size=1,
    max_size=3,
).map(".".join)


@given(st.lists(PATHS, max_size=3))
def test_any_mask_is_applied_or_refused(paths: list[str]) -> None:
    try:
        read = read_mask(",".join(paths), Channel.DESCRIPTOR)
        patched({"labels": {"a": "1"}}, *read)
    except InvalidArgument as error:
        assert error.field == "update_mask"


@given(st.sampled_from(PATCHABLE), st.dictionaries(st.text(max_size=3), st.text(max_size=3)))
def test_a_mask_that_is_read_means_the_same_when_it_is_read_again(path: str, labels: dict[str, str]) -> None:
    keys = [f"labels.`{key}`" for key in labels if key and not set(key) & set("`,") and key == key.strip()]
    read = read_mask(",".join([path, *keys]), Channel.DESCRIPTOR)
    assert read_mask(",".join(read), Channel.DESCRIPTOR) == read
    assert patched({"labels": labels}, *read) == patched({"labels": labels}, path, *keys)
