"""The operator's list of hosts to pull from, and the ways round it (SEMANTICS I6)."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livedvr.resources.errors import InvalidArgument, LiveDvrError, PermissionDenied
from livedvr.resources.pull_policy import PORTS, PullPolicy

POLICY = PullPolicy.of(
    [
        "tv.example:443",
        "tv.example:80",
        "192.0.2.1:8080",
        "[2001:DB8::1]:443",
        "localhost:8080",
        "cam_1:554",
        "s.example:9",
    ]
)

pytestmark = pytest.mark.semantics("I6")


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://tv.example/a.m3u8?b=c", "tv.example", 443),
        ("https://TV.Example:443", "tv.example", 443),
        ("http://tv.example:0080/", "tv.example", 80),
        ("http://192.0.2.1:8080/", "192.0.2.1", 8080),
        ("https://[2001:db8:0:0::1]/", "2001:db8::1", 443),
        ("http://localhost:8080/", "localhost", 8080),
        ("rtsp://user:p%40ss@cam_1/stream", "cam_1", 554),
        ("srt://s.example:9", "s.example", 9),
    ],
)
def test_what_is_on_the_list(url: str, host: str, port: int) -> None:
    assert POLICY.check(url, field="input.uri") == (host, port)


@pytest.mark.parametrize(
    "url",
    [
        "https://tv.example:444/",
        "http://evil.example/",
        "https://tv.example.evil.example/",
        "https://tv.example@evil.example/",
        "https://tv.example:443@evil.example/",
        "https://evil.example/@tv.example",
        "https://evil.example?@tv.example/",
        "https://evil.example#@tv.example/",
        "https://xn--tv-example/",
        "http://127.0.0.1:8080/",
        "http://[::1]:8080/",
        "http://[::ffff:192.0.2.1]:8080/",
        "http://localhost/",
        "http://a.localhost:8080/",
        "rtmp://tv.example",
    ],
)
def test_what_is_not(url: str) -> None:
    with pytest.raises(PermissionDenied, match=r"input\.uri: .* is not on .*\(--allow-pull .* allows it"):
        POLICY.check(url, field="input.uri")


@pytest.mark.parametrize(
    "url",
    [
        "https://tv.example./",
        "http://0300.0.2.1:8080/",
        "http://0xc0000201:8080/",
        "http://3221225985:8080/",
        "http://192.0.513:8080/",
        "http://192.0.2.1.:8080/",
        "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://[2001:db8::1/",
        "https://ｔｖ.example/",
        "https://tv。example/",
        "https://①②⑦.0.0.1/",
        "https://tv%2eexample/",
        "https://evil.example\\@tv.example/",
        "https://a@b@tv.example/",
        "https://tv.example\t/",
        "https://tv.exa\nmple/",
        " https://tv.example/",
        "https:///tv.example",
        "https://tv.example:/",
        "https://tv.example:443:80/",
        "https://tv.example:4_43/",
        "HTTPS://tv.example/",
        "https:tv.example",
        "//tv.example/",
        "srt://s.example",
        "gopher://tv.example/",
        "",
    ],
)
def test_what_is_not_written_plainly(url: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^input\.uri: "):
        POLICY.check(url, field="input.uri")


@pytest.mark.parametrize(
    "entry",
    [
        "tv.example",
        "tv.example:",
        "tv.example:0",
        "tv.example:65536",
        "*:443",
        "*.example:80",
        "::1:80",
        "tv.example.:80",
        "https://tv.example:443",
        "127.1:80",
        "0x7f.0.0.1:80",
        "[::1%lo]:80",
        "[]:80",
        ":80",
        "täv.example:80",
    ],
)
def test_an_entry_that_is_none_is_named_with_its_option(entry: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^--allow-pull: "):
        PullPolicy.of([entry])


PIECES = st.sampled_from(
    [
        "tv.example",
        "evil.example",
        "127.0.0.1",
        "0x7f.1",
        "[::1]",
        "@",
        ":",
        "/",
        "?",
        "#",
        "\\",
        "%40",
        "%2f",
        ".",
        "443",
        "80",
        "localhost",
        "ｔｖ",
        "\t",
        "\n",
        " ",
        "//",
        "http://",
        "https://",
        "[",
        "]",
        "%25lo",
        "user",
        "\x00",
    ]
)


@given(st.sampled_from(["http://", "https://", "rtsp://", ""]), st.lists(PIECES | st.text(max_size=3), max_size=8))
def test_what_passes_leads_where_another_parser_says_it_does(scheme: str, pieces: list[str]) -> None:
    url = scheme + "".join(pieces)
    try:
        host, port = POLICY.check(url, field="f")
    except LiveDvrError:
        return
    parts = urlsplit(url)
    assert (host, port) in POLICY.allowed
    assert (parts.hostname, parts.port or PORTS[parts.scheme]) == (host, port)


@pytest.mark.parametrize(
    ("host", "port", "address", "may"),
    [
        ("tv.example", 443, "198.51.100.7", True),
        ("tv.example", 443, "10.0.0.7", True),  # a camera of the house
        ("tv.example", 443, "127.0.0.1", False),
        ("tv.example", 443, "127.5.5.5", False),
        ("tv.example", 443, "::1", False),
        ("tv.example", 443, "::ffff:127.0.0.1", False),
        ("tv.example", 443, "169.254.169.254", False),
        ("tv.example", 443, "fe80::1%lo", False),
        ("tv.example", 443, "0.0.0.0", False),
        ("tv.example", 443, "::", False),
        ("tv.example", 443, "224.0.0.1", False),
        ("tv.example", 8080, "192.0.2.1", True),
        ("localhost", 8080, "127.0.0.1", True),
        ("localhost", 8080, "10.0.0.7", False),
    ],
)
def test_where_the_name_of_a_host_on_the_list_may_lead(host: str, port: int, address: str, may: bool) -> None:
    assert POLICY.permits(host, port, address) is may


def test_loopback_is_reached_by_its_address() -> None:
    policy = PullPolicy.of(["127.0.0.1:8080"])
    assert policy.permits("127.0.0.1", 8080, "127.0.0.1") and policy.permits("name.example", 8080, "127.0.0.1")
    assert not policy.permits("name.example", 80, "127.0.0.1")
