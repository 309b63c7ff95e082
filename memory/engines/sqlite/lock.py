"""One process per database: a lock that the system lets go of when the process ends, however it ends."""

import fcntl
import os
from pathlib import Path

from memory.errors import Misconfigured, StoreInUse


class FileLock:
    """`<database>.lock`, held from `acquire` to `release`. The file stays; only the lock on it says anything."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises StoreInUse where another engine holds it, Misconfigured where the file can't be made."""
        path = f"{self._database}.lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Misconfigured(f"REMORA_STORE: '{path}' cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise StoreInUse(
                f"REMORA_STORE: another process has '{self._database}' open, and SQLite serves one process at a time. "
                "Stop that process, or set REMORA_STORE to a redis:// URL, which any number of processes may share."
            ) from error
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
