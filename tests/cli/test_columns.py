"""Tables and outlines, as whole texts."""

from __future__ import annotations

from typing import Any

import pytest

from livedvr.cli.columns import columns, outline
from livedvr.cli.kinds import CHANNEL, CLIP, EVENT, INPUT, OPERATION, Kind, address, listed

P = "projects/default/locations/local"
RTMP = f"{P}/inputs/cam"
SRT_URI = "srt://tv.example:20001?streamid=k3y&passphrase=k3y"

INPUTS = [
    {"name": RTMP, "type": "RTMP_PUSH", "tier": "HD", "uri": "rtmp://tv.example:20000/live/k3y"},
    {"name": f"{P}/inputs/s", "type": "SRT_PUSH", "tier": "HD", "uri": SRT_URI, "labels": {"b": "2", "a": "1"}},
    {"name": f"{P}/inputs/pulled", "tier": "HD", "uri": "https://u:p@tv.example/live.m3u8?token=k3y"},
]
INPUT_TABLE = """\
INPUT   TYPE       TIER  ADDRESS                       LABELS
cam     RTMP_PUSH  HD    rtmp://tv.example:20000       -
s       SRT_PUSH   HD    srt://tv.example:20001        a=1 b=2
pulled  -          HD    https://tv.example/live.m3u8  -
"""
CHANNELS = [
    {
        "name": f"{P}/channels/news",
        "streamingState": "STREAMING",
        "activeInput": "backup",
        "inputAttachments": [{"key": "primary", "input": RTMP}, {"key": "backup", "input": f"{P}/inputs/s"}],
        "output": {"uri": "gs://media/news"},
        "retentionConfig": {"retentionWindowDuration": "86400s"},
    },
    {"name": f"{P}/channels/radio", "output": {"uri": "gs://media/radio"}, "labels": {"a": ""}},
]
CHANNEL_TABLE = """\
CHANNEL  STATE      INPUTS  ACTIVE  OUTPUT            RETENTION  LABELS
news     STREAMING  cam s   backup  gs://media/news   86400s     -
radio    -          -       -       gs://media/radio  -          a=
"""
CLIPS = [
    {
        "name": f"{P}/channels/news/clips/goal",
        "state": "SUCCEEDED",
        "outputType": "MP4",
        "outputUri": "gs://media/clips",
        "slices": [{"timeSlice": {"markinTime": "2026-11-25T12:00:00Z", "markoutTime": "2026-11-25T12:00:10Z"}}],
    }
]
CLIP_TABLE = """\
CLIP  STATE      TYPE  SLICES                                     OUTPUT            LABELS
goal  SUCCEEDED  MP4   2026-11-25T12:00:00Z/2026-11-25T12:00:10Z  gs://media/clips  -
"""
EVENTS = [
    {"name": "x/events/a", "state": "PENDING", "inputSwitch": {"inputKey": "backup"}, "createTime": "T1"},
    {"name": "x/events/b", "state": "SCHEDULED", "adBreak": {"duration": "30s"}, "executionTime": "T2"},
    {"name": "x/events/c", "state": "SUCCEEDED", "returnToProgram": {}},
]
EVENT_TABLE = """\
EVENT  STATE      TASK                TIME  LABELS
a      PENDING    inputSwitch backup  T1    -
b      SCHEDULED  adBreak 30s         T2    -
c      SUCCEEDED  returnToProgram     -     -
"""
OPERATIONS = [
    {"name": f"{P}/operations/1", "done": True, "response": {}, "metadata": {"verb": "create", "target": RTMP}},
    {"name": f"{P}/operations/2", "metadata": {"verb": "start", "target": f"{P}/channels/a", "createTime": "T1"}},
    {
        "name": f"{P}/operations/3",
        "done": True,
        "error": {"code": 5, "message": "gone"},
        "metadata": {"verb": "stop", "target": f"{P}/channels/a", "createTime": "T1", "endTime": "T2"},
    },
]
OPERATION_TABLE = """\
OPERATION  VERB    TARGET      STATE         CREATED  ENDED
1          create  inputs/cam  done          -        -
2          start   channels/a  running       T1       -
3          stop    channels/a  failed: gone  T1       T2
"""


@pytest.mark.parametrize(
    ("kind", "resources", "text"),
    [
        (INPUT, INPUTS, INPUT_TABLE),
        (CHANNEL, CHANNELS, CHANNEL_TABLE),
        (CLIP, CLIPS, CLIP_TABLE),
        (EVENT, EVENTS, EVENT_TABLE),
        (OPERATION, OPERATIONS, OPERATION_TABLE),
        (EVENT, [], "EVENT  STATE  TASK  TIME  LABELS\n"),
    ],
)
def test_a_table(kind: Kind, resources: list[dict[str, Any]], text: str) -> None:
    assert "".join(f"{line}\n" for line in columns(kind.header(), [kind.row(one) for one in resources])) == text


def test_an_outline() -> None:
    resource = {
        "name": "news",
        "output": {"uri": "gs://media/news"},
        "manifests": [{"key": "main", "muxStreams": ["v", "a"]}, {"key": "b"}],
        "transmux": True,
        "labels": {},
        "frameRate": 29.97,
    }
    assert "\n".join(outline(resource)) == (
        "name       news\n"
        "output\n"
        "  uri  gs://media/news\n"
        "manifests[0]\n"
        "  key         main\n"
        "  muxStreams  v a\n"
        "manifests[1]\n"
        "  key  b\n"
        "transmux   true\n"
        "labels\n"
        "frameRate  29.97"
    )


def test_what_is_listed_lets_nobody_in() -> None:
    operation = {"name": "op", "response": {"@type": "Input", "uri": SRT_URI}, "metadata": {"target": RTMP}}
    assert "k3y" not in str(listed([*INPUTS, operation]))
    assert listed(CHANNELS) == CHANNELS, "nothing else is taken out"
    assert [address(uri) for uri in ("gs://media/a?b", "testsrc")] == ["gs://media/a?b", "testsrc"]
