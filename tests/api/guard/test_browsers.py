from __future__ import annotations

import pytest

from livedvr.api.guard.browsers import check_browser
from livedvr.resources.errors import PermissionDenied

HERE = "127.0.0.1:8080"


@pytest.mark.parametrize(
    "host", [HERE, "127.8.0.1", "localhost:8080", "livestream.localhost:18443", "[::1]:8080", "LOCALHOST"]
)
def test_names_of_loopback(host: str) -> None:
    check_browser({"host": host}, reads=False)


@pytest.mark.parametrize(
    "host",
    ["", "attacker.example:8080", "192.0.2.7:8080", "localhost.attacker.example", "127.0.0.1.nip.io", "[::1", "[x]"],
)
def test_dns_rebinding_reads_nothing(host: str) -> None:
    with pytest.raises(PermissionDenied, match="no name of this machine's loopback") as caught:
        check_browser({"host": host}, reads=True)
    assert caught.value.field == "Host"


@pytest.mark.parametrize(
    "origin", ["https://attacker.example", "null", "http://127.0.0.1:3000", "http://localhost:8080"]
)
def test_a_page_of_another_origin_changes_nothing(origin: str) -> None:
    with pytest.raises(PermissionDenied) as caught:
        check_browser({"host": HERE, "origin": origin}, reads=False)
    assert caught.value.field == "Origin"
    check_browser({"host": HERE, "origin": origin}, reads=True)  # its browser does not show it the answer


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_fetch_metadata(site: str) -> None:
    with pytest.raises(PermissionDenied) as caught:
        check_browser({"host": HERE, "sec-fetch-site": site}, reads=False)
    assert caught.value.field == "Sec-Fetch-Site"


def test_our_own_pages_may() -> None:
    check_browser({"host": HERE, "origin": f"http://{HERE}", "sec-fetch-site": "same-origin"}, reads=False)
