"""Whose turn it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from livedvr.recordings.states import RUNNING, WAITING
from livedvr.resources.recording import Recording


def ahead_of(row: Recording, asked: Iterable[Recording]) -> list[Recording]:
    """Those of its queue that were asked for before it and have not come to their end. ``asked``: by creation."""
    before = takewhile(lambda one: one.recording_id != row.recording_id, asked)
    return [one for one in before if one.spec.queue == row.spec.queue and one.state in WAITING | RUNNING]
