"""Where the doors may be: on loopback, or with tokens and TLS."""

from __future__ import annotations

import ipaddress

from livedvr.resources.addresses import split_address
from livedvr.resources.errors import InvalidArgument


def check_door(option: str, address: str, *, has_tokens: bool, is_encrypted: bool) -> None:
    """INVALID_ARGUMENT naming ``option``: no address, or one that others reach though nothing keeps them out.

    ``is_encrypted``: TLS here, or a proxy's in front of us.
    """
    try:
        host, _ = split_address(address)
    except ValueError as error:
        raise InvalidArgument(str(error), field=option) from error
    if ipaddress.ip_address(host).is_loopback:
        return
    if not has_tokens:
        raise InvalidArgument(
            f"anybody who reaches {address} could do everything",
            field=option,
            hint="give --token-file, or an address of loopback",
        )
    if not is_encrypted:
        raise InvalidArgument(
            f"tokens would cross the network to {address} in the clear",
            field=option,
            hint="give --tls-cert and --tls-key, or --tls-by-proxy when a proxy in front of it does TLS",
        )
