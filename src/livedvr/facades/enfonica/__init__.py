"""Enfonica Voice v1beta1 over REST: the recordings of calls, and calls as what starts them. A call is a channel here.

The wire is that of the vendor's public protocol buffers (enfonica/enfonicaapis): `messages` has what we use of them.
"""
