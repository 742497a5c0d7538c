"""Who may be told of recordings, and in which words."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from livedvr.recordings.dialects import Native
from livedvr.resources.errors import InvalidArgument, PermissionDenied
from livedvr.resources.webhook_policy import WebhookPolicy

POLICY = WebhookPolicy.of(["127.0.0.1:9000", "hooks.internal:80"])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.0.0.1:9001/",
        "http://localhost:9000/",
        "http://x.localhost/",
        "https://10.1.2.3/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://100.64.0.1/",
        "http://0.0.0.0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fd00::1]/",
        "http://[fe80::1]/",
        "http://[2002:7f00:1::]/",
        "http://224.0.0.1/",
    ],
)
def test_a_private_network_is_refused(url: str) -> None:
    with pytest.raises(PermissionDenied, match="private network") as told:
        POLICY.check(url, field="notify[0].uri")
    assert told.value.field == "notify[0].uri" and "--allow-webhook" in (told.value.hint or "")


@pytest.mark.parametrize("url", ["ftp://a.example/", "http://2130706433/", "http://127.1/", "http://a@b@c/", "a", ""])
def test_what_is_not_written_plainly_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument):
        POLICY.check(url, field="uri")


def test_what_no_request_can_have_in_it_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="percent-encoded"):
        POLICY.check("https://a.example/h\u00f6ren", field="uri")
    with pytest.raises(InvalidArgument, match="percent-encoded"):
        POLICY.check("https://a.example/\x7f", field="uri")


def test_what_is_let_through() -> None:
    assert POLICY.check("http://127.0.0.1:9000/x?y", field="uri") == ("127.0.0.1", 9000)
    assert POLICY.check("https://a.example/", field="uri") == ("a.example", 443)
    assert POLICY.permits("a.example", 443, "8.8.8.8") and not POLICY.permits("a.example", 443, "10.0.0.1")
    assert POLICY.permits("hooks.internal", 80, "10.0.0.1") and not POLICY.permits("hooks.internal", 81, "10.0.0.1")


def test_a_body_is_signed_with_where_it_goes_and_what_it_says() -> None:
    headers = Native().headers("https://a.example/x", "RECORDING_EMPTY", b"{}", "key")
    wanted = hmac.new(b"key", b"https://a.example/xRECORDING_EMPTY{}", hashlib.sha256).hexdigest()
    assert headers["X-Livedvr-Signature"] == f"sha256={wanted}"
    assert "X-Livedvr-Signature" not in Native().headers("https://a.example/x", "E", b"{}", None)
