"""What is to be told of a channel's recordings: stored with what it tells of, and sent until it is taken or given up.

A controller that dies loses none of it; what was sent and not yet crossed off is sent again, with the same body.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from livedvr.catalog import channel_rows, notification_rows
from livedvr.catalog.notification_rows import NotificationRow
from livedvr.recordings.dialects import Dialect, RetryPolicy, Told, next_attempt
from livedvr.recordings.states import Event, Notice
from livedvr.resources.addresses import public_uri
from livedvr.resources.errors import InvalidArgument, PermissionDenied, SourceError
from livedvr.resources.recording import Notify, Recording
from livedvr.resources.times import SECOND
from livedvr.resources.webhook_policy import WebhookPolicy
from livedvr.sessions.held_channel import HeldChannel

if TYPE_CHECKING:
    from livedvr.recordings.posting import Poster


_log = logging.getLogger(__name__)

AT_ONCE = 10  # as many connections as a `Poster` has: nobody's patience ends before its turn


class Outbox:
    """One channel's. `run` is a task.

    Args:
        dialects: by the name that a `Notify` has.
        policy: whom it may reach.
    """

    def __init__(
        self,
        held: HeldChannel,
        dialects: Mapping[str, Dialect],
        policy: WebhookPolicy,
    ) -> None:
        self._held = held
        self._channel = held.channel.channel_id
        self._catalog, self._clock = held.catalog, held.clock
        self._dialects = dialects
        self._policy = policy
        self._wake = asyncio.Event()

    def check(self, notify: Notify, *, field: str) -> None:
        """INVALID_ARGUMENT or PERMISSION_DENIED where nobody could be told so."""
        if notify.dialect not in self._dialects:
            have = ", ".join(self._dialects)
            raise InvalidArgument(f"there is no dialect '{notify.dialect}'", field=f"{field}.dialect", hint=f"{have}")
        missing = self._dialects[notify.dialect].needs - notify.context.keys()
        if missing:
            raise InvalidArgument(
                f"'{notify.dialect}' tells of what its own clients start: there is no {', '.join(sorted(missing))}",
                field=f"{field}.context",
                hint="use another dialect",
            )
        self._check_receivers(notify, field=field)

    def _check_receivers(self, notify: Notify, *, field: str) -> None:
        self._policy.check(notify.uri, field=f"{field}.uri")
        for i, other in enumerate(notify.others):
            self._policy.check(other, field=f"{field}.others[{i}]")

    def tell(self, db: sqlite3.Connection, recording: Recording, event: Event | Notice | None = None) -> None:
        """Store what is to be told of a recording that has become this, in the transaction that stores it."""
        now = self._clock.now()
        for notify in recording.spec.notify:
            secret = None if notify.secret is None else notify.secret.get_secret_value()
            names = (
                self._channel,
                recording.recording_id,
                notify.dialect,
                " ".join((notify.uri, *notify.others)),
                secret,
            )
            dialect = self._dialects.get(notify.dialect)
            if dialect is None:  # the server has been told to forget it
                continue
            sequence = notification_rows.count_told(db, self._channel, recording.recording_id)
            for name, body in dialect.messages(Told(event, recording, notify, now, sequence)):
                notification_rows.add_notification(db, names, name, body, now)

    async def tell_of(
        self,
        about: str,
        notify: Notify,
        messages: Iterable[tuple[str, bytes]],
        also: Callable[[sqlite3.Connection], None],
    ) -> None:
        """Tell somebody of something beside recordings, by the same rules; ``also`` is stored with it."""
        self._check_receivers(notify, field="notify")
        secret = None if notify.secret is None else notify.secret.get_secret_value()
        now = self._clock.now()

        def work(db: sqlite3.Connection) -> None:
            also(db)
            for event, body in messages:
                names = (self._channel, about, notify.dialect, notify.uri, secret)
                notification_rows.add_notification(db, names, event, body, now)

        await self._held.write(work)
        self._wake.set()

    def wake(self) -> None:
        """Something has been stored."""
        self._wake.set()

    async def run(self) -> None:
        """Send what is due, until cancelled."""
        poster: Poster | None = None
        try:
            while True:
                self._wake.clear()
                waiting = self._catalog.read(lambda db: notification_rows.first_notifications(db, self._channel))
                now = self._clock.now()
                due = [row for row in waiting if row.next <= now][:AT_ONCE]
                if due:
                    poster = poster or self._poster()
                    await asyncio.gather(*(self._send(poster, row) for row in due))
                else:
                    await self._clock.wait(self._wake, waiting[0].next - now if waiting else None)
        finally:
            if poster is not None:
                await poster.close()

    def _poster(self) -> Poster:
        from livedvr.recordings.posting import Poster  # an HTTP client is imported by who has something to tell

        return Poster(self._policy)

    async def _send(self, poster: Poster, row: NotificationRow) -> None:
        dialect = self._dialects.get(row.dialect)
        if dialect is None:  # the server has been told to forget it
            await self._give_up(row, f"there is no dialect '{row.dialect}' any more")
            return
        policy = dialect.policy
        headers = dialect.headers(row.next_uri, row.event, row.body, row.secret)
        try:
            status = await poster.post(row.next_uri, headers, row.body, policy.timeout / SECOND, policy.redirects)
            why = None if 200 <= status < 300 else f"it is answered with {status}"
        except (PermissionDenied, InvalidArgument) as error:
            why = str(error)
            if len(row.uris) == 1:  # another day it may not be told, either
                await self._give_up(row, why)
                return
        except SourceError as error:
            why = str(error)
        if why is None:
            await self._write(row, None)
        elif (until := self._again(row, policy)) is not None:
            if row.attempts == 0:
                _tell_operator("notification failed", row, why)
            work = notification_rows.postpone_notification
            await self._held.write(lambda db: work(db, row.serial, until))
        else:
            await self._give_up(row, f"{row.attempts + 1} attempts, {why}")

    def _again(self, row: NotificationRow, policy: RetryPolicy) -> int | None:
        return next_attempt(policy, row.created, row.attempts, self._clock.now(), len(row.uris) - 1)

    async def _give_up(self, row: NotificationRow, why: str) -> None:
        _tell_operator("notification lost", row, why)
        await self._write(row, f"{row.event} of recording '{row.recording}' to {public_uri(row.next_uri)}: {why}")

    async def _write(self, row: NotificationRow, lost: str | None) -> None:
        """It goes; ``lost``: what the channel's user is told of it."""
        now = self._clock.now()

        def work(db: sqlite3.Connection) -> None:
            notification_rows.delete_notification(db, row.serial)
            if lost is not None:
                channel_rows.add_event(db, self._channel, now, "NOTIFICATION_LOST", lost)

        await self._held.write(work)


def _tell_operator(what: str, row: NotificationRow, why: str) -> None:
    """A line in the log. Of the URI the host alone: there are receivers whose path is their key."""
    host = public_uri(row.next_uri).partition("://")[2].partition("/")[0]
    told = {"channel": row.channel, "recording": row.recording, "dialect": row.dialect, "host": host, "why": why}
    _log.warning(what, extra={"fields": told})
