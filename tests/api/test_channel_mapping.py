from __future__ import annotations

from typing import Any

import pytest
from google.cloud.video.live_stream_v1 import types
from google.protobuf import json_format

from livedvr.api.channel_mapping import with_defaults


def video(**settings: Any) -> Any:
    """The settings as a client reads them."""
    body = {"elementaryStreams": [{"key": "v", "videoStream": settings}]}
    stored = with_defaults(json_format.ParseDict(body, types.Channel.pb()()))
    return json_format.MessageToDict(stored.elementary_streams[0].video_stream)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({}, {"profile": "main", "entropyCoder": "cabac", "gopDuration": "2s", "vbvSizeBits": 900000}),
        ({"profile": "baseline"}, {"entropyCoder": "cavlc"}),
        ({"profile": "high", "gopDuration": "1s", "vbvSizeBits": 5}, {}),
    ],
)
def test_the_defaults_of_an_encoder_are_shown(given: dict[str, Any], shown: dict[str, Any]) -> None:
    found = video(h264={"bitrateBps": 900000, **given})["h264"]
    assert found | given | shown == found


def test_h265_knows_no_other_profile() -> None:
    assert video(h265={"bitrateBps": 900000})["h265"] == {
        "bitrateBps": 900000,
        "gopDuration": "2s",
        "vbvSizeBits": 900000,
    }


def test_a_video_that_stays_as_it_comes_has_none() -> None:
    assert video() == {}
