"""DescribeTasks: the tasks of a time, the latest first."""

from __future__ import annotations

import sqlite3
from typing import Any

from livedvr.catalog import facade_rows, recording_rows
from livedvr.catalog.facade_rows import FacadeRow
from livedvr.facades.facade import FacadeDesk
from livedvr.facades.zego.errors import invalid
from livedvr.facades.zego.params import DescribeTasks
from livedvr.facades.zego.shown import status_of
from livedvr.facades.zego.task import KIND, KNOWN_FOR, task_of
from livedvr.recordings.states import RUNNING

ONGOING = 2  # Status: of tasks that have not ended; 3: of those that have, however


def tasks(desk: FacadeDesk, asked: DescribeTasks) -> dict[str, Any]:
    """``Data``."""
    now = desk.clock.now()
    start, end = asked.start_time * 1000, asked.end_time * 1000
    if start < now - KNOWN_FOR:
        raise invalid("StartTime", "it is more than 3 days ago")
    if end <= start:
        raise invalid("EndTime", "it is not after StartTime")
    if end - start > KNOWN_FOR:
        raise invalid("EndTime", "it is more than 3 days after StartTime")

    def find(db: sqlite3.Connection) -> tuple[int, list[dict[str, Any]]]:
        rows = facade_rows.facade_rows_with_states(db, desk.facade, KIND, start)
        found = [row for row, state in rows if row.created <= end and _fits(asked, row, state)]
        found.reverse()
        skip = (max(asked.page_offset, 1) - 1) * asked.page_size
        return len(found), [_item(db, row, now) for row in found[skip : skip + asked.page_size]]

    count, page = desk.dvr.catalog.read(find)
    shown = {"PageOffset": max(asked.page_offset, 1), "PageSize": asked.page_size}
    return {**shown, "TotalCount": count, "TaskidList": page}


def _fits(asked: DescribeTasks, row: FacadeRow, state: str) -> bool:
    is_wanted = (state in RUNNING) is (asked.status == ONGOING)
    return is_wanted and asked.room_id in ("", task_of(row.resource).room)


def _item(db: sqlite3.Connection, row: FacadeRow, now: int) -> dict[str, Any]:
    recording = recording_rows.find_recording(db, row.channel or "", row.recording or "")
    assert recording is not None  # its state has just been read
    task = task_of(row.resource)
    status = status_of(recording, now)
    return {"RecordBeginTimestamp": row.created // 1000, "TaskId": row.id, "RoomId": task.room, "Status": status}
