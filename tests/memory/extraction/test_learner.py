from collections.abc import Sequence

import msgspec
import pytest

from memory import ids
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Engine, Limit
from memory.errors import Forbidden, NotFound
from memory.extraction.exchange import enqueue_exchange
from memory.extraction.learned import REFUSED_COUNTER, Learned, refusals
from memory.model import NamespaceConfig
from memory.service import directory, events
from memory.service.namespaces import NamespaceDraft
from tests.memory.extraction.lessons import MINUTE, School, an_exchange, assistant, user
from tests.support.services import START, a_caller, services_over


async def test_a_round_becomes_an_episode_and_its_facts_name_it_as_their_source(school: School) -> None:
    await school.learner.learn(an_exchange("I'm allergic to peanuts.", answer="Noted: no peanuts."))
    [episode] = await school.memories("episodic")
    [fact] = await school.memories("semantic")
    assert episode.content == "User: I'm allergic to peanuts.\nAssistant: Noted: no peanuts."
    assert (episode.seq, episode.run_id, episode.source) == (1, "session", "extracted")
    assert fact.content == "User is allergic to peanuts"
    assert (fact.source_ids, fact.source, fact.slot) == ([episode.id], "extracted", "allergy:peanut")
    assert (fact.created_at, fact.seq) == (START, None)


async def test_a_history_resent_in_full_stores_each_round_and_fact_once(school: School) -> None:
    said = [f"Turn {number}: tell me a story." for number in range(50)]
    said[10] = "I live in Lisbon."
    said[20] = "I never want mushrooms."
    said[30] = "yes"
    said[40] = "yes"
    conversation = [{"role": "system", "content": "I am a helpful assistant. My name is Botty."}]
    for number, text in enumerate(said):
        conversation.append(user(text))
        await school.hear(conversation, f"Answer {number}.", at=START + number * MINUTE)
        conversation.append(assistant(f"Answer {number}."))
        if number % 10 == 0:
            await school.study()
    await school.study()
    episodes = await school.memories("episodic")
    assert [episode.content for episode in episodes] == [
        f"User: {text}\nAssistant: Answer {number}." for number, text in enumerate(said)
    ]
    assert [episode.seq for episode in episodes] == list(range(1, 51))
    assert await school.facts() == ["User lives in Lisbon", "User never wants mushrooms"]


async def test_a_retry_and_a_regeneration_teach_nothing_twice(school: School) -> None:
    conversation = [user("I work at Siemens.")]
    assert await school.hear(conversation, "Nice.") is not None
    assert await school.hear(conversation, "Nice.") is None
    await school.study()
    # The queue forgets in time; the memory does not.
    await school.learner.learn(an_exchange("I work at Siemens.", run_id="other"))
    await school.learner.learn(an_exchange("I work at Siemens.", run_id="other", answer="How is it there?"))
    assert len(await school.episodes()) == 2
    assert await school.facts() == ["User works at Siemens"]


async def test_two_genuine_yes_are_two_rounds(school: School) -> None:
    first = [user("Shall I go?"), assistant("Continue?"), user("yes")]
    second = [*first, assistant("Continue?"), user("yes")]
    third = [*second, assistant("Continue?"), user("yes")]
    for conversation in (first, second, third):
        assert await school.hear(conversation, "Continue?") is not None
    await school.study()
    assert len(await school.episodes()) == 3


async def test_a_move_supersedes_the_old_residence_and_history_keeps_both(school: School) -> None:
    await school.learner.learn(an_exchange("I live in Lisbon."))
    await school.learner.learn(an_exchange("I've moved from Lisbon to Porto.", at=START + MINUTE))
    assert await school.facts() == ["User moved from Lisbon to Porto"]
    [lisbon, porto] = await school.memories("semantic", current=False)
    assert (lisbon.content, lisbon.superseded_by) == ("User lives in Lisbon", porto.id)
    told = await school.services.history.of(a_caller(), porto.id)
    assert {"User lives in Lisbon", "User moved from Lisbon to Porto"} <= {change.content for change in told}


async def test_a_late_older_exchange_does_not_supersede_a_newer_fact(school: School) -> None:
    await school.learner.learn(an_exchange("I live in Porto.", at=START + MINUTE))
    await school.learner.learn(an_exchange("I live in Lisbon.", at=START))
    assert await school.facts() == ["User lives in Porto"]
    assert sorted(await school.facts(current=False)) == ["User lives in Lisbon", "User lives in Porto"]


async def test_saying_it_again_makes_a_fact_newer_than_what_was_said_between(school: School) -> None:
    await school.learner.learn(an_exchange("I live in Porto.", at=START))
    await school.learner.learn(an_exchange("I live in Porto!", at=START + 2 * MINUTE))
    await school.learner.learn(an_exchange("I live in Lisbon.", at=START + MINUTE))
    [porto] = await school.memories("semantic")
    assert porto.content == "User lives in Porto"
    assert porto.confidence > 0.95
    assert len(porto.source_ids) == 2


