"""How the files are called (reference, section 2.3). Pure."""

from __future__ import annotations

import base64


def encoded(name: str) -> str:
    """A user, or a room whose name is a string: Base64, with ``/`` as ``-`` and ``=`` as ``.``."""
    return base64.b64encode(name.encode()).decode().translate(str.maketrans("/=", "-."))


def room_in_names(room: str, *, is_number: bool) -> str:
    """A room as file names have it."""
    return room if is_number else encoded(room)


def mixed(app: int, room: str) -> str:
    """What the files of a mix begin with."""
    return f"{app}_{room}"


def single(app: int, room: str, user: str) -> str:
    """What the files of one user's stream begin with; kind and time follow. A channel is a camera: ``main``."""
    return f"{app}_{room}__UserId_s_{encoded(user)}__UserId_e_main"


def user_defined(prefix: str | None) -> str:
    """What stands before it all where a client has a name of its own for it."""
    return "" if prefix is None else f"{prefix}__UserDefine_u_"
