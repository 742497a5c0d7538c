"""The server's log: one JSON object a line, without secrets."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any, TextIO

from livedvr.resources.addresses import public_uri
from livedvr.resources.times import format_time

_URI = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>]+", re.IGNORECASE)
_TOKEN = re.compile(r"(?i)\b(bearer\s+|x-goog-api-key\W+|passphrase\W+|streamid\W+)[^\s'\"&,]+")
LONGEST = 2000  # characters of one value: a line stays a line that people read


def fields(**given: Any) -> Mapping[str, Any]:
    """``extra`` of a log call: these become members of the line."""
    return {"fields": given}


def open_log(stream: TextIO) -> None:
    """All that is logged goes to ``stream`` from now on: what livedvr tells, and warnings of its libraries."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("livedvr").setLevel(logging.INFO)


class Formatter(logging.Formatter):
    """``{"time": ..., "level": ..., "event": ..., ...}``; errors with their traceback as ``trace``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": format_time(round(record.created * 1e6)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        shown = {key: bare(value)[-LONGEST:] if isinstance(value, str) else value for key, value in line.items()}
        return json.dumps(shown, ensure_ascii=False)


def bare(text: str) -> str:
    """A text without what lets somebody in: stream keys, passphrases, tokens (whoever wrote it, a traceback too)."""
    return _TOKEN.sub(r"\1...", _URI.sub(_bare_uri, text))


def _bare_uri(found: re.Match[str]) -> str:
    uri = public_uri(found[0])
    if uri.lower().startswith(("rtmp", "srt")):  # rtmp://host:port/app/KEY
        scheme, _, rest = uri.partition("://")
        host, *path = rest.split("/")
        uri = f"{scheme}://{'/'.join([host, *path[:1]])}"
    return uri