async def test_the_same_words_long_after_hold_anew(school: School) -> None:
    for hour, town in enumerate(["Lisbon", "Porto", "Lisbon"]):
        told = an_exchange(f"I live in {town}.", run_id=town, at=START + hour * 60 * MINUTE)
        await school.learner.learn(told)
        await school.learner.learn(told)
        await school.learner.learn(told, again=True)
    assert await school.facts() == ["User lives in Lisbon"]
    assert len(await school.facts(current=False)) == 3
    assert len(await school.episodes()) == 2


async def test_the_same_words_long_after_confirm_a_fact_that_still_holds(school: School) -> None:
    await school.learner.learn(an_exchange("I live in Lisbon."))
    await school.learner.learn(an_exchange("I live in Lisbon.", at=START + 60 * MINUTE))
    [fact] = await school.memories("semantic", current=False)
    assert fact.derived_at == START + 60 * MINUTE


@pytest.mark.parametrize("minutes", [1, 10])
async def test_a_regeneration_within_ten_minutes_does_not_undo_what_was_said_since(
    school: School, minutes: int
) -> None:
    await school.learner.learn(an_exchange("I live in Lisbon."))
    await school.learner.learn(an_exchange("I live in Porto.", at=START + 1))
    await school.learner.learn(an_exchange("I live in Lisbon.", at=START + minutes * MINUTE))
    assert await school.facts() == ["User lives in Porto"]


async def test_returning_to_an_earlier_value_makes_a_fact_of_its_own(school: School) -> None:
    for minute, town in enumerate(["Lisbon", "Porto", "Lisbon"]):
        await school.learner.learn(an_exchange(f"I live in {town}.", preceding=str(minute), at=START + minute * MINUTE))
    assert await school.facts() == ["User lives in Lisbon"]
    assert len(await school.facts(current=False)) == 3


@pytest.mark.parametrize(
    ("earlier", "later", "left"),
    [
        ("I love sushi.", "I no longer like sushi.", ["User no longer likes sushi"]),
        ("I love meat.", "I don't eat meat any more.", ["User doesn't eat meat any more"]),
        ("I live in Lisbon.", "Actually it's Porto, not Lisbon.", ["User lives in Porto"]),
        ("My wife's name is Anna.", "Sorry, I meant Hanna, not Anna.", ["User's wife's name is Hanna"]),
        ("I live in Porto.", "I no longer live in Porto.", ["User no longer lives in Porto"]),
        (
            "I live in Porto.",
            "I don't live in Lisbon anymore.",
            ["User lives in Porto", "User doesn't live in Lisbon anymore"],
        ),
        (
            "I live in Porto.",
            "I no longer live in Lisbon, Portugal.",
            ["User lives in Porto", "User no longer lives in Lisbon, Portugal"],
        ),
        (
            "I work at Siemens.",
            "I no longer work for Bosch.",
            ["User works at Siemens", "User no longer works for Bosch"],
        ),
        ("I work at Siemens.", "I don't work at Siemens any more.", ["User doesn't work at Siemens any more"]),
        ("I moved to Porto.", "I moved to Lisbon in 2005.", ["User moved to Porto", "User moved to Lisbon in 2005"]),
        (
            "I live in Porto.",
            "I moved to Rome when I was six.",
            ["User lives in Porto", "User moved to Rome when they were six"],
        ),
        (
            "I work at Siemens.",
            "I quit my job at Siemens ten years ago.",
            ["User works at Siemens", "User quit their job at Siemens ten years ago"],
        ),
        ("I work at Bosch.", "I got fired from Acme.", ["User works at Bosch", "User got fired from Acme"]),
        ("I work at Acme.", "I got fired from Acme last week.", ["User got fired from Acme last week"]),
        ("I work at Bosch.", "I quit my job at Acme.", ["User works at Bosch", "User quit their job at Acme"]),
        ("I work at Acme.", "I lost my job.", ["User lost their job"]),
        ("I'm vegan.", "I'm not kosher.", ["User is vegan", "User is not kosher"]),
        ("I'm a strict vegan.", "I'm no longer vegan.", ["User is no longer vegan"]),
        (
            "My favorite color is green.",
            "My favorite color isn't blue.",
            ["User's favorite color is green", "User's favorite color isn't blue"],
        ),
        ("My favorite color is blue.", "My favorite color is not blue.", ["User's favorite color is not blue"]),
        ("I'm married.", "I am not divorced.", ["User is married", "User is not divorced"]),
        ("I'm married.", "I am not married any more.", ["User is not married any more"]),
        ("I'm a pilot.", "I'm not a doctor.", ["User is a pilot", "User is not a doctor"]),
        ("I live in Lisbon.", "I live in Porto, not in Lisbon.", ["User lives in Porto, not in Lisbon"]),
        ("My favourite colour is green.", "My favourite colour is red now.", ["User's favourite colour is red now"]),
        (
            "I'm allergic to peanuts.",
            "I'm allergic to cats.",
            ["User is allergic to peanuts", "User is allergic to cats"],
        ),
    ],
)
async def test_what_a_later_statement_leaves_current(school: School, earlier: str, later: str, left: list[str]) -> None:
    await school.learner.learn(an_exchange(earlier))
    await school.learner.learn(an_exchange(later, at=START + MINUTE))
    assert await school.facts() == left


