"""Requests that are refused, and what each is answered: tests/api/test_bad_input.py sends them through both doors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from serving import HERE

C = f"{HERE}/channels/c"
BARE = f"{HERE}/channels/bare"
STARTED = f"{HERE}/channels/started"
UUID = "6f1c8d5e-0b0c-4f3f-9f5e-1f2d3c4b5a69"

INVALID, PRECONDITION, NOT_FOUND = "INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND"
EXISTS, UNIMPLEMENTED, DENIED = "ALREADY_EXISTS", "UNIMPLEMENTED", "PERMISSION_DENIED"


def window(start: str | None, end: str | None) -> dict[str, Any]:
    given = {"startTime": start and f"2099-01-01T{start}Z", "endTime": end and f"2099-01-01T{end}Z"}
    return {"timeInterval": {key: value for key, value in given.items() if value}}


def create_session(*windows: Any, key: str | None = "hls", parent: str = C, name: str = "new") -> dict[str, Any]:
    session = {"dvrManifests": [{"manifestKey": key}] if key is not None else [], "dvrWindows": list(windows)}
    return {"parent": parent, "dvrSessionId": name, "dvrSession": session}


def channel(**changed: Any) -> dict[str, Any]:
    """A channel that could be created, but for what is ``changed`` in it (None: is not there)."""
    segments = {"segmentDuration": "2s"}
    body = {
        "inputAttachments": [{"key": "one", "input": f"{HERE}/inputs/in"}],
        "output": {"uri": "gs://bucket/new"},
        "elementaryStreams": [{"key": "v", "videoStream": {}}, {"key": "a", "audioStream": {"transmux": True}}],
        "muxStreams": [
            {"key": "mv", "elementaryStreams": ["v"], "segmentSettings": segments},
            {"key": "ma", "elementaryStreams": ["a"], "segmentSettings": segments},
        ],
        "manifests": [{"key": "hls", "type": "HLS", "muxStreams": ["mv", "ma"]}],
        "retentionConfig": {"retentionWindowDuration": "3600s"},
    }
    return {key: value for key, value in {**body, **changed}.items() if value is not None}


def create_channel(name: str = "new", **changed: Any) -> dict[str, Any]:
    return {"parent": HERE, "channelId": name, "channel": channel(**changed)}


def create_input(name: str = "new", **given: Any) -> dict[str, Any]:
    return {"parent": HERE, "inputId": name, "input": {"type": "RTMP_PUSH", **given}}


def create_event(name: str = "new", **given: Any) -> dict[str, Any]:
    return {"parent": C, "eventId": name, "event": given}


def patch(mask: str | None, **given: Any) -> dict[str, Any]:
    request = {"dvrSession": {"name": f"{C}/dvrSessions/d", **given}}
    return {**request, "updateMask": mask} if mask is not None else request


@dataclass(frozen=True)
class Row:
    """A request, as protobuf's JSON of the whole request message, and what it is answered."""

    rpc: str
    request: dict[str, Any]
    status: str
    field: str | None

    def __str__(self) -> str:
        return f"{self.rpc}-{self.status}-{self.field}"


def row(rpc: str, request: dict[str, Any], status: str, field: str | None) -> Row:
    return Row(rpc, request, status, field)


SESSION, EVENT = "dvr_session", "event"
WINDOWS = f"{SESSION}.dvr_windows"
LONG = "a" * 64

