"""How much of everything, for both doors (house numbers)."""

LARGEST_BODY = 1 << 20  # bytes of a request
LARGEST_HEAD = 16 << 10  # bytes of its headers
BODY_SECONDS = 20.0  # in which it has to be there
MOST_AT_ONCE = 1000  # connections over REST, requests over gRPC: 50 clients, each with a pool of its own
