"""What the server counts, as Prometheus reads it at `/metrics`.

What lives here: the figures of the gateway, and the page; those of engines are kept in `engine_metrics`. What each is
for is said in docs/metrics.md. No label holds anything that a client or a writer chose: the number of series is fixed.

Counting on the way of a keystroke is one addition each; what can be looked up is looked up when the page is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
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
from afterword.gateway.metrics.engine_metrics import Engines
from afterword.session.counters import SuggestionCounters
from afterword_protocol.codes import CloseCode
from afterword_protocol.messages import Done, Error, ErrorCode, Reason, ServerMessage

# When a counter was made is when the server was started, which `process_start_time_seconds` tells once for all.
disable_created_metrics()  # type: ignore[no-untyped-call]

METRICS_PATH = "/metrics"

# Upper bounds of the ranges of waiting times: close together where a writer begins to feel it.
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10)

# Codes that a connection may close with. A client may send any of thousands; all others count as one.
CLOSE_CODES = frozenset({1000, 1001, 1002, 1005, 1006, 1007, 1009, 1011, *CloseCode})
OTHER = "other"

# Statuses with which requests are turned away.
REFUSALS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


@dataclass(slots=True)
class Census:
    """What there is at this moment. `counters`: of all connections that are and were."""

    connections: int = 0
    documents: int = 0
    live: int = 0
    counters: SuggestionCounters = field(default_factory=SuggestionCounters)


class Metrics:
    """All figures of one server. `census` is asked whenever the page is."""

    def __init__(self, version: str, model: str, census: Callable[[], Census]) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Info("afterword", "Version of the server and name of its model.", registry=registry).info(
            {"version": version, "model": model}
        )
        self._first_text = Histogram(
            "afterword_first_text_seconds",
            "From the message that asked for a suggestion to its first text on the socket.",
            buckets=SECONDS,
            registry=registry,
        )
        self._queue = Histogram(
            "afterword_queue_seconds",
            "From asking an engine for text to the first step for it.",
            buckets=SECONDS,
            registry=registry,
        )
        self._suggestions = Counter(
            "afterword_suggestions", "Suggestions that ended, by why they did.", ["reason"], registry=registry
        )
        self._errors = Counter("afterword_errors", "Errors told to clients, by code.", ["code"], registry=registry)
        self._refused = Counter(
            "afterword_refused_requests", "Requests turned away, by HTTP status.", ["status"], registry=registry
        )
        self._closed = Counter(
            "afterword_closed_connections", "Connections that ended, by close code.", ["code"], registry=registry
        )
        self._prompt = Counter(
            "afterword_prompt_tokens",
            "Tokens of the texts that were continued, by whether they were known already or computed.",
            ["source"],
            registry=registry,
        )
        self._written = Counter("afterword_written_tokens", "Tokens that models wrote.", registry=registry)
        # Series that are there from the start can be told from those that nobody counts.
        self._by_reason = {reason: self._suggestions.labels(str(reason)) for reason in Reason}
        self._by_code = {code: self._errors.labels(str(code)) for code in ErrorCode}
        self._by_status = {status: self._refused.labels(str(int(status))) for status in REFUSALS}
        self._by_other_status = self._refused.labels(OTHER)
        self._by_close = {code: self._closed.labels(str(code)) for code in (*sorted(map(int, CLOSE_CODES)), OTHER)}
        self._reused = self._prompt.labels("reused")
        self._computed = self._prompt.labels("computed")
        self._engines = Engines()
        registry.register(self._engines)
        registry.register(_Now(census))

    def page(self) -> HttpAnswer:
        """All figures in the text format of Prometheus."""
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
        """An engine reports."""
        if isinstance(event, Sampled):
            self._written.inc()
        elif isinstance(event, Started):
            self._queue.observe(event.queue_ms / 1000)
            self._reused.inc(event.reused)
            self._computed.inc(event.computed)
        else:
            self._engines.note(event)

    def refused(self, status: HTTPStatus) -> None:
        """A request was turned away."""
        self._by_status.get(status, self._by_other_status).inc()

    def closed(self, code: int | None) -> None:
        """A connection ended; `None` if it did without a word."""
        self._by_close[code if code in CLOSE_CODES and code is not None else OTHER].inc()


class _Now(Collector):
    """What is counted elsewhere, or can be: read when the page is asked for."""

    def __init__(self, census: Callable[[], Census]) -> None:
        self._census = census

    def collect(self) -> Iterable[Metric]:
        """The families."""
        now = self._census()
        gauges = {
            "connections": ("Connections that are open.", now.connections),
            "documents": ("Documents that are open.", now.documents),
            "live_suggestions": ("Suggestions under way.", now.live),
        }
        for name, (meaning, value) in gauges.items():
            yield GaugeMetricFamily(f"afterword_{name}", meaning, value=value)
        suggestions = now.counters
        counters = {
            "shown_tokens": ("Tokens whose text went to a client, each once.", suggestions.shown_tokens),
            "accepts": ("Times that a writer took a suggestion or a part of one.", suggestions.accepts),
            "dismissals": ("Times that a writer waved a suggestion away.", suggestions.dismissals),
        }
        for name, (meaning, value) in counters.items():
            yield CounterMetricFamily(f"afterword_{name}", meaning, value=value)
        taken = CounterMetricFamily(
            "afterword_taken_characters",
            "Characters of suggestions that became part of a text, accepted or typed as they stood there.",
            labels=["how"],
        )
        taken.add_metric(["accepted"], suggestions.accepted_characters)
        taken.add_metric(["typed"], suggestions.typed_characters)
        yield taken
