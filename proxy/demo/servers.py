"""Servers inside this process, on loopback ports that the system chooses."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn

from memory.errors import Unavailable

START_SECONDS = 60.0


@contextmanager
def serving(config: uvicorn.Config) -> Iterator[str]:
    """Serve in a thread; gives the base URL once it answers. Raises Unavailable if it does not start."""
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise Unavailable("a server of the demonstration did not start; what is above says why")
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
