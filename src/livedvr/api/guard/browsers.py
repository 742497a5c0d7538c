"""Pages of other sites in a browser on this machine: without tokens the address alone would let them in. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from livedvr.resources.errors import PermissionDenied

_USE_TOKENS = "use --token-file to be asked by other names and sites"


def check_browser(headers: Mapping[str, str], *, reads: bool) -> None:
    """PERMISSION_DENIED: a page of another site asks, by a name of its own (DNS rebinding) or across origins.

    ``headers``: by lower-case names. Reads across origins need no refusal: a browser shows the page no answer.
    """
    host = headers.get("host", "")
    if not is_loopback_name(_name_in(f"//{host}")):
        raise PermissionDenied(f"'{host}' is no name of this machine's loopback", field="Host", hint=_USE_TOKENS)
    if reads:
        return
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:  # also "null"
        raise PermissionDenied(f"a page of '{origin}' may change nothing here", field="Origin", hint=_USE_TOKENS)
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise PermissionDenied(
            "a page of another site may change nothing here", field="Sec-Fetch-Site", hint=_USE_TOKENS
        )


def is_loopback_name(name: str) -> bool:
    """Whether no other machine can be meant: ``localhost`` and what is below it (RFC 6761, 6.3), or an address."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _name_in(uri: str) -> str:
    try:
        return urlsplit(uri).hostname or ""
    except ValueError:
        return ""
