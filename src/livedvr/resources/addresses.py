"""URIs and addresses of inputs: what of them may be shown, where a stream key stands, who may publish. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import SplitResult, parse_qsl, urlsplit


def public_uri(uri: str) -> str:
    """A URI as it may stand in logs and errors: without user, password and query, which may carry secrets."""
    bare = uri.partition("?")[0]
    scheme, separator, rest = bare.partition("://")
    if not separator:
        return bare
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def listens_for_rtmp(parts: SplitResult) -> bool:
    """Whether an RTMP URI asks to wait for a publisher: it names no host, or says ``mode=listener`` (as with SRT)."""
    if parts.scheme != "rtmp":
        return False
    return not parts.hostname or dict(parse_qsl(parts.query)).get("mode") == "listener"


def split_stream_key(uri: str) -> tuple[str, str | None]:
    """``rtmp://:1935/live/KEY`` -> ``rtmp://:1935/live`` and the key; a URI that has none stays as it is."""
    try:
        parts = urlsplit(uri)
    except ValueError:  # whoever opens it says what is wrong
        return uri, None
    app, slash, key = parts.path.removeprefix("/").partition("/")
    if not slash or not key or not listens_for_rtmp(parts):
        return uri, None
    return uri.replace(parts.path, f"/{app}", 1), key  # geturl() would lose the slashes of rtmp:///live/KEY


def split_address(text: str) -> tuple[str, int]:
    """``127.0.0.1:1935`` or ``[::1]:1935`` -> address and port; ValueError says what it is not."""
    host, _, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    try:
        is_bracketed = ipaddress.ip_address(bare).version == 6
        number = int(port) if port.isascii() and port.isdigit() else 0
    except ValueError:
        number, is_bracketed = 0, False
    if not 0 < number < 65536 or "%" in bare or host != (f"[{bare}]" if is_bracketed else bare):
        raise ValueError(f"'{text}' is no address of a port: ADDRESS:PORT, as 127.0.0.1:1935 or [::1]:1935")
    return bare, number


def check_ranges(ranges: Sequence[str]) -> tuple[str, ...]:
    """Addresses and networks as they are; ValueError names one that is none."""
    for one in ranges:
        try:
            ipaddress.ip_network(one)
        except ValueError as error:
            raise ValueError(f"'{one}' is no address or network (CIDR): {error}") from error
    return tuple(ranges)


def is_in_ranges(address: str, ranges: Sequence[str]) -> bool:
    """Whether an address may publish. An IPv4 address that came over IPv6 counts as IPv4."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(one) for one in ranges)
