"""A change of a session as a user asks for it: what is not named stays as it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pydantic import AwareDatetime, Field

from livedvr.resources.base import Resource
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import DvrSession, TimeInterval


class SessionPatch(Resource):
    """What is to become of a session's windows and labels.

    ``windows`` replaces all windows. Otherwise ``start_time`` is the first window's, ``end_time`` and ``duration``
    (from its start) are the last window's, and ``open_end`` takes its end away. A label that is None is removed.
    """

    windows: tuple[TimeInterval, ...] | None = None
    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    open_end: bool = False
    duration: timedelta | None = None
    labels: Mapping[str, str | None] = Field(default_factory=dict)

    def windows_of(self, session: DvrSession) -> tuple[TimeInterval, ...] | None:
        """The windows that the session is to have, None when they stay."""
        if self.windows is not None:
            return self.windows
        if self.start_time is None and self.end_time is None and self.duration is None and not self.open_end:
            return None
        windows = list(session.dvr_windows)
        if self.start_time is not None:
            windows[0] = TimeInterval(start_time=self.start_time, end_time=windows[0].end_time)
        last = windows[-1]
        windows[-1] = TimeInterval(start_time=last.start_time, end_time=self._end(last))
        return tuple(windows)

    def _end(self, last: TimeInterval) -> AwareDatetime | None:
        if self.open_end:
            return None
        if self.duration is None:
            return self.end_time or last.end_time
        if last.start_time is None:
            raise InvalidArgument("the window has no start to count from", field="duration")
        try:
            return last.start_time + self.duration
        except OverflowError:
            raise InvalidArgument("the window would end after the year 9999", field="duration") from None

    def labels_of(self, session: DvrSession) -> dict[str, str] | None:
        """The labels that the session is to have, None when they stay."""
        if not self.labels:
            return None
        return {key: value for key, value in {**session.labels, **self.labels}.items() if value is not None}
