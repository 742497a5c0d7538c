"""The other end of the control socket: asks the owner of a channel."""

from __future__ import annotations

import asyncio
from pathlib import Path

from livedvr.control.wire import Request, parse_answer, socket_address
from livedvr.resources.errors import Aborted, LiveDvrError
from livedvr.resources.models import DvrSession

PATIENCE = 30.0  # seconds for an answer; a delete waits for the storage


async def ask_owner(private: Path, request: Request, *, patience: float = PATIENCE) -> list[DvrSession] | None:
    """What the controller that owns the channel of this private folder answers of sessions, see `ask_line`."""
    line = await ask_line(private, request.to_line(), patience)
    return None if line is None else parse_answer(line, DvrSession)


async def ask_line(private: Path, request: bytes, patience: float = PATIENCE) -> bytes | None:
    """What the controller that owns the channel of this private folder answers; None when there is none.

    ABORTED when it does not answer.
    """
    try:
        async with asyncio.timeout(patience):
            with socket_address(private) as address:
                reader, writer = await asyncio.open_unix_connection(address)
            try:
                writer.write(request)
                await writer.drain()
                line = await reader.read()
            finally:
                writer.close()
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        return None  # no socket; or one that a killed controller has left
    except TimeoutError:
        raise _no_answer(private, f"does not answer within {patience:g} s") from None
    except OSError as error:
        raise _no_answer(private, f"does not answer: {error.strerror}") from error
    if not line.endswith(b"\n"):
        raise _no_answer(private, "ended before it had answered")
    return line


def _no_answer(private: Path, text: str) -> LiveDvrError:
    return Aborted(
        f"the controller of this channel {text}",
        field=str(private),
        hint="what was asked may have been done: look again",
    )
