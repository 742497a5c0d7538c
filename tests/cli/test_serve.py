from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from livedvr.cli import serve as command
from livedvr.serving import ServeOptions


class Opening:
    """A server that does not get as far as being open."""

    def __init__(self, _: ServeOptions) -> None: ...

    async def __aenter__(self) -> Opening:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()
        return self

    async def __aexit__(self, *_: object) -> None: ...


async def test_a_server_that_is_still_opening_ends_when_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "Server", Opening)
    await asyncio.wait_for(command._serve(ServeOptions(tmp_path, str(tmp_path))), 10)
