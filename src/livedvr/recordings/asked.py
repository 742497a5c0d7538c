"""Whether the files that a recording is asked for can be made. Pure."""

from __future__ import annotations

from livedvr.resources.errors import Unimplemented
from livedvr.resources.recording import RecordingSpec

_NOT_YET = ("file_stem", "tracks", "track_names", "hls", "max_file_duration", "split_at_pauses")


def check_files(spec: RecordingSpec) -> None:
    """UNIMPLEMENTED, naming the field."""
    for field in _NOT_YET:
        if getattr(spec, field) != RecordingSpec.model_fields[field].default:
            raise Unimplemented("this is not made yet", field=field, hint="leave it out")
