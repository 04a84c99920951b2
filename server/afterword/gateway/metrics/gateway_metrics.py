"""The metrics of a server, as Prometheus reads them at `/metrics`.

What lives here: the metrics of the gateway, each declared once, and the page. Those of suggestions are declared in
`session.counters`, those of engines in `engine.counters`; `engine_metrics` shows the latter, and `table` writes all of
them into docs/metrics.md. No label holds anything that a client or a writer chose: the number of series is fixed.

During a keystroke, counting is one addition each; what can be computed is computed when the page is requested.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from http import HTTPStatus

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from afterword.engine.api import EngineEvent, Sampled, Started
from afterword.gateway.http.answers import HttpAnswer
from afterword.gateway.metrics.engine_metrics import Engines, former_names
from afterword.session.counters import SuggestionCounters
from afterword_protocol.codes import CloseCode
from afterword_protocol.messages import Done, Error, ErrorCode, Reason, ServerMessage

# A counter was created when the server started, which `process_start_time_seconds` says for all of them.
disable_created_metrics()  # type: ignore[no-untyped-call]

METRICS_PATH = "/metrics"

_log = logging.getLogger("afterword.gateway")

# Upper bounds of the ranges of waiting times: close together where a writer begins to notice.
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10)

# Close codes with a series of their own. A client may send any of thousands; all others count as one.
CLOSE_CODES = frozenset({1000, 1001, 1002, 1005, 1006, 1007, 1009, 1011, *CloseCode})
OTHER = "other"

# Statuses of refused requests.
REFUSALS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


@dataclass(slots=True)
class Census:
    """What exists at this moment. `counters`: of all connections, open and closed."""

    connections: int = 0
    documents: int = 0
    live: int = 0
    counters: SuggestionCounters = field(default_factory=SuggestionCounters)


class Metrics:
    """All metrics of one server. `census` is called for each request of the page."""

    def __init__(self, version: str, model: str, census: Callable[[], Census]) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Info("afterword", "Version of the server and name of its model.", registry=registry).info(
            {"version": version, "model": model}
        )
        self._first_text = Histogram(
            "afterword_first_text_seconds",
            "From a keystroke to ghost text, as the server sees it: from the message that asks for a suggestion to its "
            "first text on the socket. A suggestion without text does not count.",
            buckets=SECONDS,
            registry=registry,
        )
        self._queue = Histogram(
            "afterword_queue_seconds",
            "From the request to an engine to the first step for it, also while the engine starts.",
            buckets=SECONDS,
            registry=registry,
        )
        self._suggestions = Counter(
            "afterword_suggestions",
            "Suggestions that ended, by the `reason` of their `done`.",
            ["reason"],
            registry=registry,
        )
        self._errors = Counter(
            "afterword_errors",
            "Errors sent to clients, by `code`. `busy` and `internal` are the server's fault.",
            ["code"],
            registry=registry,
        )
        self._refused = Counter(
            "afterword_refused_requests",
            "Requests refused before they became a connection, by HTTP status: 400 no subprotocol, 401 no token, "
            "403 a foreign page, 404 no such page, 503 full or stopping, or `other`.",
            ["status"],
            registry=registry,
        )
        self._closed = Counter(
            "afterword_closed_connections",
            "Connections that ended, by close code; codes that a client made up are `other`.",
            ["code"],
            registry=registry,
        )
        self._prompt = Counter(
            "afterword_prompt_tokens",
            "Tokens of the texts that were continued: `reused` were in the cache, `computed` were not.",
            ["source"],
            registry=registry,
        )
        self._written = Counter("afterword_written_tokens", "Tokens that models wrote.", registry=registry)
        # Every series exists from the start, so that a missing one means that nobody counts it.
        self._by_reason = {reason: self._suggestions.labels(str(reason)) for reason in Reason}
        self._by_code = {code: self._errors.labels(str(code)) for code in ErrorCode}
        self._by_status = {status: self._refused.labels(str(int(status))) for status in REFUSALS}
        self._by_other_status = self._refused.labels(OTHER)
        self._by_close = {code: self._closed.labels(str(code)) for code in (*sorted(map(int, CLOSE_CODES)), OTHER)}
        self._reused = self._prompt.labels("reused")
        self._computed = self._prompt.labels("computed")
        self._warned = False  # whether the log names the metrics that were renamed
        self._engines = Engines()
        registry.register(_Now(census))
        registry.register(self._engines)

    def families(self) -> Iterable[Metric]:
        """All metrics, with their names, help texts and values."""
        return self._registry.collect()

    def page(self) -> HttpAnswer:
        """All metrics in the text format of Prometheus."""
        if not self._warned:
            self._warned = True
            for new, old in former_names().items():
                _log.warning("the metric %s is now called %s; the next version drops the old name", old, new)
        return HttpAnswer(HTTPStatus.OK, generate_latest(self._registry), CONTENT_TYPE_LATEST)

    # --- what happens ---

    def sending(self, message: ServerMessage) -> None:
        """A message goes to a client."""
        if isinstance(message, Done):
            self._by_reason[message.reason].inc()
        elif isinstance(message, Error):
            self._by_code[message.code].inc()

    def answered(self, after_ms: float) -> None:
        """The first text of what a client asked for is on the socket."""
        self._first_text.observe(after_ms / 1000)

    def heard(self, event: EngineEvent) -> None:
        """An engine reported an event."""
        if isinstance(event, Sampled):
            self._written.inc()
        elif isinstance(event, Started):
            self._queue.observe(event.queue_ms / 1000)
            self._reused.inc(event.reused)
            self._computed.inc(event.computed)
        else:
            self._engines.note(event)

    def refused(self, status: HTTPStatus) -> None:
        """A request was refused."""
        self._by_status.get(status, self._by_other_status).inc()

    def closed(self, code: int | None) -> None:
        """A connection ended; `None` if without a close code."""
        self._by_close[code if code in CLOSE_CODES and code is not None else OTHER].inc()


class _Now(Collector):
    """Metrics that are computed when the page is requested."""

    def __init__(self, census: Callable[[], Census]) -> None:
        self._census = census

    def collect(self) -> Iterable[Metric]:
        """The families."""
        now = self._census()
        yield GaugeMetricFamily("afterword_connections", "Open connections.", value=now.connections)
        yield GaugeMetricFamily("afterword_documents", "Open documents.", value=now.documents)
        yield GaugeMetricFamily("afterword_live_suggestions", "Suggestions being written.", value=now.live)
        families: dict[str, CounterMetricFamily] = {}
        for each in fields(now.counters):
            family, label = each.metadata["family"], each.metadata["label"]
            if family not in families:
                labels = [label[0]] if label else []
                families[family] = CounterMetricFamily(f"afterword_{family}", each.metadata["help"], labels=labels)
            families[family].add_metric([label[1]] if label else [], getattr(now.counters, each.name))
        yield from families.values()
