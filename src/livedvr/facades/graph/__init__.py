"""Microsoft Graph's cloud communications: `call: record` and what of calls it needs.

https://learn.microsoft.com/graph/api/call-record; the reference's section 3 names the rest.
"""
