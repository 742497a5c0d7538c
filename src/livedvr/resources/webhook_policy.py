"""Whom the product may tell: webhooks go to public addresses, and to what the operator names. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from livedvr.resources.errors import InvalidArgument, PermissionDenied
from livedvr.resources.pull_policy import entry_of, plain_authority, shown_host

OPTION = "--allow-webhook"


@dataclass(frozen=True, slots=True)
class WebhookPolicy:
    """``allowed``: hosts by name or address and port that may lie in a private network, exactly as a URL names them."""

    allowed: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def of(cls, entries: Iterable[str]) -> WebhookPolicy:
        """The list as the operator writes it; INVALID_ARGUMENT names the entry that is no ``host:port``."""
        return cls(frozenset(entry_of(text, OPTION) for text in entries))

    def check(self, url: str, *, field: str) -> tuple[str, int]:
        """Host and port that a URL leads to.

        INVALID_ARGUMENT: it is none of HTTP, or not plainly written. PERMISSION_DENIED: it names a private address. (A
        name is looked up when it is called.)
        """
        if not url.startswith(("http://", "https://")):
            raise InvalidArgument("it is no URL of HTTP", field=field, hint="https://host/path")
        if not (url.isascii() and url.isprintable()):
            raise InvalidArgument("what is not ASCII is percent-encoded in a URL", field=field, hint="%C3%B6 for ö")
        host, port = plain_authority(url, field=field)
        address = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
        try:
            is_permitted = self.permits(host, port, address)
        except ValueError:
            return host, port  # a name
        if not is_permitted:
            shown = shown_host(host, port)
            raise PermissionDenied(
                f"{shown} lies in a private network", field=field, hint=f"{OPTION} {shown} allows it"
            )
        return host, port

    def permits(self, host: str, port: int, address: str) -> bool:
        """Whether a connection to a host may go to this address, to which its name leads."""
        found = ipaddress.ip_address(address)
        if isinstance(found, ipaddress.IPv6Address):
            found = found.ipv4_mapped or found.sixtofour or found
        return (host, port) in self.allowed or (found.is_global and not found.is_multicast)


PUBLIC = WebhookPolicy()
"""Public addresses alone."""
