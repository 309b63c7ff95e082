"""What turns texts into vectors."""

from collections.abc import Sequence
from typing import Protocol

from memory.engines.base import EmbeddingSpec, Vector


class Embedder(Protocol):
    @property
    def spec(self) -> EmbeddingSpec:
        """Which vectors these are; a store holds those of one embedder only."""
        ...

    @property
    def immediate(self) -> bool:
        """Computes in this process in well under a millisecond: callers may wait for it. A remote one is not."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One unit-length float32 vector per text, in order; any string is legal, the empty one too.

        Raises EmbedderUnavailable.
        """
        ...
