from __future__ import annotations

import traceback

import pytest

from livedvr.resources.addresses import is_in_ranges, public_uri, split_stream_key
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import WITH_SECRETS, Input, SecurityRule

KEY = "correct-horse_7"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("srt://:9000?passphrase=correct-horse", "srt://:9000"),
        ("rtsp://admin:p@ss@cam:554/stream1?x=y", "rtsp://cam:554/stream1"),
        ("https://tv.example/a/b.m3u8", "https://tv.example/a/b.m3u8"),
        ("clip?.mp4", "clip"),
        ("user@host.mp4", "user@host.mp4"),
    ],
)
def test_what_of_a_uri_may_be_shown(uri: str, shown: str) -> None:
    assert public_uri(uri) == shown


@pytest.mark.semantics("I4")
@pytest.mark.parametrize(
    ("uri", "left"),
    [
        (f"rtmp://:1935/live/{KEY}", "rtmp://:1935/live"),
        (f"rtmp:///live/{KEY}", "rtmp:///live"),
        (f"rtmp://0.0.0.0:1935/live/{KEY}?mode=listener", "rtmp://0.0.0.0:1935/live?mode=listener"),
        (f"rtmp://[::1]:1935/live/{KEY}?mode=listener", "rtmp://[::1]:1935/live?mode=listener"),
    ],
)
def test_a_listener_s_key_is_taken_out_of_its_uri(uri: str, left: str) -> None:
    given = Input(uri=uri)
    assert given.uri == left
    assert given.stream_key is not None and given.stream_key.get_secret_value() == KEY


@pytest.mark.parametrize(
    "uri", ["rtmp://:1935/live", "rtmp://tv.example/live/stream", "srt://:9000/live/x", "rtmp://[::1:1935/live/x"]
)
def test_what_is_no_key_stays_in_its_uri(uri: str) -> None:
    assert split_stream_key(uri) == (uri, None)


@pytest.mark.semantics("I4")
def test_only_a_dump_for_the_catalog_has_the_key() -> None:
    given = Input(uri=f"rtmp://:1935/live/{KEY}")
    assert KEY not in f"{given!r} {given} {given.model_dump()} {given.model_dump_json(by_alias=True)}"
    stored = given.model_dump_json(context=WITH_SECRETS)
    assert KEY in stored and Input.model_validate_json(stored) == given


@pytest.mark.semantics("I4")
@pytest.mark.parametrize(
    "bad",
    [
        {"uri": f"rtmp://:1935/live/{KEY}", "surprise": 1},
        {"uri": f"rtmp://:1935/live/{KEY}/more"},
        {"uri": f"rtmp://:1935/live/{KEY}", "stream_key": "other"},
        {"uri": "rtmp://:1935/live", "stream_key": f"{KEY} {KEY}"},
        {"uri": "rtmp://:1935/live", "stream_key": ""},
        {"uri": "rtmp://:1935/live", "stream_key": f"{KEY}" * 10},
    ],
)
def test_a_bad_input_is_refused_without_its_key_even_in_a_traceback(bad: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument) as refused:
        Input(**bad)
    assert KEY not in "".join(traceback.format_exception(refused.value)).replace(__file__, "")


def test_a_range_is_an_address_or_a_network() -> None:
    ranges = SecurityRule(ip_ranges=("192.0.2.0/24", "2001:db8::1")).ip_ranges
    assert is_in_ranges("192.0.2.77", ranges) and is_in_ranges("2001:db8::1", ranges)
    assert is_in_ranges("::ffff:192.0.2.77", ranges), "IPv4 that came through an IPv6 socket"
    assert not is_in_ranges("192.0.3.1", ranges) and not is_in_ranges("2001:db8::2", ranges)
    for bad in ("192.0.2.1/24", "tv.example", "192.0.2.0/33", ""):
        with pytest.raises(InvalidArgument, match="no address or network") as refused:
            SecurityRule(ipRanges=(bad,))
        assert refused.value.field == "ipRanges"