async def test_a_correction_of_nothing_known_is_not_stored(school: School) -> None:
    await school.learner.learn(an_exchange("Actually it's Porto, not Lisbon."))
    assert await school.facts() == []


async def test_the_later_of_two_statements_in_one_message_stands(school: School) -> None:
    exchange = an_exchange("I live in Lisbon. Sorry, I live in Porto.")
    await school.learner.learn(exchange)
    assert await school.facts() == ["User lives in Porto"]
    await school.learner.learn(exchange, again=True)
    assert await school.facts() == ["User lives in Porto"]
    assert len(await school.facts(current=False)) == 2


async def test_an_attempt_that_broke_off_is_completed_without_storing_anything_twice(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    await school.learner.learn(an_exchange("I live in Lisbon."))
    later = an_exchange("I live in Porto. I'm allergic to nuts.", at=START + MINUTE)
    revise = school.services.revise

    async def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(revise, "supersede", crash)
    with pytest.raises(KeyboardInterrupt):
        await school.learner.learn(later)
    monkeypatch.undo()
    assert sorted(await school.facts()) == ["User lives in Lisbon", "User lives in Porto"]
    for _ in range(2):
        await school.learner.learn(later, again=True)
        assert sorted(await school.facts()) == ["User is allergic to nuts", "User lives in Porto"]
    assert len(await school.episodes()) == 2


async def test_owners_and_namespaces_do_not_touch_each_other(school: School) -> None:
    await school.learner.learn(an_exchange("I live in Lisbon."))
    await school.learner.learn(an_exchange("I live in Porto.", user_id="bob", at=START + MINUTE))
    await school.learner.learn(an_exchange("I live in Faro.", user_id=None, at=START + MINUTE))
    await school.learner.learn(an_exchange("I live in Braga.", namespace="work", at=START + MINUTE))
    assert await school.facts() == ["User lives in Lisbon", "User lives in Braga"]
    assert await school.facts(owner="u:bob") == ["User lives in Porto"]
    assert await school.facts(owner="c:test") == ["User lives in Faro"]


async def test_the_answer_teaches_no_facts(school: School) -> None:
    await school.learner.learn(an_exchange("Tell me about me.", answer="You like jazz. I live in Paris. User is tall."))
    assert await school.facts() == []


async def test_what_several_people_say_is_an_episode_and_no_facts(school: School) -> None:
    await school.hear([user("I live in Rome.") | {"name": "tom"}, user("I'm vegan.") | {"name": "ann"}], "Hello both.")
    await school.study()
    assert await school.episodes() == ["User: [tom] I live in Rome.\nUser: [ann] I'm vegan.\nAssistant: Hello both."]
    assert await school.facts() == []


async def test_secrets_are_not_stored(school: School) -> None:
    text = "My password is hunter2 and my card is 4111 1111 1111 1111. I live in Porto."
    await school.enqueue(enqueue_exchange(an_exchange(text, answer="Your card 4111 1111 1111 1111, noted.")))
    await school.study()
    stored = "\n".join(await school.episodes() + await school.facts())
    assert "hunter2" not in stored
    assert "4111" not in stored
    assert await school.facts() == ["User lives in Porto"]


async def test_a_long_round_becomes_several_episodes_in_order(school: School) -> None:
    text = "\n\n".join(f"Paragraph {number} " + "word " * 100 for number in range(40))
    await school.learner.learn(an_exchange(text))
    episodes = await school.memories("episodic")
    assert len(episodes) == 3
    assert [episode.seq for episode in episodes] == [1, 2, 3]
    assert all(len(episode.content.encode()) <= 10_240 for episode in episodes)
    assert " ".join(episode.content for episode in episodes).split() == f"User: {text}\nAssistant: Noted.".split()


async def test_without_facts_only_the_episode_is_kept(school: School) -> None:
    await school.make_learner(facts=False).learn(an_exchange("I live in Lisbon."))
    assert len(await school.episodes()) == 1
    assert await school.facts() == []


async def test_a_namespace_rule_that_stops_learning_is_counted_and_told(school: School) -> None:
    config = NamespaceConfig(allowed_types=["semantic"])
    await school.services.namespaces.create(a_caller(), NamespaceDraft(name="strict", config=config))
    job = enqueue_exchange(an_exchange("I live in Lisbon.", namespace="strict"))
    id = await school.engine.jobs.enqueue(job)
    assert id is not None
    await school.study()
    status = await school.engine.jobs.status("default", id)
    assert status is not None
    assert status.result is not None
    learned = msgspec.json.decode(status.result, type=Learned)
    assert learned.episodes == []
    assert "episodic" in learned.refused[0]
    assert await school.facts() == ["User lives in Lisbon"]
    assert await school.engine.counters.values("default", [REFUSED_COUNTER]) == {REFUSED_COUNTER: 1}


class Plan:
    """One memory, then none: a tenant's quota, until the tenant is gone."""

    def __init__(self) -> None:
        self.gone = False

    async def limits(self, tenant: str) -> Sequence[Limit]:
        if self.gone:
            raise Forbidden("this tenant does not exist any more", tenant=tenant)
        return [Limit(memories=1)]


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
def limited(either_engine: Engine, embedder: BundledEmbedder, plan: Plan) -> School:
    return School(services_over(either_engine, embedder, quotas=plan), embedder, plan)


async def test_a_quota_that_stops_learning_is_counted_and_told_to_the_receipt(limited: School) -> None:
    await limited.learner.learn(an_exchange("I live in Lisbon.", request_id="req_7"))

    assert len(await limited.episodes()) == 1
    assert await limited.facts() == []
    assert await limited.engine.counters.values("default", [REFUSED_COUNTER]) == {REFUSED_COUNTER: 1}
    told = await refusals(limited.engine.documents, "default", "req_7")
    assert told == ["the tenant holds its maximum of 1 memories"]
    assert await refusals(limited.engine.documents, "default", "req_8") == []
    assert await refusals(limited.engine.documents, "other", "req_7") == []


async def test_a_deleted_tenants_waiting_lessons_end_at_once_without_effect(limited: School, plan: Plan) -> None:
    id = await limited.engine.jobs.enqueue(enqueue_exchange(an_exchange("I live in Lisbon.", tenant="gone")))
    assert id is not None
    plan.gone = True

    await limited.study()

    status = await limited.engine.jobs.status("gone", id)
    assert status is not None
    assert (status.state, status.attempt, status.result) == ("done", 1, None)
    assert (await limited.engine.memories.usage("gone")).memories == 0
    for kind in ("namespace", "refused", "lesson"):
        assert (await limited.engine.documents.list(kind, "gone"))[1] == 0
    assert await limited.engine.counters.values("gone", [REFUSED_COUNTER]) == {REFUSED_COUNTER: 0}


async def test_a_namespace_deleted_meanwhile_does_not_come_back_by_what_waited(school: School) -> None:
    namespaces = school.services.namespaces
    await namespaces.ensure(a_caller(), "work")
    waiting = an_exchange("I live in Lisbon.", namespace="work", at=school.services.clock.now)
    school.services.clock.pass_(ms=1)
    await namespaces.delete(a_caller(), "work")

    learned = await school.learner.learn(waiting)

    assert learned.refused == ["the namespace was deleted meanwhile"]
    with pytest.raises(NotFound):
        await namespaces.resolve(a_caller(), "work")
    school.services.clock.pass_(ms=1)
    await school.learner.learn(an_exchange("I live in Porto.", namespace="work", at=school.services.clock.now))
    assert await school.facts() == ["User lives in Porto"]


async def test_a_confirmed_fact_is_told_to_the_live_feed(school: School) -> None:
    for hours in (0, 1):
        await school.learner.learn(an_exchange("I live in Lisbon.", at=START + hours * 60 * MINUTE))

    entries = await school.engine.log.read("default", events.STREAM)
    [fact] = await school.memories("semantic")
    told = [msgspec.json.decode(entry.entry, type=events.Event) for entry in entries]
    assert [event.kind for event in told if event.id == ids.spell(fact.id)] == ["memory.created", "memory.updated"]


async def test_a_call_without_a_user_teaches_its_credential_only(school: School) -> None:
    await school.learner.learn(an_exchange("I live in Faro.", user_id=None, credential="fingerprint"))
    [fact] = await school.memories("semantic", owner="c:fingerprint")
    assert (fact.user_id, fact.credential) == (None, "fingerprint")
    assert fact.owner == a_caller(credential="fingerprint").owner()


async def test_where_no_further_namespace_can_be_made_nothing_is_learned(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "MAX_NAMESPACES", 0)
    learned = await school.learner.learn(an_exchange("I live in Lisbon."))
    assert learned.refused == ["the tenant has its maximum of 0 namespaces"]
    assert (learned.stored, learned.episodes) == ([], [])
