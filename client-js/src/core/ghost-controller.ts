/**
 * The ghost-text controller of one document: editor updates, commands and server messages go in, effects come out.
 *
 * Pure: no DOM, no clock, no socket. Every input takes the current time (ms of any monotonic clock) and returns effects
 * to carry out in order. Its rules:
 *
 * - Painted text only ever grows at its end, until the writer does something that ends it.
 * - Typing the text of a suggestion, and deleting it again, keeps the suggestion without a new request (type-through,
 *   rewind).
 * - Text is sent when it is needed: with a request, along with a live suggestion, to stop one, or after a pause. Nothing
 *   is sent while an input method composes or in a block that is switched off.
 */

import { Metrics } from './metrics.js';
import type { Surroundings } from './mirror.js';
import { Throttle } from './throttle.js';
import { partLength, type Part } from './parts.js';
import type { Done, ErrorCode, ErrorMessage, ServerMessage, Token, Welcome } from './protocol.js';
import { NEVER, Screen } from './screen.js';
import { OUTDATED, Suggestion } from './suggestion.js';
import { DocumentOptions, type GhostOptions } from './options.js';
import { clipAfter, clipBefore, isElsewhere, tailChange, type TailChange } from './text.js';
import { DocumentSync } from './document-sync.js';
import type { Change, Command, Effect, Ghost, Silence, Update } from './events.js';

/** A change that leads to no request is sent after this pause, so that the server can prefill. */
const FLUSH_MS = 150;
/** Wait before the next request when a busy server names no time. */
const BUSY_MS = 300;
/** How often the request of one keystroke is repeated after an error. */
const RETRIES = 2;
const QUIET_AFTER: Partial<Record<Change, Silence>> = {
  delete: 'deleted',
  undo: 'undone',
  redo: 'undone',
  caret: 'moved',
  remote: 'remote',
  set: 'moved',
};

/** `acceptWord` and the like name the part after this prefix; `accept` alone takes everything. */
const ACCEPT = 'accept';

/** Errors after which the server's copy of the text is still in step. After any other, the text is sent again. */
const ON_TRACK: ReadonlySet<ErrorCode> = new Set(['busy', 'too_many_docs', 'internal', 'unsupported', 'unknown_type']);

/** The result of a command. */
export interface Answer {
  /** Whether the command applied to ghost text. Otherwise the key does what it does without ghost text. */
  handled: boolean;
  /** Text to insert at the caret as one step of the history; empty for none. */
  insert: string;
  effects: Effect[];
}

export class GhostController {
  readonly metrics = new Metrics();

  readonly #options: DocumentOptions;
  readonly #sync: DocumentSync;
  readonly #throttle = new Throttle();
  readonly #screen = new Screen(this.metrics);
  /** The text around the caret, as of the last update with a mere caret and without composition. */
  #view: Surroundings | null = null;
  #focused = false;
  #selectionEmpty = true;
  #composing = false;
  #suggestion: Suggestion | null = null;
  /** Requested to replace `suggestion`, which is shown until this one has a different text. */
  #replacement: Suggestion | null = null;
  /** The last change should have had a suggestion and got none, for a reason that may pass. */
  #unanswered = false;
  /** Why nothing is painted, apart from focus, selection and composition. */
  #reason: Silence = 'start';
  #retries = 0;
  #busyMs = BUSY_MS;
  /** Time of the change that the next request is for. */
  #keyAt = 0;
  #requestAt = NEVER;
  #flushAt = NEVER;
  #wakeAt = NEVER;
  readonly #out: Effect[] = [];

  /** `doc` names the document on its connection, in at most 64 characters. */
  constructor(
    readonly doc: string,
    options: Partial<GhostOptions> = {},
  ) {
    this.#options = new DocumentOptions(options);
    this.#sync = new DocumentSync(doc, this.#options, this.#out);
  }

  /** What is painted now. */
  get painted(): Ghost | null {
    return this.#screen.painted;
  }

  /** Why nothing is painted; null while something is. */
  get silence(): Silence | null {
    return this.#screen.silence;
  }

  // --- inputs

