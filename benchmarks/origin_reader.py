"""``python -m benchmarks.origin_reader PORT FOLDER``: the same files by Starlette, which reads in threads."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

if __name__ == "__main__":
    app = Starlette(routes=[Mount("/media", StaticFiles(directory=sys.argv[2]))])
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", http="h11", loop="asyncio", ws="none", lifespan="off")
