"""One request on its way through the handlers: who asks for what, and what is answered when it is asked again."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import Any

from livedvr.api.methods import Method
from livedvr.catalog import api_rows
from livedvr.catalog.api_rows import AnswerRow


@dataclass(frozen=True, slots=True)
class Call:
    """A request. ``now``: when it came, UTC microseconds."""

    method: Method
    request: Any
    now: int

    @property
    def request_id(self) -> str:
        """The client's name for this request, empty when it gave none (AIP-155)."""
        return getattr(self.request, "request_id", "")

    @property
    def digest(self) -> str:
        """Equal for equal requests."""
        text = self.request.SerializeToString(deterministic=True)
        return hashlib.sha256(self.method.rpc.encode() + b"\0" + text).hexdigest()

    def sign(self, db: sqlite3.Connection, answer: Any) -> None:
        """Remember the answer, in the transaction of what it answers for."""
        if self.request_id:
            row = AnswerRow(self.digest, answer.SerializeToString())
            api_rows.add_answer(db, self.request_id, row, self.now)
