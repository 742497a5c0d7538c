"""The Live Stream API v1: one handler table, two doors (REST and gRPC). Imported only by who serves it."""

import os

# Before grpc is imported: its core writes lines of its own to stderr, one for each bad handshake, and ours is JSON.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
