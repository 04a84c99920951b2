"""The engine itself: an inbox of requests, and a step loop over slots.

What lives here: the order of things in one step (take requests in, plan, run the model, commit) and what other threads
may do meanwhile. Wishes come in from any thread; everything else happens on the one thread that steps.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from transformers import PreTrainedModel

from afterword.engine.api import Command, Forget, Measured, RaiseLimit, Request, RunEvent, Sampled, Started, StopRun
from afterword.engine.counters import CounterReporter, Counters
from afterword.worker.cache.key_values import KeyValues
from afterword.worker.cache.layout import Layout
from afterword.worker.cache.slots import Slot, Slots
from afterword.worker.config import CoreConfig
from afterword.worker.decoding.sampling import Sampler, kept
from afterword.worker.decoding.token_selector import TokenSelector
from afterword.worker.model.probing import probe
from afterword.worker.model.runner import Runner, StepRunner
from afterword.worker.model.step import Span, Step, StepDropped
from afterword.worker.scheduler.flight import Flight
from afterword.worker.scheduler.plan import Need, plan
from afterword.worker.scheduler.roster import Roster, ended
from afterword.worker.scheduler.sequence import Run
from afterword.worker.speculation.speculator import Speculator

log = logging.getLogger(__name__)

# Rows of logits of a slot that are needed beside those of guesses: after the prompt, and after the last token.
OTHER_LOGITS = 2


Emit = Callable[[Sequence[RunEvent | Measured]], None]


class EngineCore:
    """Writes tokens for documents. `submit` and `close` may be called from any thread."""

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
        self.config = config or CoreConfig()
        self.layout = layout or probe(model)
        self.counters = Counters(slots=self.config.slots)
        self._reporter = CounterReporter(self.counters)
        self._runner = runner or Runner(model)
        vocabulary = self.layout.vocabulary
        # A runner may need to know them before the first step, as recorded programs do.
        self.caches = KeyValues(self.layout, self.config.slots, self.config.rows)
        self._slots = Slots(self.config.slots, self.layout.logits_per_slot)
        # The logits after each token of a guess, or of a text written ahead, have to be remembered all at once.
        most = self.layout.logits_per_slot - OTHER_LOGITS
        self._ahead_tokens = min(self.config.lookahead_tokens, most)
        self._roster = Roster(self._slots, self.config, vocabulary)
        self._writer = TokenSelector(
            token_bytes,
            frozenset(eos_ids),
            frozenset(banned_ids),
            vocabulary,
            self.config.rows,
            self.layout.device,
            sampler or Sampler(),
        )
        self._guesser = Speculator(
            self.config.speculative_rows, most, self.config.rows, self._writer.agrees, self.counters
        )
        self._lock = threading.Condition()
        self._inbox: dict[int, tuple[Request, float]] = {}  # newest request of each document
        self._forgotten: set[int] = set()
        self._arrived = False  # something came in since the step loop last looked
        self._busy = False  # the last step found something to do
        self._flight = Flight(self._slots, self._writer.agrees)
        # Rows of the last step's logits, with who remembers them after how many tokens.
        self._borrowed: list[tuple[dict[int, Tensor], int, Tensor]] = []
        self._unseen: list[RunEvent] = []  # events that wait for the end of a step
        self._between: list[RunEvent] = []  # events that arose during a step
        self._emit: Emit | None = None
        self._closed = False
        self._numbers = itertools.count(1)  # of runs, as they are taken in

    # --- from any thread ---------------------------------------------------------------------------------------------

    def submit(self, command: Command) -> None:
        """Take a command. One about a run that is not its document's newest does nothing."""
        with self._lock:
            match command:
                case Request():
                    self._start(command)
                case RaiseLimit(document=document, run=run, limit_tokens=limit_tokens):
                    self._raise_limit(document, run, limit_tokens)
                case StopRun(document=document, run=run, useful=useful):
                    self._stop(document, run, useful)
                case Forget(document=document):
                    self._forget(document)

    def close(self) -> None:
        """Let `run_forever` return; the step in flight is dropped."""
        with self._lock:
            self._closed = True
            self._flight.drop_all()
            self._wake()

    def _start(self, request: Request) -> None:
        """Take a request; it replaces the document's earlier one, and what only the earlier one wanted is dropped."""
        self._inbox[request.document] = (request, time.monotonic() - request.waited_ms / 1000)
        self._silence(request.document)
        self._flight.meet(request)
        self._wake()

    def _raise_limit(self, document: int, run: int, limit_tokens: int) -> None:
        """Raise the limit of a run, running, paused or not yet begun."""
        if document in self._inbox:
            request, arrived = self._inbox[document]
            if request.run == run:
                limit_tokens = max(request.limit_tokens, limit_tokens)
                self._inbox[document] = (replace(request, limit_tokens=limit_tokens), arrived)
            return
        found = self._roster.of(document)
        if found is not None and found.request.run == run:
            found.raise_limit(limit_tokens)
            self._flight.keep(document)
            self._flight.make_way(document)
            self._wake()

    def _stop(self, document: int, run: int, useful: bool) -> None:
        """Drop a run at once, after which no event of it arises; spare time may go into what follows a `useful` one."""
        if document in self._inbox:
            if self._inbox[document][0].run == run:
                del self._inbox[document]
                self._drop(document)
            return
        found = self._roster.of(document)
        if found is None or found.request.run != run:
            return
        if useful and found.ahead_limit > 0:
            self._silence(document)
            found.rest()
            self._flight.spare(document)
            self._wake()
        else:
            self._drop(document)

    def _forget(self, document: int) -> None:
        """Free what is held for a document."""
        self._inbox.pop(document, None)
        self._drop(document)
        self._forgotten.add(document)
        self._wake()

    # --- the step loop -----------------------------------------------------------------------------------------------

    def run_forever(self, emit: Emit) -> None:
        """Step whenever there is something to do, until `close`. `emit` gets events on this thread, in order."""
        self._emit = emit
        while not self._closed:
            events = self.step()
            if events:
                emit(events)
            self._keep_logits()
            if self._reporter.due:
                self._gauge()
                if self._reporter.wait_s() is not None:
                    emit([self._reporter.report()])
            with self._lock:
                # Woken for news from outside, or once to tell of the last steps.
                while self.idle and not self._closed:
                    self._gauge()
                    if not self._lock.wait(self._reporter.wait_s()):
                        break

    @torch.inference_mode()
    def step(self) -> list[RunEvent]:
        """Take in what is new; if that shows nothing, run the model once. `idle` afterwards if nothing was to do."""
        self._keep_logits()
        with self._lock:
            events = self._take_in()
            # What shows nothing goes with what the step will bring: telling of it takes a part of a keystroke.
            step = self._plan() if not self._closed and all(map(self._shows_nothing, events)) else None
            if step is not None:
                self._unseen, events = events, []
            self._busy = bool(events) or step is not None
        if step is None:
            return events
        self.counters.steps += 1
        self.counters.rows += step.rows
        began = time.perf_counter()
        try:
            logits: Tensor | None = self._runner.forward(step)
        except StepDropped:
            logits = None
            self.counters.dropped_steps += 1
        except Exception as error:  # whatever went wrong in one step must not end the engine
            log.exception("a step of %d rows failed", step.rows)
            logits = None
            with self._lock:
                self._between += self._fail(step, f"{type(error).__name__} in the model")
        self.counters.layers += step.layers
        with self._lock:
            events = self._unseen + self._between + self._commit(step, logits)
            self._unseen, self._between = [], []
        wasted = sum(len(span.tokens) for span in step.spans if span.skipped or logits is None)
        self.counters.count_step(step.rows, wasted, time.perf_counter() - began)
        return events

    @property
    def idle(self) -> bool:
        """Nothing is to be done until the next call from outside."""
        return not (self._arrived or self._busy)

    def _take_in(self) -> list[RunEvent]:
        """Newest requests become runs; runs without a slot get one; what needs no step is written."""
        events: list[RunEvent] = []
        self._arrived = False
        for document in self._forgotten:
            self._slots.free(document)
        self._forgotten.clear()
        now = time.monotonic()
        for document, (request, arrived) in list(self._inbox.items()):
            if not self._flight.bars(request):
                del self._inbox[document]
                run = Run(request, next(self._numbers), arrived, self.counters.steps, self._ahead_tokens)
                events += self._roster.admit(run, self.caches.compact)
        self.counters.preemptions += self._roster.seat(self._flight.has)
        for run, slot in self._roster.seated():
            if not self._flight.grows(run.request.document):
                events += self._writer.advance(run, slot, now)
        return events

    def _plan(self) -> Step | None:
        """The next step, or None if no run lacks rows."""
        running = {run.number: run for run, _ in self._roster.seated()}
        steps = self.counters.steps
        needs = [
            Need(run.number, run.kind, run.missing(), run.served, steps - run.admitted) for run in running.values()
        ]
        chosen = plan(needs, self.config.step_tokens, self.config.brisk_tokens)
        if not chosen:
            return None
        now = time.monotonic()
        runs = [(running[number], rows) for number, rows in chosen]
        spans = []
        for (run, rows), guess in zip(runs, self._guesser.fill_up(runs), strict=True):
            run.served = steps + 1
            run.began = run.began or now
            spans.append(run.span(rows, guess))
        self._flight.begin(spans)
        return Step(self.caches, spans, self._between_layers)

    def _between_layers(self) -> None:
        """News may arrive while the model runs: tokens that need no step do not wait for its end."""
        if not self._arrived:
            return
        with self._lock:
            events = self._take_in()
        if self._emit is None:
            self._between += events
        elif events:
            self._emit(events)

    def _commit(self, step: Step, logits: Tensor | None) -> list[RunEvent]:
        """Count the rows of a finished step as held, and write what its logits allow."""
        self._flight.land()
        if logits is None:
            return []
        self._writer.ban(logits)
        at = 0
        events: list[RunEvent] = []
        now = time.monotonic()
        for span in step.spans:
            rows = logits[at : at + len(span.wanted)]
            at += len(span.wanted)
            run = self._roster.of(span.document)
            slot = self._slots.of(span.document)
            if span.skipped or slot is None:
                continue
            self._slots.touch(slot)
            self._hold(slot, span, rows)
            self.counters.lookahead_rows += len(span.tokens) if span.spare else 0
            if run is not None and span.document not in self._inbox:
                if span.line is None:
                    run.computed += max(0, min(span.end, len(run.request.tokens)) - span.start)
                events += self._writer.advance(run, slot, now)
                self._guesser.judge(span, run, slot)
        self.counters.tokens += sum(isinstance(event, Sampled) for event in events)
        return events

    def _hold(self, slot: Slot, span: Span, rows: Tensor) -> None:
        """Enter the rows of a span, and the logits that follow some of them, into its slot."""
        if span.line is None:
            slot.extend(span.tokens)
            for at, row in zip(span.wanted, rows, strict=True):
                slot.remember(span.start + at + 1, row)
                self._borrowed.append((slot.logits, span.start + at + 1, row))
            return
        for twig, position in zip(span.twigs, span.positions, strict=True):
            slot.grow(twig, position)
        for at, row in zip(span.wanted, rows, strict=True):
            twig = span.twigs[at]
            twig.logits[len(twig.rows)] = row
            self._borrowed.append((twig.logits, len(twig.rows), row))

    def _keep_logits(self) -> None:
        """Copy what is remembered of the last step's logits before they go, once its tokens are on their way."""
        for logits, length, row in self._borrowed:
            if logits.get(length) is row:
                logits[length] = kept(row)
        self._borrowed.clear()

    def _fail(self, step: Step, detail: str) -> list[RunEvent]:
        """A step broke: its runs are over, and what their slots held before stays."""
        self.counters.failed_steps += 1
        events: list[RunEvent] = []
        for span in step.spans:
            run = None if span.stale else self._roster.drop(span.document)
            if run is not None:
                events += ended(run.request, "error", detail)
        return events

    def _shows_nothing(self, event: RunEvent) -> bool:
        """Whether it is the start of a run, or a token that only reproduces what was typed."""
        if not isinstance(event, Sampled):
            return isinstance(event, Started)
        run = self._roster.of(event.document)
        return run is not None and run.branches[event.alternative].written == 0

    # --- small things ------------------------------------------------------------------------------------------------

    def _gauge(self) -> None:
        """Note slots in use, and documents that wait for one."""
        self.counters.used = self._slots.used
        self.counters.waiting = self._roster.waiting

    def _wake(self) -> None:
        self._arrived = True
        self._lock.notify_all()

    def _silence(self, document: int) -> None:
        """What is held back of the document's run is told to nobody."""
        self._unseen = [event for event in self._unseen if event.document != document]

    def _drop(self, document: int) -> None:
        self._silence(document)
        self._roster.drop(document)
        self._flight.drop(document)
