from __future__ import annotations

import socket

import pytest
from google.cloud.video.live_stream_v1 import types

from livedvr.api.ingest_ports import IngestPorts, port_of
from livedvr.ingest.source import parse_source
from livedvr.resources.errors import InvalidArgument, ResourceExhausted
from livedvr.resources.models import Edges

InputMessage = types.Input.pb()
RTMP, SRT = types.Input.Type.RTMP_PUSH, types.Input.Type.SRT_PUSH
STREAM_ID = "5aed9cc9-6766-4edd-abc7-ba2420591288"


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.1:1-", "127.0.0.1:9-8", "127.0.0.1:0-8", "h:1-70000", ":1-2"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        IngestPorts.parse(text, None)
    assert refused.value.field == "--ingest"


def test_publishers_need_a_name() -> None:
    with pytest.raises(InvalidArgument, match="--ingest-host"):
        IngestPorts.parse("0.0.0.0:20000-20001", None)
    assert IngestPorts.parse("0.0.0.0:20000-20001", "live.example").public == "live.example"


def test_the_next_free_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        first = taken.getsockname()[1]
        ports = IngestPorts("127.0.0.1", first, first + 2, "127.0.0.1")
        assert port_of(ports.uri_for(RTMP, STREAM_ID, {first + 1})) == first + 2
        with pytest.raises(ResourceExhausted):
            ports.uri_for(RTMP, STREAM_ID, {first + 1, first + 2})


@pytest.mark.parametrize("kind", [RTMP, SRT])
def test_what_is_pushed_to_is_listened_on(kind: int) -> None:
    ports = IngestPorts("0.0.0.0", 20500, 20500, "live.example")
    message = InputMessage(type_=kind, uri=ports.uri_for(kind, STREAM_ID, set()))
    message.preprocessing_config.crop.top_pixels = 5
    given = ports.to_domain(message)
    source = parse_source(given)
    assert (source.listens, source.address) == (True, ("0.0.0.0", 20500))
    assert "live.example:20500" in message.uri and STREAM_ID in message.uri
    if kind == RTMP:
        assert source.stream_key == STREAM_ID
    else:
        assert dict(source.options)["passphrase"] == STREAM_ID
    assert given.crop == Edges(top_pixels=5) and given.pad is None
