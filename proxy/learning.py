"""What a call leaves behind: its receipt and, where there is something to learn, the job of learning it."""

from msgspec import Struct

from context.receipt import Learning, Receipt
from memory.caller import Caller
from memory.engines.base import Enqueue, Write
from memory.extraction.exchange import Exchange, Round, enqueue_exchange, final_answer
from memory.markers import strip_blocks
from proxy.completion import Completion
from proxy.outbox import Outbox


class NothingToLearn(Exception):
    """Says why, in words for the receipt."""


class Lesson(Struct, frozen=True, kw_only=True):
    """A conversation that waits for its answer."""

    caller: Caller
    namespace: str
    agent: str | None
    app: str | None
    session: str | None
    """None: derived from how the conversation began."""
    newest: Round | None
    """Of the conversation; the rest of it, which may be long, is not kept while the answer comes in."""
    request_id: str
    at: int
    """Unix milliseconds."""

    def job(self, completion: Completion) -> Enqueue:
        """Raises NothingToLearn."""
        message = completion.message()
        if message is None:
            raise NothingToLearn("the answer is not whole")
        answer = final_answer(message)
        if answer is None:
            raise NothingToLearn("the answer calls tools, and waits for theirs")
        if (newest := self.newest) is None:
            raise NothingToLearn("the user said nothing new")
        return enqueue_exchange(
            Exchange(
                tenant=self.caller.tenant,
                namespace=self.namespace,
                user_id=self.caller.user,
                credential=self.caller.credential,
                agent_id=self.agent,
                app=self.app,
                run_id=self.session or newest.session,
                asked=newest.asked,
                answer=strip_blocks(answer),  # a model may quote what was injected
                preceding=newest.preceding,
                at=self.at,
                request_id=self.request_id,
            )
        )


class Record:
    """Written once: when the answer is whole, or when it will not be."""

    def __init__(
        self, receipt: Receipt, lesson: Lesson | None, outbox: Outbox, *, ttl_seconds: int, wait: bool
    ) -> None:
        """Without a lesson the receipt already says why. `wait`: whether the store is worth waiting for."""
        self._receipt = receipt
        self._lesson = lesson
        self._outbox = outbox
        self._ttl_seconds = ttl_seconds
        self._wait = wait
        self._written = False

    async def conclude(self, completion: Completion) -> None:
        """Before the answer's last bytes go out: on return, if the store was in time, the job survives this process."""
        if self._written or self._lesson is None:
            self.abandon("")
            return
        try:
            job = self._lesson.job(completion)
        except NothingToLearn as why:
            self.abandon(str(why))
            return
        self._written = True
        self._receipt.learning = Learning(enqueued=True)
        writes: list[Write] = [*self._told(), job]
        if self._wait:
            await self._outbox.commit(writes)
        else:
            self._outbox.post(writes)

    def abandon(self, reason: str) -> None:
        """There is nothing to learn, and no answer has to wait for a receipt."""
        if self._written:
            return
        self._written = True
        if self._lesson is not None:
            self._receipt.learning = Learning(enqueued=False, reason=reason)
        self._outbox.post(self._told())

    def _told(self) -> list[Write]:
        """The receipt, for whoever asks and for whoever listens."""
        return [self._receipt.document(ttl_seconds=self._ttl_seconds), self._receipt.event()]
