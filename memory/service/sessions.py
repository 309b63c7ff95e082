"""The places of turns in their sessions."""

from collections.abc import Mapping, Sequence

from memory.engines.base import Counters
from memory.model import Memory


async def number_turns(counters: Counters, tenant: str, sessions: Mapping[str, Sequence[Memory]]) -> None:
    """Gives the turns of each session, by its counter, the places that follow its last one, in their order."""
    if not sessions:
        return
    last = await counters.add(tenant, {counter: len(turns) for counter, turns in sessions.items()})
    for counter, turns in sessions.items():
        for seq, turn in enumerate(turns, last[counter] - len(turns) + 1):
            turn.seq = seq
