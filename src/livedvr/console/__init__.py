"""The console: a page that shows what is recorded, plays it and makes DVR sessions. It writes through the API only."""
