"""ffmpeg: settings to argv, one detached run with its keeper, its journal, the supervisor."""
