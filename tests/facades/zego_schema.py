"""The answers that ZEGOCLOUD documents, as JSON Schema: a table of fields, their types and enumerations."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

INT, TEXT, TIME = {"type": "integer"}, {"type": "string"}, {"type": "integer", "minimum": 0}


def _one_of(*values: Any) -> dict[str, Any]:
    return {"enum": list(values), "type": "integer" if isinstance(values[0], int) else "string"}


def _object(required: str = "", **fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": required.split(), "additionalProperties": False}


TASK_ID = {"type": "string", "pattern": "^[A-Za-z0-9_-]{16}$"}
STATUS = _one_of(1, 2, 3, 4, 5)
FILE = _object(
    "UserId UserName StreamId FileId VideoId OutputFileFormat MediaTrackType BeginTimestamp Status",
    UserId=TEXT,
    UserName=TEXT,
    StreamId=TEXT,
    FileId=TEXT,
    VideoId=TEXT,
    FileUrl=TEXT,
    OutputFileFormat=_one_of("mp4", "flv", "hls", "jpg", "aac", "mp3"),  # the table of files forgets what can be asked
    FileSize=INT,
    Duration=INT,
    ResolutionWidth=INT,
    ResolutionHeight=INT,
    MediaTrackType=_one_of(1, 2, 3),
    BeginTimestamp=TIME,
    CustomBeginTimestamp=TIME,
    Status=STATUS,
)
DATA: dict[str, Any] = {
    "StartRecord": _object("TaskId", TaskId=TASK_ID),
    "DescribeRecordStatus": _object(
        "RoomId RecordMode StreamType RecordBeginTimestamp RecordEndTimestamp Status",
        RoomId=TEXT,
        RecordMode=_one_of(1, 2),
        StreamType=_one_of(1, 2, 3, 4),
        RecordBeginTimestamp=TIME,
        RecordEndTimestamp=TIME,
        Status=STATUS,
        RecordFiles={"type": "array", "items": FILE, "minItems": 1},
    ),
    "DescribeTasks": _object(
        "PageOffset PageSize TotalCount TaskidList",
        PageOffset=INT,
        PageSize=INT,
        TotalCount=INT,
        TaskidList={
            "type": "array",
            "items": _object(
                "RecordBeginTimestamp TaskId RoomId Status",
                RecordBeginTimestamp=TIME,
                TaskId=TASK_ID,
                RoomId=TEXT,
                Status=STATUS,
            ),
        },
    ),
}
CODES = (0, 100000004, 100000005, 300000002, 300000003, 300000004, 300000005, 300000006, 300001000, 300001001)
CODE = _one_of(*CODES, 300001004, 300010000)
CALLBACK = _object(
    "app_id task_id room_id event_type message nonce timestamp signature sequence detail",
    app_id=INT,
    task_id=TASK_ID,
    room_id=TEXT,
    event_type=_one_of(1, 2, 3, 4, 5, 6, 7, 102, 201, 202),
    message=TEXT,
    nonce=TEXT,
    timestamp={"type": "string", "pattern": "^[0-9]+$"},
    signature={"type": "string", "pattern": "^[0-9a-f]{40}$"},
    sequence=TIME,
    detail={"type": "object"},
)


def check_answer(action: str, answer: Any) -> None:
    """Raises when it is none of those that are documented."""
    head = {"Code": CODE, "Message": TEXT, "RequestId": TEXT}
    if isinstance(answer, dict) and answer.get("Code") == 0 and action in DATA:
        schema = _object("Code Message RequestId Data", **head, Data=DATA[action])
    else:
        schema = _object("Code Message RequestId", **head)
    Draft202012Validator(schema).validate(answer)


def check_callback(body: Any) -> None:
    """Raises when it is none of those that are documented."""
    Draft202012Validator(CALLBACK).validate(body)
