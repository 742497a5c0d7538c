"""The Live Stream API v1: one handler table, two doors (REST and gRPC). Imported only by who serves it."""
