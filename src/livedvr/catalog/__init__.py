"""The durable state, in SQLite."""
