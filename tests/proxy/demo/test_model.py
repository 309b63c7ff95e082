from collections.abc import Iterator

import pytest
import uvicorn
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

from proxy.demo.model import MODEL, NOTED, UNKNOWN, Script, answer
from proxy.demo.servers import serving


def asked(question: str, *before: str) -> str:
    return answer([{"role": "system", "content": text} for text in before] + [{"role": "user", "content": question}])


def test_it_quotes_the_line_of_its_prompt_that_shares_most_words() -> None:
    prompt = "Be brief.\n- Ana lives in Porto\n- Ana is allergic to peanuts"
    assert asked("What is Ana allergic to?", prompt) == "My prompt says: “Ana is allergic to peanuts”"


def test_it_quotes_a_line_for_each_part_of_the_question() -> None:
    assert asked("Where do I live, and what is my allergy?", "* lives in Porto\n* lives well\n* allergic to nuts") == (
        "My prompt says: “lives in Porto” “allergic to nuts”"
    )


@pytest.mark.parametrize("prompt", ["", "The sun is yellow.", "What is it that you are to me?"])
def test_it_owns_up_to_what_its_prompt_does_not_tell(prompt: str) -> None:
    assert asked("Where do I live?", prompt) == UNKNOWN


def test_it_does_not_quote_the_question_itself() -> None:
    assert asked("Do I live in Porto?") == UNKNOWN


def test_it_promises_nothing_when_it_is_told_something() -> None:
    assert asked("I live in Porto.", "I live in Lisbon.") == NOTED


def test_content_that_is_no_text_is_passed_over() -> None:
    parts = {"role": "user", "content": [{"type": "image_url"}]}
    assert answer([parts, {"role": "user", "content": "Where do I live?"}]) == UNKNOWN


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def url(script: Script) -> Iterator[str]:
    with serving(uvicorn.Config(script.app(), log_config=None, access_log=False)) as url:
        yield f"{url}/v1"


@pytest.mark.parametrize("stream", [False, True])
async def test_the_openai_client_understands_it(url: str, script: Script, stream: bool) -> None:
    question: ChatCompletionMessageParam = {"role": "user", "content": "Do I like plums?"}
    knowledge: ChatCompletionMessageParam = {"role": "system", "content": "Ana likes plums"}
    async with AsyncOpenAI(base_url=url, api_key="none") as client:
        if stream:
            chunks = await client.chat.completions.create(model=MODEL, messages=[knowledge, question], stream=True)
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])
        else:
            answered = await client.chat.completions.create(model=MODEL, messages=[knowledge, question])
            text = answered.choices[0].message.content or ""
    assert text == "My prompt says: “Ana likes plums”"
    assert script.received == [[knowledge, question]]


async def test_it_lists_itself(url: str) -> None:
    async with AsyncOpenAI(base_url=url, api_key="none") as client:
        assert [model.id async for model in client.models.list()] == [MODEL]
