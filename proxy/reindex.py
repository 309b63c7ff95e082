"""`remora reindex`: every memory embedded anew, after REMORA_EMBEDDER was changed."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from config.settings import Settings
from memory.embedding.factory import open_embedder
from memory.engines.factory import make_engine


async def reindex(settings: Settings, console: Console) -> None:
    """Make the store the embedder's that the settings name. Can be run again where it was interrupted.

    Raises Misconfigured, StoreUnavailable, EmbedderUnavailable.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with open_embedder(settings) as embedder, make_engine(settings, embedder.spec, reindexing=True) as engine:
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("embedding", total=None)
            count = await engine.reindex(
                embedder.embed, lambda done, total: progress.update(task, completed=done, total=total)
            )
        console.print(f"{count:,} memories are indexed for {embedder.spec.name}")
