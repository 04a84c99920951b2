"""Ghost text without a server: the same text as from one, shared by several, and no work that nobody wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from afterword import local
from afterword.client import ConnectionLost, connect
from afterword.config.settings import ModelSettings, Settings
from afterword.engine.in_process import InProcessEngine
from afterword.engine.options import EngineOptions
from afterword.gateway.server import running_server
from afterword.local import BlockingCompleter, Completer
from afterword.models import ModelError
from afterword.text.vocabulary import Vocabulary
from afterword.worker.in_process import load_giving_way

TEXTS = [
    "xyz",
    "She had 42 reasons",
    "It was a bright",
    "April",
]  # the random model has something to say to each, most to the first

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def folder(tiny_model_folder: Any) -> Path:
    path: Path = tiny_model_folder("qwen3")
    return path


@pytest.fixture
async def writer(folder: Path) -> AsyncIterator[Completer]:
    async with Completer(str(folder)) as writer:
        yield writer


async def written(writer: Completer, text: str, **options: Any) -> str:
    return "".join([piece async for piece in writer.complete(text, **options)])


def steps_of(writer: Completer) -> int:
    assert writer._engine is not None
    assert writer._engine.core is not None
    return writer._engine.core.counters.steps


async def test_text_comes_in_pieces(writer: Completer) -> None:
    pieces = [piece async for piece in writer.complete(TEXTS[0], max_tokens=12)]
    assert len(pieces) > 3
    assert all(pieces)


async def test_it_is_the_text_that_a_server_gives(writer: Completer, folder: Path) -> None:
    options = Settings().changed(port=0)
    engine = InProcessEngine(partial(load_giving_way, EngineOptions(folder=folder, name="tiny")))
    async with (
        running_server(options, engine, Vocabulary.from_folder(folder), model="tiny") as server,
        connect(server.url) as client,
    ):
        for number, text in enumerate(TEXTS):
            suggestion = (await client.open(f"text {number}", text)).suggest(max_tokens=12, stop="none")
            await suggestion.done()
            assert suggestion.text
            assert await written(writer, text, max_tokens=12) == suggestion.text


async def test_several_at_once_write_what_each_would_alone(writer: Completer) -> None:
    alone = [await written(writer, text, max_tokens=12) for text in TEXTS]
    together = await asyncio.gather(*(written(writer, text, max_tokens=12) for text in TEXTS))
    assert together == alone
    assert len(set(alone)) == len(TEXTS)


async def test_sampling_with_a_seed_repeats_itself(writer: Completer) -> None:
    options = {"max_tokens": 12, "temperature": 1.5}
    one, same, other = [await written(writer, TEXTS[0], seed=seed, **options) for seed in (1, 1, 2)]
    assert one == same != other


async def test_leaving_the_loop_stops_the_model(writer: Completer) -> None:
    await written(writer, TEXTS[0], max_tokens=200)
    assert (whole := steps_of(writer)) >= 60  # a step may give several tokens
    async for _ in writer.complete(TEXTS[0], max_tokens=200):
        break
    await asyncio.sleep(0.2)  # a step that was under way may end
    steps = steps_of(writer)
    await asyncio.sleep(0.2)
    assert steps_of(writer) == steps < whole + whole // 2


async def test_cancelling_the_task_stops_the_model(writer: Completer) -> None:
    task = asyncio.create_task(written(writer, TEXTS[0], max_tokens=200))
    while not steps_of(writer):  # noqa: ASYNC110 - the engine has no bell for this
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0.2)
    steps = steps_of(writer)
    await asyncio.sleep(0.2)
    assert steps_of(writer) == steps < 40


async def test_a_document_can_be_edited_and_asked_again(writer: Completer) -> None:
    document = writer.open("It was")
    document.type(" a bright")
    suggestion = document.suggest(max_tokens=6, stop="none")
    done = await suggestion.done()
    assert suggestion.text == await written(writer, "It was a bright", max_tokens=6)
    document.accept(3)
    assert document.before == "It was a bright" + suggestion.text[:3]
    extended = [piece async for piece in suggestion.extend(max_tokens=3, stop="none")]
    assert extended
    assert done.usage.context > 0


async def test_time_runs_out_when_asked_to(writer: Completer) -> None:
    suggestion = writer.open(TEXTS[0]).suggest(max_tokens=100_000, stop="none", max_time_ms=50)
    done = await suggestion.done()
    assert done.reason in ("time", "end", "repetition")


async def test_values_out_of_range_are_refused(writer: Completer) -> None:
    with pytest.raises(ValueError, match="temperature"):
        await written(writer, TEXTS[0], temperature=9)


async def test_closing_it_ends_what_is_being_written(folder: Path) -> None:
    async with Completer(str(folder)) as writer:
        task = asyncio.create_task(written(writer, TEXTS[0], max_tokens=100_000))
        await asyncio.sleep(0)
    with pytest.raises(ConnectionLost):
        await task
    with pytest.raises(ConnectionLost):
        writer.open("more")


async def test_a_model_that_is_not_there_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model at"):
        async with Completer(str(tmp_path / "none")):
            pass


def test_programs_without_a_loop_iterate_too(folder: Path) -> None:
    with BlockingCompleter(str(folder)) as writer:
        pieces = list(writer.complete(TEXTS[0], max_tokens=12))
        assert len(pieces) > 3
        assert "".join(writer.complete(TEXTS[0], max_tokens=12)) == "".join(pieces)
        for _ in writer.complete(TEXTS[0], max_tokens=200):
            break
        with pytest.raises(ValueError, match="temperature"):
            list(writer.complete(TEXTS[0], temperature=9))
    with pytest.raises(ModelError), BlockingCompleter(str(folder / "none")):
        pass


@pytest.mark.model
async def test_the_built_in_model_writes_what_transformers_would(builtin_model_folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    text = "My favourite food is"
    tokenizer: Any = AutoTokenizer.from_pretrained(builtin_model_folder)
    model: Any = AutoModelForCausalLM.from_pretrained(builtin_model_folder, dtype=torch.float32)
    prompt = [0, *tokenizer(text).input_ids]
    written_ids = model.generate(input_ids=torch.tensor([prompt]), max_new_tokens=20, do_sample=False)[0, len(prompt) :]
    async with Completer("builtin", dtype="float32") as writer:
        assert await written(writer, text, max_tokens=20) == tokenizer.decode(written_ids).rstrip()


@pytest.mark.parametrize(("old", "new"), [("Writer", Completer), ("BlockingWriter", BlockingCompleter)])
def test_the_classes_have_their_old_names_with_a_warning(old: str, new: type) -> None:
    with pytest.warns(DeprecationWarning, match=rf"{old} is now called {new.__name__}"):
        assert getattr(local, old) is new


def test_no_other_name_is_made_up() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Reader'"):
        _ = local.Reader  # type: ignore[attr-defined]


def test_the_defaults_are_those_of_the_settings() -> None:
    assert Completer()._settings == ModelSettings()


def test_memory_in_bytes_still_works_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="pass cache_mb"):
        assert Completer(cache_bytes=32 << 20)._settings.cache_mb == 32
