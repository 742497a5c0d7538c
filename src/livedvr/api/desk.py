"""What the handlers of all collections work with."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from livedvr.api.call import Call
from livedvr.api.ingest_ports import IngestPorts
from livedvr.api.messages import from_row, to_row
from livedvr.api.operations import Operations
from livedvr.api.outputs import Outputs
from livedvr.app import LiveDvr
from livedvr.catalog import api_rows
from livedvr.catalog.api_rows import ResourceRow
from livedvr.catalog.catalog import Catalog
from livedvr.resources.errors import Aborted, AlreadyExists, NotFound
from livedvr.resources.layout import check_id


@dataclass(frozen=True, slots=True)
class Desk:
    """The DVR itself, and what the API has beside it. ``outputs``: where channels may write.

    ``attaching``: held by who attaches inputs to channels, and by who changes an input or takes it away: a channel's
    rules are those of its inputs.
    """

    dvr: LiveDvr
    catalog: Catalog
    operations: Operations
    outputs: Outputs
    ports: IngestPorts
    attaching: asyncio.Lock = field(default_factory=asyncio.Lock)

    def find(self, name: str) -> ResourceRow | None:
        """The stored resource with this name."""
        return self.catalog.read(lambda db: api_rows.get_resource(db, name))

    def row(self, name: str, *, field: str = "name") -> ResourceRow:
        """The stored resource with this name, or NOT_FOUND."""
        found = self.find(name)
        if found is None:
            raise NotFound(f"there is no '{name}'", field=field)
        return found

    def get(self, name: str, kind: type[Any], *, field: str = "name") -> Any:
        """The stored resource as a message, or NOT_FOUND."""
        return from_row(self.row(name, field=field), kind)

    def list(self, collection: str, kind: type[Any]) -> list[Any]:
        """A collection as messages, by name."""
        return [from_row(row, kind) for row in self.rows(collection)]

    def rows(self, collection: str) -> Sequence[ResourceRow]:
        """A collection as it is stored, by name."""
        return self.catalog.read(lambda db: api_rows.list_resources(db, collection))

    def domain_id(self, channel: str, *, field: str = "name") -> str:
        """The id that a channel has in the domain, or NOT_FOUND."""
        domain = self.row(channel, field=field).domain
        assert domain is not None  # each channel has one
        return domain

    def new_domain_id(self, channel_id: str) -> str:
        """An id for a new channel: its own, unless another project or a script has a channel that is called so."""
        taken = self.catalog.read(api_rows.domain_ids)
        return channel_id if channel_id not in taken else f"{channel_id[:56]}-{secrets.token_hex(3)}"

    def new_name(self, collection: str, resource_id: str, *, field: str) -> str:
        """The name of a new resource; its id is checked. ALREADY_EXISTS."""
        name = f"{collection}/{check_id(resource_id, field=field)}"
        if self.find(name) is not None:
            raise AlreadyExists(f"'{name}' exists already", field=field, hint="use another id")
        return name

    def add(self, db: sqlite3.Connection, row: ResourceRow, *, field: str) -> None:
        """Store a new resource, in the transaction that makes it. ALREADY_EXISTS: another request was faster."""
        if not api_rows.add_resource(db, row):
            raise AlreadyExists(f"'{row.name}' exists already", field=field, hint="use another id")

    async def accept(
        self, call: Call, verb: str, stored: Any, before: ResourceRow | None, *, field: str = "name"
    ) -> Any:
        """The operation that is done with what a resource is from now on: both in one transaction.

        ``before``: what it was; None: it is new, and ``field`` has named it.
        """
        row = to_row(stored, call.now if before is None else before.created, call.now)

        def work(db: sqlite3.Connection) -> Any:
            if before is None:
                self.add(db, row, field=field)
            else:
                self.replace(db, before, row)
            return self.operations.accept(db, call, row.name, verb, from_row(row, type(stored)))

        return await self.catalog.write(work)

    def replace(self, db: sqlite3.Connection, old: ResourceRow, new: ResourceRow) -> None:
        """Store what a resource becomes. ABORTED: it is not what it was when the change was decided (AIP-151)."""
        if not api_rows.replace_resource(db, old, new):
            raise Aborted(
                f"'{old.name}' has been changed meanwhile", field="name", hint="read it again, then change it"
            )
