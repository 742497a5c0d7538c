"""Clips: content that is copied out of a channel, and outlives it."""
