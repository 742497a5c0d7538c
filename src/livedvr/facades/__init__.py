"""Other systems' recording APIs over `dvr.recordings`: each a router, a check of who asks, a mapping of requests and
answers, and a dialect of webhooks. There is one recorder, and none of it is here."""
