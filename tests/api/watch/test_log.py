from __future__ import annotations

import io
import json
import logging

import pytest

from livedvr.api.watch.log import LONGEST, Formatter, bare, fields


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtmp://127.0.0.1:1935/live/KEY", "rtmp://127.0.0.1:1935/live"),
        ("RTMPS://h/live/KEY/more?x=KEY", "RTMPS://h/live"),
        ("input 'srt://h:9000?streamid=KEY&passphrase=KEY' is", "input 'srt://h:9000' is"),
        ("https://user:KEY@h/a/b.m3u8?token=KEY", "https://h/a/b.m3u8"),
        ("rtsp://admin:KEY@cam/1 and udp://:9000", "rtsp://cam/1 and udp://:9000"),
        ("Authorization: Bearer KEY", "Authorization: Bearer ..."),
        ("{'x-goog-api-key': 'KEY'}", "{'x-goog-api-key': '...'}"),
        ("-passphrase KEY -i x", "-passphrase ... -i x"),
        ("projects/p/locations/l/inputs/i", "projects/p/locations/l/inputs/i"),
    ],
)
def test_what_lets_somebody_in_is_left_out(text: str, shown: str) -> None:
    assert bare(text) == shown


def test_a_line_is_one_json_object() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter())
    log = logging.getLogger("test of the log")
    log.propagate = False
    log.addHandler(handler)
    try:
        raise ValueError("srt://h:1?passphrase=KEY\nsecond line")
    except ValueError:
        log.exception("no\nluck", extra=fields(code=7, resource="x" * 10_000))
    (line,) = stream.getvalue().splitlines()
    said = json.loads(line)
    assert (said["level"], said["event"], said["code"], len(said["resource"])) == ("error", "no\nluck", 7, LONGEST)
    assert said["trace"].endswith("ValueError: srt://h:1\nsecond line")
