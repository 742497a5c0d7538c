"""`--on-state COMMAND`: a command that is run at each change of a session's state, one after the other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
import shutil
from collections.abc import Callable
from types import TracebackType
from typing import Self

from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import DvrSession
from livedvr.sessions.view import to_json

PATIENCE = 30.0  # seconds that one call may take; then it is killed


class StateCommand:
    """Use it as an async context manager: on leaving, what has been told is carried out.

    Args:
        command: program and arguments as a shell would split them; no shell is involved.
        note: takes a line for the user when a call fails.
    """

    def __init__(self, command: str, note: Callable[[str], None]) -> None:
        try:
            self._argv = shlex.split(command)
        except ValueError as error:
            raise InvalidArgument(f"'{command}': {error}", field="--on-state") from error
        program = self._argv[0] if self._argv else ""
        if shutil.which(program) is None:
            raise InvalidArgument(f"there is no program '{program}'", field="--on-state", hint="is it on PATH?")
        self._note = note
        self._told: asyncio.Queue[DvrSession | None] = asyncio.Queue()

    def tell(self, session: DvrSession) -> None:
        """The session's state has changed."""
        self._told.put_nowait(session)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="on-state")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._told.put_nowait(None)
        await self._task

    async def _run(self) -> None:
        while (session := await self._told.get()) is not None:
            trouble = await self._call(json.dumps(to_json(session)).encode() + b"\n")
            if trouble:
                self._note(f"--on-state: {self._argv[0]} {trouble} (at {session.state} of '{session.session_id}')")

    async def _call(self, text: bytes) -> str | None:
        """What went wrong, if anything."""
        pipe = asyncio.subprocess.PIPE
        try:
            # Its stdout is nobody's: ours may be one JSON object.
            process = await asyncio.create_subprocess_exec(
                *self._argv, stdin=pipe, stdout=asyncio.subprocess.DEVNULL, stderr=pipe
            )
        except OSError as error:
            return f"cannot be run: {error.strerror}"
        try:
            async with asyncio.timeout(PATIENCE):
                _, said = await process.communicate(text)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            return f"took longer than {PATIENCE:g} s and was killed"
        last = said.decode(errors="replace").strip().rpartition("\n")[2]
        return f"ended with code {process.returncode}{': ' + last if last else ''}" if process.returncode else None
