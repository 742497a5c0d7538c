"""From where inputs may be pulled (SEMANTICS I6): the operator's list, ``--allow-pull host:port``. Pure.

One way to write a host, and what is written in another is refused: an address that one parser reads as a name and the
next one as a number is how such lists are got round.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from livedvr.resources.errors import InvalidArgument, PermissionDenied

OPTION = "--allow-pull"
PORTS = {"http": 80, "https": 443, "rtmp": 1935, "rtsp": 554}  # SRT has none of its own

_ENTRY = re.compile(r"(\[[0-9A-Fa-f:.]*\]|[^:\[\]]*):([0-9]{1,5})")
# RFC 3986 3.2, and no more: neither `\` nor an `@` that is not encoded can move the end of the host.
_URL = re.compile(
    r"([a-z]+)://(?:[A-Za-z0-9._~!$&'()*+,;=:%-]*@)?(\[[0-9A-Fa-f:.]*\]|[^:/?#@\[\]]*)(?::([0-9]{1,5}))?(?:[/?#].*)?",
    re.DOTALL,
)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")  # what resolvers take for an IPv4 address: 127.1, 0x7f000001


@dataclass(frozen=True, slots=True)
class PullPolicy:
    """Which hosts may be pulled from, each by name or address and port, exactly. ``PullPolicy.of(["tv.example:443"])``.

    A host stands for itself: a name's address is not on the list by that, nor the other way round.
    """

    allowed: frozenset[tuple[str, int]]

    @classmethod
    def of(cls, entries: Iterable[str]) -> PullPolicy:
        """The list as the operator writes it; INVALID_ARGUMENT names the entry that is no ``host:port``."""
        return cls(frozenset(entry_of(text, OPTION) for text in entries))

    def check(self, url: str, *, field: str) -> tuple[str, int]:
        """Host and port that a URL leads to.

        PERMISSION_DENIED when they are not on the list, INVALID_ARGUMENT when its host is not written plainly.
        """
        host, port = plain_authority(url, field=field)
        if (host, port) not in self.allowed:
            shown = shown_host(host, port)
            raise PermissionDenied(
                f"{shown} is not on the operator's list of hosts to pull from",
                field=field,
                hint=f"{OPTION} {shown} allows it",
            )
        return host, port

    def permits(self, host: str, port: int, address: str) -> bool:
        """Whether a connection to a host on the list may go to this address, to which its name leads.

        Whoever has the name says where it leads. To this machine itself (loopback) and to link-local addresses (those
        of a cloud's metadata) it may only where the list says so, by ``localhost`` or the address.
        """
        found = ipaddress.ip_address(address)
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
            found = found.ipv4_mapped
        if host == "localhost":
            return found.is_loopback
        inside = found.is_loopback or found.is_link_local or found.is_unspecified or found.is_multicast
        return not inside or (str(found), port) in self.allowed


def plain_authority(url: str, *, field: str) -> tuple[str, int]:
    """Host and port of a URL; INVALID_ARGUMENT when they are not written plainly."""
    found = _URL.fullmatch(url)
    if found is None or not (found[3] or found[1] in PORTS):
        raise InvalidArgument("it does not say plainly from which host", field=field, hint="scheme://host:port/path")
    return plain_host(found[2], field=field), int(found[3] or PORTS[found[1]])


def plain_host(text: str, *, field: str) -> str:
    """A host in the one way it is compared: a lower-case name, ``192.0.2.1`` or ``2001:db8::1`` (given in brackets)."""
    host = text.lower()
    try:
        if host.startswith("["):
            return str(ipaddress.IPv6Address(host[1:-1]))
        if _NUMBER.fullmatch(host):
            return str(ipaddress.IPv4Address(host))
    except ipaddress.AddressValueError as error:
        raise InvalidArgument(
            f"'{text}' is no address", field=field, hint="write 192.0.2.1 or [2001:db8::1], without a zone"
        ) from error
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise InvalidArgument(
            f"'{text}' is no host name",
            field=field,
            hint="letters, digits and hyphens, no dot at the end; others as xn--...",
        )
    return host


def entry_of(text: str, option: str) -> tuple[str, int]:
    """``host:port`` as an operator's option has it; INVALID_ARGUMENT names the option."""
    found = _ENTRY.fullmatch(text)
    if found is None or not 0 < int(found[2]) < 65536:
        raise InvalidArgument(f"'{text}' is no host:port", field=option, hint="as tv.example:443 or [2001:db8::1]:443")
    return plain_host(found[1], field=option), int(found[2])


def shown_host(host: str, port: int) -> str:
    """As the list has it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
