"""`--facades FILE`: which facades a server has, a section of TOML for each."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from livedvr.facades.facade import Facade
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.webhook_policy import WebhookPolicy

OPTION = "--facades"
_log = logging.getLogger(__name__)


def _tencent(section: Mapping[str, Any]) -> Facade:
    from livedvr.facades.tencent.tencent import Tencent

    return Tencent(section)


def _enfonica(section: Mapping[str, Any]) -> Facade:
    from livedvr.facades.enfonica.facade import Enfonica

    return Enfonica(section)


def _graph(section: Mapping[str, Any]) -> Facade:
    from livedvr.facades.graph.facade import GraphFacade

    return GraphFacade(section)


def _zego(section: Mapping[str, Any]) -> Facade:
    from livedvr.facades.zego.zego import Zego

    return Zego(section)


# Each is imported by who has switched it on.
FACADES: Mapping[str, Callable[[Mapping[str, Any]], Facade]] = MappingProxyType(
    {"enfonica": _enfonica, "graph": _graph, "tencent": _tencent, "zego": _zego}
)


def read_facades(path: Path | None) -> list[Facade]:
    """Those that a file switches on, or none.

    INVALID_ARGUMENT names the section and key that is wrong, never a secret that stands in it.
    """
    if path is None:
        return []
    try:
        sections = tomllib.loads(path.read_text())
    except OSError as error:
        raise InvalidArgument(f"{path}: {error.strerror}", field=OPTION) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"{path} is no TOML: {error}", field=OPTION) from error
    if not sections:
        _log.warning("%s switches no facade on: write a section, such as [tencent]", path)
    return [_facade(path, name, section) for name, section in sections.items()]


def check_facades(facades: Iterable[Facade], doors: Mapping[str, str], webhooks: WebhookPolicy) -> None:
    """INVALID_ARGUMENT or PERMISSION_DENIED, with section and key: two doors at one address, whom nobody may tell.

    ``doors``: the server's own, their addresses by option.
    """
    taken = {address: option for option, address in doors.items()}
    for facade in facades:
        field = f"[{facade.name}] listen"
        if facade.listen in taken and not facade.listen.endswith(":0"):  # 0: any port that is free
            raise InvalidArgument(
                f"{taken[facade.listen]} is {facade.listen}, too", field=field, hint="give each a port of its own"
            )
        taken[facade.listen] = field
        for key, url in facade.receivers.items():
            webhooks.check(url, field=f"[{facade.name}] {key}")


def _facade(path: Path, name: str, section: Any) -> Facade:
    if name not in FACADES:
        raise InvalidArgument(f"{path}: there is no facade '{name}'", field=OPTION, hint=", ".join(FACADES))
    if not isinstance(section, dict):
        raise InvalidArgument(f"{path}: '{name}' is no section", field=OPTION, hint=f"write [{name}]")
    try:
        return FACADES[name](section)
    except InvalidArgument as error:
        raise InvalidArgument(f"{path}, [{name}] {error.field}: {error.message}", field=OPTION) from error