  /** The editor changed. */
  update(update: Update, now: number): Effect[] {
    const composed = this.#composing;
    this.#focused = update.focused;
    this.#selectionEmpty = update.selectionEmpty;
    this.#composing = update.composing ?? false;
    if (this.#composing || !this.#selectionEmpty) {
      this.#requestAt = this.#flushAt = NEVER;
      return this.#effects(now);
    }
    const view = this.#view;
    const next = this.#setView(update);
    if (view?.before !== next.before || view.after !== next.after) {
      const change = composed ? 'type' : update.change;
      if (view) this.#changed(view, next, change, now);
      else if (change === 'type') this.#requestSoon(now);
    } else if (this.#options.off) this.#stop(false);
    if (this.#sync.ready && this.#focused && !this.#sync.open && !this.#options.off)
      this.#flushAt = Math.min(this.#flushAt, now);
    if (this.#requestAt <= now) this.#request(now);
    return this.#effects(now);
  }

  /** The writer gave a command. The controller already counts the answer's `insert` as part of the text. */
  command(command: Command, now: number): Answer {
    const part = command.startsWith(ACCEPT) && ((command.slice(ACCEPT.length).toLowerCase() || 'all') as Part);
    let insert = '';
    let handled = this.painted !== null;
    if (command === 'ask') {
      this.#throttle.reset();
      this.#keyAt = now;
      handled = this.painted === null && this.#request(now, true);
    } else if (!this.painted || !this.#suggestion) handled = false;
    else if (part) insert = this.#accept(this.#suggestion, this.painted.text, part, now);
    else if (command === 'dismiss') this.#dismiss(this.#suggestion, now);
    else if (command === 'extend') this.#extend(this.#suggestion);
    else this.#cycle(this.#suggestion, command === 'next' ? 1 : -1, now);
    return { handled, insert, effects: this.#effects(now) };
  }

  /** A connection is ready. */
  connected(welcome: Welcome, now: number): Effect[] {
    this.disconnected(now);
    this.#options.server = welcome;
    this.#sync.refused = false;
    if (this.#view) this.#setView(this.#view);
    if (this.#unanswered) this.#request(now);
    else this.#flush();
    return this.#effects(now);
  }

  /** The connection is lost. What is painted stays. */
  disconnected(now: number): Effect[] {
    const suggestion = this.#suggestion;
    if (suggestion?.ended === null && suggestion.left() === '') {
      this.#unanswered = true;
      this.#suggestion = null;
    }
    suggestion?.lose();
    this.#options.server = null;
    this.#replacement = null;
    this.#sync.lose();
    return this.#effects(now);
  }

  /** The server sent a message, about this document or about itself. */
  frame(message: ServerMessage, now: number): Effect[] {
    if ('doc' in message && message.doc !== this.doc) return [];
    if (message.type === 'token') this.#token(message, now);
    else if (message.type === 'done') this.#done(message, now);
    else if (message.type === 'error' && message.doc !== undefined) this.#error(message, now);
    else if (message.type === 'notice' && message.kind === 'engine_restarted' && this.#unanswered) this.#retry(now);
    return this.#effects(now);
  }

  /** The time named by the effect `wake` has come. */
  tick(now: number): Effect[] {
    this.#wakeAt = NEVER; // a timer may fire early; then another is set
    if (this.#requestAt <= now) this.#request(now);
    if (this.#flushAt <= now) this.#flush();
    const { announceAt } = this.#screen;
    if (this.#suggestion && announceAt <= now) this.#out.push(...this.#screen.announce(this.#suggestion));
    return this.#effects(now);
  }

  /** Changes options. With `enabled: false` the server is told to forget the document. */
  configure(options: Partial<GhostOptions>, now: number): Effect[] {
    this.#options.values = { ...this.#options.values, ...options };
    if (this.#options.off) this.#stop(false);
    if (!this.#options.values.enabled) this.#sync.close();
    return this.#effects(now);
  }

  /** The editor was closed. */
  close(now: number): Effect[] {
    this.#suggestion = this.#replacement = this.#view = null;
    this.#focused = false;
    this.#requestAt = this.#flushAt = NEVER;
    this.#sync.close();
    return this.#effects(now);
  }

  /** Whether the server is still writing. */
  get waiting(): boolean {
    return (this.#replacement ?? this.#suggestion)?.ended === null;
  }

  // --- text changes

  #changed(was: Surroundings, is: Surroundings, change: Change, now: number): void {
    const suggestion = this.#suggestion;
    if (change === 'remote' && isElsewhere(was, is, suggestion?.typed.length ?? 0)) {
      if (!suggestion) this.#flushAt = now + FLUSH_MS;
      return;
    }
    const tail = tailChange(was, is);
    const sameAfter = was.after === is.after;
    if (sameAfter && tail.delete === 0 && tail.insert === '') return; // the same text in a window that slid
    this.#retries = 0;
    this.#unanswered = false;
    this.#requestAt = NEVER;
    if (change === 'type') {
      this.metrics.counts.typedUnits += tail.insert.length;
      this.#throttle.typed(tail.insert, now);
    }
    const history = change === 'undo' || change === 'redo';
    const stays = !history && sameAfter && this.#move(tail);
    if (stays && this.painted && change === 'type') this.metrics.counts.typedAlongUnits += tail.insert.length;
    if (stays && suggestion?.left()) {
      this.#sync.typedThrough(suggestion);
      return;
    }
    const silence = this.#options.off ? 'block' : QUIET_AFTER[change];
    // An edit that diverges ends the suggestion on the server as well. After a deletion the server may go on, so cancel.
    if (!stays || silence) this.#stop(!stays && !history);
    if (silence) {
      this.#reason = silence;
      this.#flushAt = now + FLUSH_MS;
    } else if (stays && suggestion?.starved) {
      this.#reason = 'waiting';
      this.#sync.typedThrough(suggestion);
    } else this.#requestSoon(now);
  }

  /** Applies a change at the caret to the suggestions. False when the shown one does not agree with it. */
  #move(tail: TailChange): boolean {
    if (this.#replacement?.move(tail) === false) this.#replacement = null;
    return this.#suggestion?.move(tail) ?? false;
  }

  // --- requests

  #requestSoon(now: number): void {
    const { values, server } = this.#options;
    const { debounceMs } = values;
    const wait = debounceMs === 'auto' ? this.#throttle.debounce(server?.advice.debounce_ms ?? 0) : debounceMs;
    this.#keyAt = now;
    this.#reason = 'waiting';
    this.#requestAt = now + wait;
  }

  /** Requests a suggestion for the present text. False when there is a reason not to. */
  #request(now: number, byCommand = false): boolean {
    this.#requestAt = NEVER;
    const reason = this.#reasonNotTo(now, byCommand);
    if (reason) {
      this.#reason = reason;
      this.#unanswered = reason === 'offline';
      return false;
    }
    this.#reason = 'waiting';
    this.#unanswered = false;
    this.#replacement = null;
    this.#suggestion = this.#send(now, this.#options.ask.alternatives);
    return true;
  }

  #reasonNotTo(now: number, byCommand: boolean): Silence | null {
    const view = this.#view;
    const hidden = this.#hidden();
    if (hidden) return hidden;
    if (this.#options.off) return 'block';
    if (!view || (!byCommand && view.before.trim() === '')) return 'start';
    if (!byCommand && this.#throttle.isQuiet(now)) return 'peace';
    return this.#sync.ready ? null : 'offline';
  }

  /** Sends the request. There must be a connection. */
  #send(now: number, wanted: number): Suggestion {
    this.#flush();
    this.metrics.counts.asked++;
    const alternatives = this.#options.alternatives(wanted);
    const id = this.#sync.suggest(alternatives);
    return new Suggestion(id, alternatives, now, this.#keyAt, this.#options.values.singleLine);
  }

  /** Repeats the request after an error, a limited number of times. */
  #retry(now: number): void {
    if (this.#requestAt === NEVER && this.#retries++ < RETRIES) this.#request(now);
  }

  // --- the server's copy of the text

  /** Makes the server's text equal to the editor's, unless it must not be sent. */
  #flush(): void {
    this.#flushAt = NEVER;
    if (this.#sync.ready && this.#view && this.#focused && !this.#options.off)
      this.#sync.update(this.#view, this.#suggestion);
  }

  /** Ends the suggestion here and on the server. `diverged`: sending the text is enough to end it there. */
  #stop(diverged: boolean): void {
    const live = this.#replacement ?? this.#suggestion;
    this.#suggestion = this.#replacement = null;
    if (live?.ended !== null || !this.#sync.open) return;
    if (diverged && !this.#options.off) this.#flush();
    else this.#sync.end('cancel', live);
  }

  // --- commands

  #accept(suggestion: Suggestion, text: string, part: Part, now: number): string {
    const named = part === 'all' ? null : suggestion.boundary(`${part}s`);
    const insert = text.slice(0, named ?? partLength(text, part, this.#view?.language));
    this.#sync.accept(suggestion, insert);
    this.#move({ delete: 0, insert });
    suggestion.synced = suggestion.typed;
    if (this.#view) this.#setView({ ...this.#view, before: this.#view.before + insert });
    this.#throttle.reset();
    this.metrics.counts.accepted++;
    this.metrics.counts.acceptedUnits += insert.length;
    this.#reason = 'waiting';
    if (suggestion.left() === '' && suggestion.ended !== null) this.#requestSoon(now);
    return insert;
  }

  #dismiss(suggestion: Suggestion, now: number): void {
    this.#sync.end('dismiss', this.#replacement ?? suggestion);
    this.#suggestion = this.#replacement = null;
    this.#throttle.dismissed(now);
    this.metrics.counts.dismissed++;
    this.#reason = 'dismissed';
  }

  /** Shows the next alternative, or requests others when there is only one. */
  #cycle(suggestion: Suggestion, step: number, now: number): void {
    const choices = suggestion.choices();
    if (choices.length > 1) {
      const to = (choices.indexOf(suggestion.shown) + step + choices.length) % choices.length;
      suggestion.shown = choices[to] ?? 0;
      return;
    }
    const more = this.#options.values.moreAlternatives;
    if (suggestion.texts.length > 1 || this.#replacement || this.#options.alternatives(more) < 2) return;
    if (this.#options.off || !this.#sync.ready) return;
    this.#keyAt = now;
    // A server has one suggestion per document. The text of this one stays until there is another.
    suggestion.lose();
    this.#replacement = this.#send(now, more);
  }

  #extend(suggestion: Suggestion): void {
    if (!this.#sync.open || !suggestion.known || suggestion.ended === null) return;
    this.#sync.extend(suggestion);
    suggestion.reopen();
  }

  // --- messages of the server

  #token(message: Token, now: number): void {
    const suggestion = this.#withId(message.id);
    if (!suggestion) return;
    const waiting = suggestion.firstAt === null;
    suggestion.token(message, now);
    if (waiting && suggestion.firstAt !== null) this.#throttle.answered(now - suggestion.askedAt);
    this.#textArrived(suggestion);
  }

  #done(message: Done, now: number): void {
    const suggestion = this.#withId(message.id);
    if (suggestion?.ended !== null) return;
    suggestion.done(message, now);
    const { counts } = this.metrics;
    for (const name of ['context', 'reused', 'computed', 'generated'] as const) counts[name] += message.usage[name];
    this.#textArrived(suggestion);
    if (suggestion !== this.#suggestion || suggestion.left() !== '') return;
    const { reason } = message;
    this.#reason = reason;
    if (reason === 'busy') {
      if (this.#retries++ < RETRIES) this.#requestAt = Math.min(this.#requestAt, now + this.#busyMs);
    } else if (reason === 'error') this.#unanswered = true;
    else {
      if (reason === 'stale') this.#sync.lose();
      // The server worked on other text, or everything was typed through and there may be more to suggest.
      if (suggestion.typed !== '' || OUTDATED.has(reason)) this.#retry(now);
    }
  }

  /** After more text arrived: reports what was typed ahead of it, or shows the replacement that was asked for. */
  #textArrived(suggestion: Suggestion): void {
    if (suggestion === this.#suggestion) {
      if (suggestion.left()) {
        this.#requestAt = NEVER;
        this.#sync.typedThrough(suggestion);
      }
      return;
    }
    const shown = this.#suggestion?.rest() ?? '';
    const other = suggestion.choices().find((k) => !shown.startsWith(suggestion.rest(k)));
    if (other !== undefined) {
      suggestion.shown = other;
      this.#suggestion = suggestion;
      this.#replacement = null;
    } else if (suggestion.ended !== null) {
      this.#replacement = null;
      this.#reason = 'no-other';
    }
  }

  #error({ code, id, retry_after_ms: busyMs = BUSY_MS }: ErrorMessage, now: number): void {
    const current = this.#replacement ?? this.#suggestion;
    if (id !== undefined && id !== current?.id) return;
    if (code === 'busy') this.#busyMs = busyMs;
    if (code === 'too_many_docs') {
      this.#sync.refused = true;
      this.#stop(false);
      this.#reason = 'busy';
    }
    if (code === 'context_too_long') this.#options.contextUnits >>= 2;
    else if (ON_TRACK.has(code)) return;
    this.#sync.lose();
    if (this.#suggestion?.ended === null && this.#suggestion.left() === '') this.#retry(now);
  }

  #withId(id: number): Suggestion | null {
    return this.#replacement?.id === id ? this.#replacement : this.#suggestion?.id === id ? this.#suggestion : null;
  }

  // --- effects

  /** Stores the text around the caret, cut to what the server takes. */
  #setView({ before, cut = false, after, block, language = this.#options.values.language }: Place): Surroundings {
    this.#options.block = block;
    const { reach } = this.#options;
    cut ||= before.length >= reach.before;
    return (this.#view = {
      before: clipBefore(before, reach.before),
      cut,
      after: clipAfter(after, reach.after),
      block,
      language,
    });
  }

  /** Adds the effects that follow from the state and returns all. */
  #effects(now: number): Effect[] {
    const hidden = this.#hidden();
    const { announceMs } = this.#options.values;
    this.#out.push(...this.#screen.show(hidden ? null : this.#suggestion, hidden ?? this.#reason, announceMs, now));
    const wakeAt = Math.min(this.#requestAt, this.#flushAt, this.#screen.announceAt);
    if (wakeAt !== this.#wakeAt) this.#out.push({ do: 'wake', at: (this.#wakeAt = wakeAt) });
    return this.#out.splice(0);
  }

  #hidden(): Silence | null {
    if (!this.#options.values.enabled) return 'off';
    if (this.#composing) return 'composing';
    if (!this.#selectionEmpty) return 'selection';
    return this.#focused ? null : 'blur';
  }
}

type Place = Pick<Update, 'before' | 'after' | 'block' | 'language'> & { cut?: boolean };
