"""PURE text. Playlists written line by line, and the rules of RFC 8216bis to check anybody's."""
