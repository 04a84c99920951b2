"""The engine itself: commands come in from any thread, and one thread steps.

What lives here: the order of things in a step, and who may do what meanwhile. What is to be done is known to the
scheduler, whose lock is here; how tokens are chosen, to the token selector.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from transformers import PreTrainedModel

from afterword.engine.api import (
    Command,
    Forget,
    Measured,
    RaiseLimit,
    Request,
    RunEvent,
    Sampled,
    Started,
    StopRun,
    ends_of,
)
from afterword.engine.counters import CounterReporter, Counters
from afterword.worker.cache.key_values import KeyValues
from afterword.worker.cache.layout import Layout
from afterword.worker.cache.slots import Slots
from afterword.worker.config import CoreConfig
from afterword.worker.decoding.sampling import Sampler
from afterword.worker.decoding.token_selector import TokenSelector
from afterword.worker.model.probing import probe
from afterword.worker.model.runner import Runner, StepRunner
from afterword.worker.model.step import Span, Step, StepDropped
from afterword.worker.scheduler.scheduler import Scheduler
from afterword.worker.scheduler.speculator import Speculator

log = logging.getLogger(__name__)

# Rows of logits of a slot that are needed beside those of draft tokens: after the prompt, and after the last token.
OTHER_LOGITS = 2

Emit = Callable[[Sequence[RunEvent | Measured]], None]


class EngineCore:
    """Writes tokens for documents. `submit` and `close` may be called from any thread.

    `counters`: what it did. `caches`: its keys and values, which a runner may need before the first step; `slots`:
    whose they are. `runner`: what runs its steps. `emit`: where events go that arise while a step is in flight; without
    one they wait for its end.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        token_bytes: Sequence[bytes | None],
        eos_ids: Iterable[int],
        banned_ids: Iterable[int] = (),
        config: CoreConfig | None = None,
        layout: Layout | None = None,
        runner: StepRunner | None = None,
        sampler: Sampler | None = None,
    ) -> None:
        """`model` must be loaded with the attention of this package; `layout` is found out if not given.

        `runner` runs the steps; without one the model is called plainly. `sampler` chooses from its logits.
        """
        config = config or CoreConfig()
        self.layout = layout = layout or probe(model)
        # Logits after each token of a draft, or of a text looked ahead, have to be remembered all at once.
        most = layout.logits_per_slot - OTHER_LOGITS
        self.config = config = replace(config, lookahead_tokens=min(config.lookahead_tokens, most))
        self.counters = Counters(slots=config.slots)
        self.caches = KeyValues(layout, config.slots, config.rows)
        self.runner = runner or Runner(model)
        self.slots = Slots(config.slots, layout.logits_per_slot, self.caches.compact)
        self._selector = TokenSelector(
            token_bytes,
            frozenset(eos_ids),
            frozenset(banned_ids),
            layout.vocabulary,
            config.rows,
            layout.device,
            sampler or Sampler(),
        )
        self._speculator = Speculator(config.speculative_rows, most, config.rows, self._selector.agrees, self.counters)
        self._scheduler = Scheduler(
            config, self.slots, self._speculator, layout.vocabulary, self._selector.agrees, self.counters
        )
        self._lock = threading.Condition()  # of the scheduler; notified when there is news
        self._reporter = CounterReporter(self.counters)
        self.emit: Emit | None = None
        self._busy = False  # the last step found something to do
        self._closed = False

    def submit(self, command: Command) -> None:
        """Take a command, from any thread. One about a run that is not its document's newest does nothing."""
        scheduler = self._scheduler
        with self._lock:
            match command:
                case Request():
                    scheduler.add(command)
                case RaiseLimit():
                    scheduler.raise_limit(command)
                case StopRun():
                    scheduler.stop(command)
                case Forget():
                    scheduler.forget(command)
            if scheduler.news:
                self._lock.notify_all()

    def close(self) -> None:
        """Let `run_forever` return; the step in flight is dropped. May be called from any thread."""
        with self._lock:
            self._closed = True
            self._scheduler.abort()
            self._lock.notify_all()

    @property
    def idle(self) -> bool:
        """Nothing is to be done until the next command."""
        return not (self._busy or self._scheduler.news)

    def run_forever(self, emit: Emit) -> None:
        """Step whenever there is something to do, until `close`. `emit` gets events on this thread, in order."""
        self.emit = emit
        while not self._closed:
            events = self.step()
            if events:
                emit(events)
            self.slots.own_logits()
            if self._reporter.due and self._reporter.wait_s() is not None:
                emit([self._reporter.report()])
            with self._lock:
                # Woken by news, or once to report the last steps.
                while self.idle and not self._closed and self._lock.wait(self._reporter.wait_s()):
                    pass

    @torch.inference_mode()
    def step(self) -> list[RunEvent]:
        """Write what needs no step of the model; if that shows nothing, run the model once. Updates `idle`."""
        self.slots.own_logits()
        with self._lock:
            events = self._admit()
            step = self._schedule(events)
        if step is None:
            return events
        began = time.perf_counter()
        logits = self._forward(step)
        with self._lock:
            committed = self._commit(step, logits)
            events = self._decode(committed)
        self.counters.count_step(step.rows, time.perf_counter() - began)
        return events

    def _admit(self) -> list[RunEvent]:
        """Take up requests, give out slots, and write what needs no step."""
        scheduler = self._scheduler
        events = scheduler.admit()
        now = time.monotonic()
        for document, sequence in scheduler.running.items():
            if sequence.slot is None or not sequence.active:
                continue
            span = scheduler.in_flight.get(document)
            if span is None or span.stale or span.prefix_length is None:  # branches in flight must stay as they are
                events += self._selector.advance(sequence, now)
        return events

    def _schedule(self, events: list[RunEvent]) -> Step | None:
        """The next step. There is none if nobody lacks rows, or if events should be sent before it.

        Events that show nothing go with what the step will bring: sending them takes a part of a keystroke.
        """
        scheduler = self._scheduler
        spans: list[Span] = []
        if not self._closed and self._show_nothing(events):
            spans = scheduler.schedule()
        self._busy = bool(events or spans)
        if not spans:
            return None
        scheduler.unsent = events
        step = Step(self.caches, spans, self._between_layers)
        self.counters.steps += 1
        self.counters.rows += step.rows
        return step

    def _forward(self, step: Step) -> Tensor | None:
        """Run the model: logits `[wanted, vocabulary]`, or None if the step was dropped or failed."""
        try:
            logits = self.runner.forward(step)
            self._selector.ban(logits)
            return logits
        except StepDropped:
            self.counters.dropped_steps += 1
        except Exception as error:  # whatever went wrong in one step must not end the engine
            log.exception("a step of %d rows failed", step.rows)
            self.counters.failed_steps += 1
            with self._lock:
                self._fail(step, f"{type(error).__name__} in the model")
        return None

    def _between_layers(self) -> None:
        """Commands may arrive while the model runs: tokens that need no step do not wait for its end."""
        if not self._scheduler.news:
            return
        with self._lock:
            events = self._admit()
            if self.emit is None:
                self._scheduler.unsent += events
                return
        if events:
            self.emit(events)

    def _commit(self, step: Step, logits: Tensor | None) -> list[Span]:
        """Enter the rows of a finished step into their slots; returns the spans whose rows are there."""
        self._scheduler.in_flight.clear()
        self.counters.layers += step.layers
        committed: list[Span] = []
        at = 0
        for span in step.spans:
            until = at + len(span.wanted)
            slot = self.slots.by_document.get(span.document)
            if logits is None or span.skipped:
                self.counters.wasted_rows += len(span.tokens)
            elif slot is not None:
                self.slots.touch(slot)
                if span.prefix_length is None:
                    slot.extend(span.tokens, span.wanted, logits[at:until])
                else:
                    slot.extend_branches(span.branches, span.positions, span.wanted, logits[at:until])
                if span.lookahead:
                    self.counters.lookahead_rows += len(span.tokens)
                committed.append(span)
            at = until
        return committed

    def _decode(self, committed: list[Span]) -> list[RunEvent]:
        """Write what the rows of a step allow; returns the events, and before them those that waited for the step."""
        scheduler = self._scheduler
        events, scheduler.unsent = scheduler.unsent, []
        now = time.monotonic()
        for span in committed:
            sequence = scheduler.running.get(span.document)
            if sequence is None or span.document in scheduler.waiting:
                continue
            if span.prefix_length is None:
                of_prompt = len(sequence.request.tokens) - span.start
                sequence.computed += max(0, min(len(span.tokens), of_prompt))
            events += self._selector.advance(sequence, now)
            if span.draft is not None:
                self._speculator.judge(span, sequence)
        return events

    def _fail(self, step: Step, detail: str) -> None:
        """A step raised an error: its runs are over, and what their slots held before stays."""
        for span in step.spans:
            sequence = None if span.stale else self._scheduler.remove(span.document)
            if sequence is not None:
                self._scheduler.unsent += ends_of(sequence.request, "error", detail)

    def _show_nothing(self, events: list[RunEvent]) -> bool:
        """Whether all events are starts of runs and tokens that only reproduce what was typed."""
        for event in events:
            if isinstance(event, Sampled):
                sequence = self._scheduler.running.get(event.document)
                if sequence is None or sequence.alternatives[event.alternative].written > 0:
                    return False
            elif not isinstance(event, Started):
                return False
        return True
