"""Plain SQL for ad breaks that wait: each function is one statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from livedvr.timeline.ranges import BreakOrder


def add_order(db: sqlite3.Connection, channel: str, order: BreakOrder) -> None:
    """It waits from here on."""
    db.execute("INSERT INTO break_orders VALUES (?, ?, ?, ?)", (channel, order.event, order.at, order.duration))


def list_orders(db: sqlite3.Connection, channel: str) -> list[BreakOrder]:
    """The channel's orders by their instants."""
    rows = db.execute("SELECT event, at, duration FROM break_orders WHERE channel = ? ORDER BY at, event", (channel,))
    return [BreakOrder(*row) for row in rows]


def delete_orders(db: sqlite3.Connection, channel: str, orders: Iterable[BreakOrder]) -> None:
    """They wait no more."""
    keys = [(channel, order.event, order.at) for order in orders]
    db.executemany("DELETE FROM break_orders WHERE channel = ? AND event = ? AND at = ?", keys)