TABLE = [
    # ids and names
    *(row("CreateInput", create_input(bad), INVALID, "input_id") for bad in ("", "A", "a_b", "-a", "a-", LONG, "é")),
    *(row("CreateChannel", create_channel(bad), INVALID, "channel_id") for bad in ("", "A", LONG)),
    *(
        row("CreateDvrSession", create_session(window("01:00:00", None), name=bad), INVALID, f"{SESSION}_id")
        for bad in ("", "A", LONG)
    ),
    row("CreateEvent", create_event("A", executeNow=True), INVALID, "event_id"),
    row("CreateInput", create_input("in"), EXISTS, "input_id"),
    row("CreateChannel", create_channel("c"), EXISTS, "channel_id"),
    row("CreateDvrSession", create_session(window("01:00:00", None), name="d"), EXISTS, f"{SESSION}_id"),
    row("GetInput", {"name": f"{HERE}/inputs/nobody"}, NOT_FOUND, "name"),
    row("GetChannel", {"name": f"{HERE}/channels/nobody"}, NOT_FOUND, "name"),
    row("GetDvrSession", {"name": f"{C}/dvrSessions/nobody"}, NOT_FOUND, "name"),
    row("GetDvrSession", {"name": f"{HERE}/channels/nobody/dvrSessions/d"}, NOT_FOUND, "name"),
    row("GetEvent", {"name": f"{C}/events/nobody"}, NOT_FOUND, "name"),
    row("GetAsset", {"name": f"{HERE}/assets/nobody"}, NOT_FOUND, "name"),
    row("GetPool", {"name": f"{HERE}/pools/other"}, NOT_FOUND, "name"),
    row("GetOperation", {"name": f"{HERE}/operations/nobody"}, NOT_FOUND, "name"),
    row("GetInput", {"name": f"{HERE}/inputs/-"}, INVALID, "name"),
    row("GetChannel", {"name": f"{HERE}/channels/{LONG}"}, INVALID, "name"),
    row("GetChannel", {"name": f"{HERE}/channels/{'é' * 1500}"}, INVALID, "name"),
    row("ListEvents", {"parent": f"{HERE}/channels/nobody"}, NOT_FOUND, "parent"),
    row(
        "CreateDvrSession",
        create_session(window("01:00:00", None), parent=f"{HERE}/channels/nobody"),
        NOT_FOUND,
        "parent",
    ),
    # windows
    row("CreateDvrSession", create_session(), INVALID, WINDOWS),
    row("CreateDvrSession", create_session({}), INVALID, f"{WINDOWS}[0].time_interval"),
    row(
        "CreateDvrSession",
        create_session(window("02:00:00", "01:00:00")),
        INVALID,
        f"{WINDOWS}[0].time_interval.end_time",
    ),
    row(
        "CreateDvrSession",
        create_session(window("01:00:00", "01:00:00")),
        INVALID,
        f"{WINDOWS}[0].time_interval.end_time",
    ),
    row(
        "CreateDvrSession",
        create_session(window("01:00:00", "02:00:00"), window("01:30:00", "03:00:00")),
        INVALID,
        f"{WINDOWS}[1].time_interval.start_time",
    ),
    row(
        "CreateDvrSession",
        create_session(window("03:00:00", "04:00:00"), window("01:00:00", "02:00:00")),
        INVALID,
        f"{WINDOWS}[1].time_interval.start_time",
    ),
    row(
        "CreateDvrSession",
        create_session(window("01:00:00", "02:00:00"), window(None, "03:00:00")),
        INVALID,
        f"{WINDOWS}[1].time_interval.start_time",
    ),
    row(
        "CreateDvrSession",
        create_session(window("01:00:00", None), window("02:00:00", "03:00:00")),
        INVALID,
        f"{WINDOWS}[0].time_interval.end_time",
    ),
    row(
        "CreateDvrSession",
        create_session(*(window(f"01:{i // 60:02}:{i % 60:02}", f"01:{i // 60:02}:{i % 60:02}.5") for i in range(101))),
        INVALID,
        WINDOWS,
    ),
    # manifests and retention
    row(
        "CreateDvrSession",
        create_session(window("01:00:00", None), key="dash"),
        INVALID,
        f"{SESSION}.dvr_manifests[0].manifest_key",
    ),
    row(
        "CreateDvrSession",
        create_session(window("01:00:00", None), key=""),
        INVALID,
        f"{SESSION}.dvr_manifests[0].manifest_key",
    ),
    row("CreateDvrSession", create_session(window("01:00:00", None), key=None), INVALID, f"{SESSION}.dvr_manifests"),
    row(
        "CreateDvrSession",
        {
            "parent": C,
            "dvrSessionId": "new",
            "dvrSession": {"dvrManifests": [{"manifestKey": "hls"}] * 2, "dvrWindows": [window("01:00:00", None)]},
        },
        INVALID,
        f"{SESSION}.dvr_manifests",
    ),
    row(
        "CreateDvrSession",
        create_session(window("01:00:00", None), parent=BARE),
        PRECONDITION,
        "channel.retention_config.retention_window_duration",
    ),
    # masks
    row("UpdateDvrSession", patch(None, labels={"a": "b"}), INVALID, "update_mask"),
    row("UpdateDvrSession", patch("dvrWindows"), INVALID, WINDOWS),
    row("UpdateDvrSession", patch("dvrManifests", dvrManifests=[{"manifestKey": "hls"}]), INVALID, "update_mask"),
    row(
        "UpdateDvrSession",
        {"dvrSession": {"name": f"{C}/dvrSessions/nobody"}, "updateMask": "labels"},
        NOT_FOUND,
        "dvr_session.name",
    ),
    row(
        "UpdateInput",
        {"input": {"name": f"{HERE}/inputs/in", "type": "SRT_PUSH"}, "updateMask": "type"},
        INVALID,
        "update_mask",
    ),
    row("UpdateInput", {"input": {"name": f"{HERE}/inputs/nobody"}, "updateMask": "labels"}, NOT_FOUND, "input.name"),
    row(
        "UpdateChannel",
        {"channel": {"name": f"{HERE}/channels/nobody"}, "updateMask": "labels"},
        NOT_FOUND,
        "channel.name",
    ),
    row("UpdateChannel", {"channel": {"name": C}, "updateMask": "output"}, INVALID, "channel.output.uri"),
    # pages
    row("ListChannels", {"parent": HERE, "pageToken": "stale"}, INVALID, "page_token"),
    row("ListChannels", {"parent": HERE, "pageSize": -1}, INVALID, "page_size"),
    row("ListChannels", {"parent": HERE, "filter": "state ="}, INVALID, "filter"),
    row("ListChannels", {"parent": HERE, "filter": "nobody = 1"}, INVALID, "filter"),
    row("ListChannels", {"parent": HERE, "orderBy": "nobody"}, INVALID, "order_by"),
    row("ListDvrSessions", {"parent": C, "pageToken": "stale"}, INVALID, "page_token"),
    row("ListDvrSessions", {"parent": C, "pageSize": -1}, INVALID, "page_size"),
    row("ListOperations", {"name": HERE, "pageSize": -1}, INVALID, "page_size"),
    row("ListOperations", {"name": HERE, "pageToken": "stale"}, INVALID, "page_token"),
    # request ids
    row("CreateInput", {**create_input(), "requestId": "no uuid"}, INVALID, "request_id"),
    row("CreateInput", {**create_input(), "requestId": "00000000-0000-0000-0000-000000000000"}, INVALID, "request_id"),
    row("CreateInput", {**create_input(), "requestId": UUID}, INVALID, "request_id"),  # it was another input's
    row("StartChannel", {"name": C, "requestId": "no uuid"}, INVALID, "request_id"),
    # outputs and inputs of channels
    *(
        row("CreateChannel", create_channel(output={"uri": uri}), INVALID, "channel.output.uri")
        for uri in (
            "",
            "gs://bucket/../c",
            "gs://bucket/a/../../c",
            "/etc/livedvr",
            "file:///etc",
            "http://host/x",
            "gs://",
            "bucket",
        )
    ),
    row("CreateChannel", create_channel(output=None), INVALID, "channel.output.uri"),
    row("CreateChannel", create_channel(output={"uri": "gs://bucket/c"}), PRECONDITION, "channel.output.uri"),
    row("CreateChannel", create_channel(inputAttachments=None), INVALID, "channel.input_attachments"),
    row(
        "CreateChannel",
        create_channel(inputAttachments=[{"key": "one", "input": f"{HERE}/inputs/nobody"}]),
        NOT_FOUND,
        "channel.input_attachments[0].input",
    ),
    row(
        "CreateChannel",
        create_channel(inputAttachments=[{"key": "one", "input": "projects/p/locations/other/inputs/in"}]),
        INVALID,
        "channel.input_attachments[0].input",
    ),
    row(
        "CreateChannel",
        create_channel(inputAttachments=[{"input": f"{HERE}/inputs/in"}]),
        INVALID,
        "channel.input_attachments[0].key",
    ),
    # what a channel is made of
    row("CreateChannel", create_channel(elementaryStreams=[{"key": "v"}]), INVALID, "channel.elementary_streams[0]"),
    row(
        "CreateChannel",
        create_channel(elementaryStreams=[{"key": "v", "videoStream": {"h264": {"widthPixels": 321}}}]),
        INVALID,
        "channel.elementary_streams[0].video_stream.h264.width_pixels",
    ),
    row(
        "CreateChannel",
        create_channel(elementaryStreams=[{"key": "a", "audioStream": {"codec": "aac"}}]),
        INVALID,
        "channel.elementary_streams[0].audio_stream.bitrate_bps",
    ),
    row(
        "CreateChannel",
        create_channel(
            elementaryStreams=[{"key": "a", "audioStream": {"transmux": True, "mapping": [{"inputKey": "nobody"}]}}]
        ),
        INVALID,
        "channel.elementary_streams[0].audio_stream.mapping[0].input_key",
    ),
    row(
        "CreateChannel",
        create_channel(muxStreams=[{"key": "m", "container": "avi", "elementaryStreams": ["v"]}]),
        INVALID,
        "channel.mux_streams[0].container",
    ),
    row(
        "CreateChannel",
        create_channel(
            muxStreams=[{"key": "m", "elementaryStreams": ["v"], "segmentSettings": {"segmentDuration": "1s"}}]
        ),
        INVALID,
        "channel.mux_streams[0].segment_settings.segment_duration",
    ),
    row("CreateChannel", create_channel(manifests=[{"type": "HLS"}]), INVALID, "channel.manifests[0].mux_streams"),
    row(
        "CreateChannel", create_channel(manifests=[{"muxStreams": ["mv", "ma"]}]), INVALID, "channel.manifests[0].type"
    ),
    row(
        "CreateChannel",
        create_channel(manifests=[{"type": "HLS", "muxStreams": ["mv"], "maxSegmentCount": 2}]),
        INVALID,
        "channel.manifests[0].max_segment_count",
    ),
    # what livedvr does not do is refused by name
    row(
        "CreateChannel",
        create_channel(manifests=[{"key": "dash", "type": "DASH", "muxStreams": ["mv", "ma"]}]),
        UNIMPLEMENTED,
        "channel.manifests[0].type",
    ),
    *(
        row("CreateChannel", create_channel(**{camel: value}), UNIMPLEMENTED, f"channel.{snake}")
        for camel, snake, value in (
            ("distributionStreams", "distribution_streams", [{"key": "d"}]),
            ("distributions", "distributions", [{"key": "d"}]),
            ("spriteSheets", "sprite_sheets", [{"format": "jpeg"}]),
            ("timecodeConfig", "timecode_config", {"source": "MEDIA_TIMESTAMP"}),
            ("encryptions", "encryptions", [{"id": "e"}]),
            ("staticOverlays", "static_overlays", [{"asset": "a"}]),
            ("autoTranscriptionConfig", "auto_transcription_config", {"displayTiming": "ASYNC"}),
        )
    ),
    row(
        "CreateChannel",
        create_channel(elementaryStreams=[{"key": "t", "textStream": {"codec": "cea608"}}]),
        UNIMPLEMENTED,
        "channel.elementary_streams[0].text_stream.codec",
    ),
    row(
        "CreateChannel",
        create_channel(elementaryStreams=[{"key": "a", "audioStream": {"codec": "mp3", "bitrateBps": 1}}]),
        UNIMPLEMENTED,
        "channel.elementary_streams[0].audio_stream.codec",
    ),
    row(
        "CreateInput",
        create_input(preprocessingConfig={"audio": {"lufs": -14}}),
        UNIMPLEMENTED,
        "input.preprocessing_config.audio",
    ),
    row(
        "CreateInput",
        create_input(type="SRT_PUSH", securityRules={"ipRanges": ["10.0.0.0/8"]}),
        UNIMPLEMENTED,
        "input.security_rules.ip_ranges",
    ),
    row(
        "CreateInput",
        create_input(securityRules={"ipRanges": ["everybody"]}),
        INVALID,
        "input.security_rules.ip_ranges",
    ),
    row(
        "CreateInput",
        create_input(preprocessingConfig={"crop": {"topPixels": -2}}),
        INVALID,
        "input.preprocessing_config.crop",
    ),
    row(
        "UpdateInput",
        {"input": {"name": f"{HERE}/inputs/in", "securityRules": {"ipRanges": ["x"]}}, "updateMask": "securityRules"},
        INVALID,
        "input.security_rules.ip_ranges",
    ),
    row(
        "UpdateInput",
        {
            "input": {"name": f"{HERE}/inputs/free", "preprocessingConfig": {"pad": {"topPixels": -2}}},
            "updateMask": "preprocessingConfig",
        },
        INVALID,
        "input.preprocessing_config.pad",
    ),
    row("CreateInput", create_input(type="TYPE_UNSPECIFIED", uri="http://169.254.169.254/"), DENIED, "input.uri"),
    row("PreviewInput", {"name": f"{HERE}/inputs/in"}, UNIMPLEMENTED, "name"),
    row("StartDistribution", {"name": C, "distributionKeys": ["d"]}, UNIMPLEMENTED, "distribution_keys"),
    row("StopDistribution", {"name": C, "distributionKeys": ["d"]}, UNIMPLEMENTED, "distribution_keys"),
    row(
        "UpdatePool",
        {
            "pool": {"name": f"{HERE}/pools/default", "networkConfig": {"peeredNetwork": "n"}},
            "updateMask": "networkConfig",
        },
        UNIMPLEMENTED,
        "pool.network_config.peered_network",
    ),
    *(
        row("CreateEvent", create_event(executeNow=True, **{task: {}}), UNIMPLEMENTED, f"event.{snake}")
        for task, snake in (
            ("slate", "slate"),
            ("mute", "mute"),
            ("unmute", "unmute"),
            ("updateEncryptions", "update_encryptions"),
        )
    ),
    # events and assets
    row("CreateEvent", create_event(executeNow=True), INVALID, EVENT),
    row("CreateEvent", create_event(adBreak={}, executeNow=True), INVALID, "event.ad_break.duration"),
    row("CreateEvent", create_event(inputSwitch={"inputKey": "one"}), INVALID, "event.execute_now"),
    row(
        "CreateEvent",
        create_event(inputSwitch={"inputKey": "one"}, executionTime="2020-01-01T00:00:00Z"),
        INVALID,
        "event.execution_time",
    ),
    row(
        "CreateEvent",
        create_event(inputSwitch={"inputKey": "nobody"}, executeNow=True),
        INVALID,
        "event.input_switch.input_key",
    ),
    row(
        "CreateEvent", create_event(inputSwitch={"inputKey": "one"}, executeNow=True), PRECONDITION, "parent"
    ),  # stopped
    row("CreateAsset", {"parent": HERE, "assetId": "new", "asset": {}}, INVALID, "asset"),
    row(
        "CreateAsset",
        {"parent": HERE, "assetId": "new", "asset": {"image": {"uri": "/etc/passwd"}}},
        INVALID,
        "asset.image.uri",
    ),
    # deletions
    row("DeleteInput", {"name": f"{HERE}/inputs/in"}, PRECONDITION, "name"),
    row("DeleteInput", {"name": f"{HERE}/inputs/nobody"}, NOT_FOUND, "name"),
    row("DeleteChannel", {"name": STARTED}, PRECONDITION, "name"),
    row("DeleteChannel", {"name": STARTED, "force": True}, PRECONDITION, "name"),
    row("DeleteDvrSession", {"name": f"{C}/dvrSessions/nobody"}, NOT_FOUND, "name"),
    row("DeleteAsset", {"name": f"{HERE}/assets/nobody"}, NOT_FOUND, "name"),
    row("CancelOperation", {"name": f"{HERE}/operations/nobody"}, NOT_FOUND, "name"),
]
