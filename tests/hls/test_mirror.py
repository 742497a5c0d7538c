"""An HLS source below one URL of loopback: nothing in a playlist leads past it (SEMANTICS I6)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livedvr.hls.mirror import below, mirrored, mirrored_playlist, original, plain

MIRROR = f"http://127.0.0.1:4000/{'T' * 43}"

pytestmark = pytest.mark.semantics("I6")

GIVEN = """\ufeff#EXTM3U
#EXT-X-VERSION:7
## a comment
#EXT-X-KEY:METHOD=AES-128,URI="key.bin?a=1",IV=0x1
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key"
#EXT-X-MAP:URI="/init.mp4",BYTERANGE="7@0"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a, b",URI="../audio.m3u8"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="i.m3u8"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI="tiles.m3u8"
#EXT-X-CONTENT-STEERING:SERVER-URI="//other.example/s",PATHWAY-ID="a"
#EXT-X-STREAM-INF:BANDWIDTH=2,AUDIO="a"
https://cdn.example:8443/v.m3u8?t=1#x
#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:00Z\r
#EXTINF:2.000,a title with URI="x"
  seg 1".ts

#EXTINF:2,
file:///etc/passwd
#EXT-X-ENDLIST
"""
EXPECTED = f"""#EXTM3U
#EXT-X-VERSION:7
#EXT-X-KEY:METHOD=AES-128,URI="{MIRROR}/https/tv.example/a/key.bin?a=1",IV=0x1
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="{MIRROR}/refused/skd%3A%2F%2Fkey"
#EXT-X-MAP:URI="{MIRROR}/https/tv.example/init.mp4",BYTERANGE="7@0"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a, b",URI="{MIRROR}/https/tv.example/audio.m3u8"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="{MIRROR}/https/tv.example/a/i.m3u8"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI="{MIRROR}/https/tv.example/a/tiles.m3u8"
#EXT-X-CONTENT-STEERING:SERVER-URI="{MIRROR}/https/other.example/s",PATHWAY-ID="a"
#EXT-X-STREAM-INF:BANDWIDTH=2,AUDIO="a"
{MIRROR}/https/cdn.example:8443/v.m3u8?t=1
#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:00Z
#EXTINF:2.000,a title with URI="x"
{MIRROR}/https/tv.example/a/seg%201%22.ts
#EXTINF:2,
{MIRROR}/refused/file%3A%2F%2F%2Fetc%2Fpasswd
#EXT-X-ENDLIST
"""


def test_every_uri_comes_back_through_the_mirror() -> None:
    assert mirrored_playlist(GIVEN, "https://tv.example/a/b.m3u8?token=1", MIRROR) == EXPECTED


def test_what_ffmpeg_would_read_otherwise_is_written_so_that_it_cannot() -> None:
    text = '#EXTM3U\n#EXTINF:2,x\rhttp://evil.example/1\0http://evil.example/2\n#EXT-X-KEY:METHOD=X"\\",Y="\\",URI=http://e/\n'
    made = mirrored_playlist(text, "http://tv.example/", MIRROR)
    assert opened(made) and all(uri.startswith(f"{MIRROR}/http/") for uri in opened(made)), made


def opened(playlist: str) -> list[str]:
    """What ffmpeg finds to open: its lines end at CR and NUL, a backslash in quotes is its escape."""
    found = []
    for line in re.split(r"[\n\r\0]", playlist):
        if line.startswith("#EXT"):
            found += [value for key, value in attributes(line.partition(":")[2]) if key == "URI"]
        elif line.strip() and not line.startswith("#"):
            found.append(line)
    return found


def attributes(text: str) -> Iterator[tuple[str, str]]:
    """As ffmpeg's `ff_parse_key_value`."""
    at = 0
    while at < len(text):
        while at < len(text) and (text[at].isspace() or text[at] == ","):
            at += 1
        equals = text.find("=", at)
        if equals < 0:
            return
        key, at, value = text[at:equals], equals + 1, ""
        if text[at : at + 1] == '"':
            at += 1
            while at < len(text) and text[at] != '"':
                at += text[at] == "\\"
                value, at = value + text[at : at + 1], at + 1
            at += 1
        else:
            while at < len(text) and not text[at].isspace() and text[at] != ",":
                value, at = value + text[at], at + 1
        yield key, value


PIECES = st.sampled_from(
    [
        "#EXT-X-KEY:METHOD=AES-128,",
        "#EXT-X-MAP:",
        "#EXT-X-FOO:",
        "#EXTINF:2,",
        "#EXT-X-MEDIA:TYPE=AUDIO,",
        "#",
        "URI=",
        'URI="',
        '"',
        "\\",
        ",",
        "\n",
        "\r",
        "\x00",
        "\t",
        " ",
        "\x85",
        "\u2028",
        "http://evil.example/x",
        "HTTPS://e/",
        "=",
        "X",
        "//evil.example/",
        "..",
        "/",
        "file:///etc/passwd",
        "data:,x",
        "[",
        "?",
        "seg.ts",
        "é",
        "crypto+http://evil.example/",
    ]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=24))
def test_whatever_a_playlist_says_nothing_leads_past_the_mirror(pieces: list[str]) -> None:
    made = mirrored_playlist("#EXTM3U\n" + "".join(pieces), "http://tv.example/a/b.m3u8", MIRROR)
    assert made.startswith("#EXTM3U\n")
    for uri in opened(made):
        assert uri == "" or uri.startswith(f"{MIRROR}/"), (uri, made)  # an empty one is the playlist itself


URLS = st.builds(
    lambda scheme, host, path: f"{scheme}://{host}/{path}",
    st.sampled_from(["http", "https"]),
    st.sampled_from(["tv.example", "192.0.2.1:8080", "[2001:db8::1]:443"]),
    st.text(st.characters(codec="utf-8", exclude_characters="#"), max_size=20),
)


@given(URLS)
def test_a_url_is_found_again(url: str) -> None:
    made = mirrored(url, MIRROR)
    assert made.isascii() and original(made) == plain(url)
    assert below(made.removeprefix(f"{MIRROR}/")) == plain(url)
    assert plain(plain(url)) == plain(url)


def test_a_line_of_a_log_shows_the_source_s_own_url() -> None:
    line = f"[https @ 0x1] [error] Opening '{MIRROR}/https/tv.example/a.ts' and {MIRROR}/http/b.example/ failed"
    assert original(line) == "[https @ 0x1] [error] Opening 'https://tv.example/a.ts' and http://b.example/ failed"
