"""What `/metrics` tells, and to whom."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from afterword.config.settings import Settings
from afterword.engine.api import Lost, Measured, PartLost
from afterword.engine.counters import Counters, since
from afterword.engine.in_process import InProcessEngine
from afterword.engine.options import EngineOptions
from afterword.gateway.http.metrics_auth import MetricsAuth
from afterword.gateway.metrics.engine_metrics import former_names
from afterword.gateway.server import RunningServer, running_server
from afterword.text.vocabulary import Vocabulary
from afterword.worker.in_process import load_giving_way

from .fake_engine import READY, FakeEngine
from .peer import HANG_S, connected, greeted
from .test_handshake import get, refused

Serving = Callable[..., AbstractAsyncContextManager[RunningServer]]
ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "docs" / "grafana" / "afterword.json"
GUIDE = ROOT / "docs" / "metrics.md"


async def figures(server: RunningServer) -> dict[str, float]:
    """All samples of the page: `name` or `name{label=value,...}` and the number."""
    status, body = await get(server, "/metrics")
    assert status == 200
    return {
        sample.name + (f"{{{','.join(f'{k}={v}' for k, v in sample.labels.items())}}}" if sample.labels else ""): float(
            sample.value
        )
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }


async def until(server: RunningServer, name: str, value: float) -> dict[str, float]:
    """The figures once one of them has a value."""
    async with asyncio.timeout(HANG_S):
        while (found := await figures(server))[name] != value:  # noqa: ASYNC110  a page can only be asked again
            await asyncio.sleep(0.01)
        return found


def measured(used: int = 3, engine: int = 0) -> Measured:
    """What an engine might report: two steps, one of them dropped."""
    counters = Counters(slots=8, used=used, waiting=1, steps=2, rows=14, dropped_steps=1, wasted_rows=7)
    counters.preemptions = 2
    counters.draft_tokens, counters.accepted_tokens, counters.lookahead_rows = 6, 4, 5
    counters.count_step(rows=7, seconds=0.001)
    counters.count_step(rows=7, seconds=3.5)
    return Measured(since(counters, Counters()), engine)


async def test_the_page_is_the_text_format_of_prometheus_and_all_of_it_is_there_from_the_start(
    server: RunningServer,
) -> None:
    found = await figures(server)
    assert found["afterword_connections"] == 0
    assert found["afterword_suggestions_total{reason=diverged}"] == 0
    assert found["afterword_errors_total{code=resync}"] == 0
    assert found["afterword_refused_requests_total{status=403}"] == 0
    assert found["afterword_closed_connections_total{code=4401}"] == 0
    assert found["afterword_first_text_seconds_count"] == 0
    assert found["afterword_engine_up{engine=0}"] == 1
    assert found["process_resident_memory_bytes"] > 0
    assert not any(name.endswith("_created") for name in found)


async def test_a_suggestion_is_counted_with_its_reason_its_tokens_and_its_first_text(
    server: RunningServer, engine: FakeEngine
) -> None:
    async with greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        await peer.suggest()
        text, done = await peer.until_done()
        assert text == " jumps over the lazy dog"
        found = await until(server, "afterword_first_text_seconds_count", 1)
    assert found["afterword_suggestions_total{reason=end}"] == 1
    assert found["afterword_prompt_tokens_total{source=reused}"] == done["usage"]["reused"]
    assert found["afterword_prompt_tokens_total{source=computed}"] == done["usage"]["computed"]
    assert found["afterword_shown_tokens_total"] == done["usage"]["generated"]
    assert found["afterword_written_tokens_total"] >= found["afterword_shown_tokens_total"]
    assert found["afterword_queue_seconds_count"] == 1
    assert found["afterword_queue_seconds_sum"] == pytest.approx(0.0005)
    assert 0 < found["afterword_first_text_seconds_sum"] < HANG_S
    assert found["afterword_documents"] == 1
    assert found["afterword_connections"] == 1
    assert found["afterword_live_suggestions"] == 0


async def test_text_that_is_asked_for_again_is_shown_once_and_answered_twice(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        await peer.suggest()
        _, first = await peer.until_done()
        await peer.edit(" jump")
        await peer.suggest()
        text, _ = await peer.until_done()
        assert text == "s over the lazy dog"
        found = await until(server, "afterword_first_text_seconds_count", 2)
    assert found["afterword_shown_tokens_total"] == first["usage"]["generated"]
    assert found["afterword_taken_characters_total{how=typed}"] == len(" jump")


async def test_text_that_comes_whole_is_answered_with_its_done(server: RunningServer) -> None:
    async with greeted(server.url, delivery="final") as peer:
        await peer.open("The quick brown fox")
        await peer.suggest()
        await peer.until_done()
        found = await until(server, "afterword_first_text_seconds_count", 1)
        assert found["afterword_shown_tokens_total"] > 0


async def test_what_has_no_text_is_not_answered(server: RunningServer, engine: FakeEngine) -> None:
    engine.texts = ("",)
    async with greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        await peer.suggest()
        await peer.until_done()
        await peer.send(type="suggest", doc="a", id=9, rev=1000)
        await peer.until_done()
        assert await peer.answers()
    found = await figures(server)
    assert found["afterword_first_text_seconds_count"] == 0
    assert found["afterword_suggestions_total{reason=end}"] == 1
    assert found["afterword_suggestions_total{reason=stale}"] == 1


async def test_what_writers_take_is_counted_and_stays_counted_when_they_are_gone(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        id = await peer.suggest()
        await peer.until_done()
        await peer.send(type="accept", doc="a", id=id, rev=2, length=6)
        await peer.send(type="edit", doc="a", rev=3, insert=" o")
        await peer.send(type="edit", doc="a", rev=4, delete=1)
        await peer.send(type="edit", doc="a", rev=5, insert="o")
        await peer.send(type="dismiss", doc="a", id=id)
        assert await peer.answers()
        before = await figures(server)
    after = await until(server, "afterword_connections", 0)
    for found in (before, after):
        assert found["afterword_accepts_total"] == 1
        assert found["afterword_taken_characters_total{how=accepted}"] == 6
        assert found["afterword_taken_characters_total{how=typed}"] == 2, "typed twice, counted once"
        assert found["afterword_dismissals_total"] == 1


async def test_errors_and_closes_are_counted_by_code(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        await peer.send(type="suggest", doc="nowhere", id=1, rev=1)
        await peer.until_done()
        await peer.send(type="nonsense")
        assert (await peer.receive_type("error"))["code"] == "unknown_type"
        await peer.send_raw(b"binary")
        await peer.close_code()
    async with greeted(server.url) as peer:
        await peer.socket.close(3456, "as I like")
    found = await until(server, "afterword_closed_connections_total{code=other}", 1)
    assert found["afterword_errors_total{code=unknown_doc}"] == 1
    assert found["afterword_errors_total{code=unknown_type}"] == 1
    assert found["afterword_closed_connections_total{code=4400}"] == 1
    assert "3456" not in str(found)


async def test_requests_that_are_turned_away_are_counted_by_status(serving: Serving) -> None:
    async with serving(max_connections=0) as server:
        await get(server, "/nowhere")
        await refused(server, origin="https://elsewhere.example")
        await refused(server, subprotocols=())
        await refused(server)
        found = await figures(server)
    counted = {name: value for name, value in found.items() if name.startswith("afterword_refused_requests")}
    assert counted == {
        f"afterword_refused_requests_total{{status={s}}}": s not in (401, "other")
        for s in (400, 401, 403, 404, 503, "other")
    }


async def test_what_an_engine_tells_is_summed_up_over_its_lives(server: RunningServer, engine: FakeEngine) -> None:
    engine.emit(measured())
    engine.emit(Lost("it was killed"))
    found = await figures(server)
    assert found["afterword_engine_up{engine=0}"] == 0
    assert found["afterword_engine_used{engine=0}"] == 0
    engine.emit(READY, measured(used=5))
    found = await figures(server)
    assert found["afterword_engine_up{engine=0}"] == 1
    assert found["afterword_engine_restarts_total{engine=0}"] == 1
    assert (found["afterword_engine_slots{engine=0}"], found["afterword_engine_used{engine=0}"]) == (8, 5)
    assert found["afterword_engine_waiting{engine=0}"] == 1
    assert found["afterword_engine_wasted_rows_total{engine=0}"] == 14
    assert found["afterword_engine_dropped_steps_total{engine=0}"] == 2
    assert found["afterword_engine_preemptions_total{engine=0}"] == 4
    assert found["afterword_engine_draft_tokens_total{engine=0}"] == 12
    assert found["afterword_engine_accepted_tokens_total{engine=0}"] == 8
    assert found["afterword_engine_lookahead_rows_total{engine=0}"] == 10
    assert found["afterword_engine_step_seconds_count{engine=0}"] == 4
    assert found["afterword_engine_step_seconds_sum{engine=0}"] == pytest.approx(7.002)
    assert found["afterword_engine_step_seconds_bucket{engine=0,le=0.001}"] == 2
    assert found["afterword_engine_step_seconds_bucket{engine=0,le=1}"] == 2
    assert found["afterword_engine_step_seconds_bucket{engine=0,le=+Inf}"] == 4
    assert found["afterword_engine_step_rows_bucket{engine=0,le=4}"] == 0
    assert found["afterword_engine_step_rows_bucket{engine=0,le=8}"] == 4
    assert found["afterword_engine_step_rows_sum{engine=0}"] == 28


async def test_a_figure_that_was_renamed_is_told_under_both_names_for_a_version(
    server: RunningServer, engine: FakeEngine
) -> None:
    engine.emit(measured())
    found = await figures(server)
    for former, new in (
        ("evictions", "preemptions"),
        ("proposed_tokens", "draft_tokens"),
        ("ahead_rows", "lookahead_rows"),
    ):
        names = [f"afterword_engine_{name}_total{{engine=0}}" for name in (former, new)]
        assert found[names[0]] == found[names[1]] > 0
    _, body = await get(server, "/metrics")
    assert "Deprecated: now called afterword_engine_preemptions" in body


async def test_the_log_names_renamed_metrics_once(server: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    await get(server, "/metrics")
    await get(server, "/metrics")
    told = [record.getMessage() for record in caplog.records if "is now called" in record.getMessage()]
    assert [line for line in told if "afterword_engine_evictions is now called afterword_engine_preemptions" in line]
    assert len(told) == len(set(told)) == len(former_names())


async def test_each_of_several_engines_has_its_own_figures(server: RunningServer, engine: FakeEngine) -> None:
    engine.emit(measured(engine=1), PartLost(0, "it was killed"))
    found = await figures(server)
    assert found["afterword_engine_slots{engine=1}"] == 8
    assert found["afterword_engine_restarts_total{engine=0}"] == 1
    assert found["afterword_engine_restarts_total{engine=1}"] == 0


async def test_nothing_that_a_client_says_is_on_the_page(server: RunningServer) -> None:
    async with greeted(server.url, client={"name": "zanzibar", "version": "zanzibar"}) as peer:
        await peer.send(type="open", doc="zanzibar", rev=1, before="zanzibar", after="zanzibar", language="zanzibar")
        await peer.send(type="zanzibar")
        await peer.suggest(doc="zanzibar")
        assert (await peer.receive_type("error"))["type"] == "error"
        _, body = await get(server, "/metrics")
    assert "zanzibar" not in body


# --- who may read it ---


async def test_where_clients_need_a_token_the_page_does_too(serving: Serving) -> None:
    async with serving(tokens=("secret",)) as server:
        status, body = await get(server, "/metrics")
        assert status == 401
        assert "Authorization: Bearer" in body
        assert (await get(server, "/metrics", "Authorization: Bearer wrong\r\n"))[0] == 401
        assert (await get(server, "/metrics", "Authorization: Basic secret\r\n"))[0] == 401
        status, body = await get(server, "/metrics", "Authorization: Bearer secret\r\n")
        assert status == 200
        assert 'afterword_refused_requests_total{status="401"} 3.0' in body
        assert "secret" not in body


async def test_a_token_of_its_own_opens_the_page_and_nothing_else(serving: Serving) -> None:
    async with serving(tokens=("writer",), metrics_token="reader") as server:
        assert (await get(server, "/metrics", "Authorization: Bearer writer\r\n"))[0] == 401
        assert (await get(server, "/metrics", "Authorization: bearer reader\r\n"))[0] == 200
        async with connected(server.url) as peer:
            await peer.send(type="hello", token="reader")
            assert (await peer.close_code())[0] == 4401


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1:8765", True), ("localhost", True), ("[::1]:8765", True), ("evil.example", False), ("[", False)],
)
def test_without_a_token_it_is_shown_under_local_names_only(host: str, shown: bool) -> None:
    assert (MetricsAuth(()).refusal(None, host) is None) == shown


def test_a_request_without_a_host_is_not_local() -> None:
    assert MetricsAuth(()).refusal(None, None) is not None


async def test_it_is_read_by_get_at_its_own_path_alone(server: RunningServer) -> None:
    assert (await get(server, "/metrics/"))[0] == 404
    assert (await get(server, "/metrics?name=x"))[0] == 200
    assert (await get(server, "/metrics", "Host: another\r\n"))[0] == 400


# --- what shows it ---


def queried() -> set[str]:
    """Names in all the queries of the dashboard."""
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    queries += [note["expr"] for note in dashboard["annotations"]["list"]]
    queries += [str(variable["query"]) for variable in dashboard["templating"]["list"]]
    return {name for query in queries for name in re.findall(r"\b(?:afterword|process)_\w+", query)}


async def exported(folder: Path) -> set[str]:
    """Names of all series of a server with a model, once something was written."""
    engine = InProcessEngine(partial(load_giving_way, EngineOptions(folder=folder, name="tiny", threads=1)))
    options = Settings().changed(port=0)
    async with (
        running_server(options, engine, Vocabulary.from_folder(folder), model="tiny") as server,
        greeted(server.url) as peer,
    ):
        await peer.open("xy")
        await peer.suggest(max_tokens=4)
        await peer.until_done()
        found = await until(server, "afterword_engine_used{engine=0}", 1)
        assert found["afterword_engine_step_seconds_count{engine=0}"] > 0
        assert found["afterword_engine_step_rows_sum{engine=0}"] > 0
        return {name.partition("{")[0] for name in found}


async def test_the_dashboard_asks_for_nothing_that_a_server_does_not_tell(
    tiny_model_folder: Callable[..., Path],
) -> None:
    asked = queried()
    assert len(asked) > 20
    assert asked - await exported(tiny_model_folder("llama")) == set()


async def test_every_figure_is_explained(tiny_model_folder: Callable[..., Path]) -> None:
    guide = GUIDE.read_text()
    names = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in await exported(tiny_model_folder("llama"))}
    own = {name for name in names if name.startswith("afterword_")}
    assert {name for name in own if not re.search(rf"`{name}(_total)?(\{{\w+\}})?`", guide)} == set()
    explained = set(re.findall(r"`(afterword_\w+?)(?:_total)?(?:\{\w+\})?`", guide))
    assert explained - own == set()
