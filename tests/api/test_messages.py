from __future__ import annotations

from google.cloud.video.live_stream_v1 import types

from livedvr.api.messages import from_row, to_row

ChannelMessage = types.Channel.pb()


def test_a_row_is_read_as_it_was_written_and_what_is_done_to_it_stays_with_the_reader() -> None:
    written = ChannelMessage(name="projects/p/locations/l/channels/c", labels={"a": "b"})
    row = to_row(written, 1_500_000, 2_000_000)
    first = from_row(row, ChannelMessage)
    first.labels["a"] = "changed"
    first.active_input = "backup"
    second = from_row(row, ChannelMessage)
    assert (dict(second.labels), second.active_input) == ({"a": "b"}, "")
    assert (second.create_time.ToMicroseconds(), second.update_time.ToMicroseconds()) == (1_500_000, 2_000_000)
