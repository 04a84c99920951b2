/**
 * The ghost-text controller: what happens in an editor and what a server says go in, what to send and paint comes out.
 *
 * Pure: no DOM, no clock, no socket. Every input takes the time in ms of any clock that never goes back, and returns
 * effects to be carried out in order. The rules it keeps:
 *
 * - Painted text is only ever added to at its end, until the writer's own doing ends it.
 * - Text that goes on as the suggestion says keeps it, at once and without asking (type-through, rewind).
 * - The server is told of text when it is of use: with a question, along a live suggestion, when one is to be
 *   stopped, or after a pause. While composing, or in a block that is switched off, it is told nothing.
 */

import { Metrics } from './metrics.js';
import type { Surroundings } from './mirror.js';
import { Pace } from './pace.js';
import { partLength, type Part } from './parts.js';
import type { Done, ErrorCode, ErrorMessage, ServerMessage, Token, Welcome } from './protocol.js';
import { NEVER, Screen } from './screen.js';
import { MISTAKEN, Suggestion } from './suggestion.js';
import { Terms } from './terms.js';
import { clipAfter, clipBefore, isElsewhere, tailChange, type TailChange } from './text.js';
import { Told } from './told.js';
import type { Change, Command, Effect, Ghost, GhostOptions, Silence, Update } from './vocabulary.js';

/** Text that no question goes with is sent after a pause this long, so that the server may read ahead. */
const FLUSH_MS = 150;
/** When a busy server does not say when to come back. */
const BUSY_MS = 300;
/** Times that one keystroke's question is put again after a fault, before it is left at that. */
const RETRIES = 2;
const QUIET_AFTER: Partial<Record<Change, Silence>> = {
  delete: 'deleted',
  undo: 'undone',
  redo: 'undone',
  caret: 'moved',
  remote: 'remote',
  set: 'moved',
};

/** `acceptWord` and the like name the part after this; on its own, it is all. */
const ACCEPT = 'accept';

/** After these the server's text is still what it is thought to be. After others, it is given anew. */
const ON_TRACK: ReadonlySet<ErrorCode> = new Set(['busy', 'too_many_docs', 'internal', 'unsupported', 'unknown_type']);

/** What became of a command: whether it was for ghost text at all, and the text to insert at the caret. */
export interface Answer {
  handled: boolean;
  /** Text to insert at the caret as one step of the history; empty for none. */
  insert: string;
  effects: Effect[];
}

export class GhostText {
  readonly metrics = new Metrics();

  readonly #terms: Terms;
  readonly #told: Told;
  readonly #pace = new Pace();
  readonly #screen = new Screen(this.metrics);
  /** The text as last seen with a caret and without composition. */
  #view: Surroundings | null = null;
  #focused = false;
  #selectionEmpty = true;
  #composing = false;
  #suggestion: Suggestion | null = null;
  /** Asked for by a writer who wants to see other texts than `suggestion`, which is shown until one comes. */
  #others: Suggestion | null = null;
  /** The last change deserved a question that got no answer, for a reason that may pass. */
  #unanswered = false;
  /** Why there would be nothing to paint even with focus and a caret. */
  #reason: Silence = 'start';
  #retries = 0;
  #busyMs = BUSY_MS;
  /** When the change came that the next question is about. */
  #keyAt = 0;
  #askAt = NEVER;
  #flushAt = NEVER;
  #wakeAt = NEVER;
  readonly #out: Effect[] = [];

  /** `doc` names the document on its connection, in at most 64 characters. */
  constructor(
    readonly doc: string,
    options: Partial<GhostOptions> = {},
  ) {
    this.#terms = new Terms(options);
    this.#told = new Told(doc, this.#terms, this.#out);
  }

  /** What is painted now. */
  get painted(): Ghost | null {
    return this.#screen.painted;
  }

  /** Why nothing is painted; null while something is. */
  get silence(): Silence | null {
    return this.#screen.silence;
  }

  // --- what happens around it

  /** The editor is now like this. */
  update(update: Update, now: number): Effect[] {
    const composed = this.#composing;
    this.#focused = update.focused;
    this.#selectionEmpty = update.selectionEmpty;
    this.#composing = update.composing ?? false;
    if (this.#composing || !this.#selectionEmpty) {
      this.#askAt = this.#flushAt = NEVER;
      return this.#effects(now);
    }
    const view = this.#view;
    const next = this.#see(update);
    if (view?.before !== next.before || view.after !== next.after) {
      const change = composed ? 'type' : update.change;
      if (view) this.#changed(view, next, change, now);
      else if (change === 'type') this.#askSoon(now);
    } else if (this.#terms.off) this.#stop(false);
    if (this.#told.ready && this.#focused && !this.#told.open && !this.#terms.off)
      this.#flushAt = Math.min(this.#flushAt, now);
    if (this.#askAt <= now) this.#ask(now);
    return this.#effects(now);
  }

  /** The writer commands. `insert` of the answer is already counted as if it stood in the text. */
  command(command: Command, now: number): Answer {
    const part = command.startsWith(ACCEPT) && ((command.slice(ACCEPT.length).toLowerCase() || 'all') as Part);
    let insert = '';
    let handled = this.painted !== null;
    if (command === 'ask') {
      this.#pace.welcomed();
      this.#keyAt = now;
      handled = this.painted === null && this.#ask(now, true);
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
    this.#terms.server = welcome;
    this.#told.refused = false;
    if (this.#view) this.#see(this.#view);
    if (this.#unanswered) this.#ask(now);
    else this.#flush();
    return this.#effects(now);
  }

  /** The connection is gone. What is painted stays good; the writer notices nothing. */
  disconnected(now: number): Effect[] {
    const suggestion = this.#suggestion;
    if (suggestion?.ended === null && suggestion.left() === '') {
      this.#unanswered = true;
      this.#suggestion = null;
    }
    suggestion?.lose();
    this.#terms.server = null;
    this.#others = null;
    this.#told.lose();
    return this.#effects(now);
  }

  /** The server said this, about this document or about itself. */
  frame(message: ServerMessage, now: number): Effect[] {
    if ('doc' in message && message.doc !== this.doc) return [];
    if (message.type === 'token') this.#token(message, now);
    else if (message.type === 'done') this.#done(message, now);
    else if (message.type === 'error' && message.doc !== undefined) this.#error(message, now);
    else if (message.type === 'notice' && message.kind === 'engine_restarted' && this.#unanswered) this.#retry(now);
    return this.#effects(now);
  }

  /** The time asked for by `wake` has come. */
  tick(now: number): Effect[] {
    this.#wakeAt = NEVER; // timers come early, too; then there is another
    if (this.#askAt <= now) this.#ask(now);
    if (this.#flushAt <= now) this.#flush();
    const { announceAt } = this.#screen;
    if (this.#suggestion && announceAt <= now) this.#out.push(...this.#screen.announce(this.#suggestion));
    return this.#effects(now);
  }

  /** Changes options. Switching off takes the document back from the server. */
  configure(options: Partial<GhostOptions>, now: number): Effect[] {
    const terms = this.#terms;
    terms.options = { ...terms.options, ...options };
    if (terms.off) this.#stop(false);
    if (!terms.options.enabled) this.#told.close();
    return this.#effects(now);
  }

  /** The editor is gone. */
  close(now: number): Effect[] {
    this.#suggestion = this.#others = this.#view = null;
    this.#focused = false;
    this.#askAt = this.#flushAt = NEVER;
    this.#told.close();
    return this.#effects(now);
  }

  /** Whether an answer is on its way. */
  get waiting(): boolean {
    return (this.#others ?? this.#suggestion)?.ended === null;
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
    if (sameAfter && tail.delete === 0 && tail.insert === '') return; // the same text, seen through another window
    this.#retries = 0;
    this.#unanswered = false;
    this.#askAt = NEVER;
    if (change === 'type') {
      this.metrics.counts.typedUnits += tail.insert.length;
      this.#pace.typed(tail.insert, now);
    }
    const history = change === 'undo' || change === 'redo';
    const stays = !history && sameAfter && this.#move(tail);
    if (stays && this.painted && change === 'type') this.metrics.counts.typedAlongUnits += tail.insert.length;
    if (stays && suggestion?.left()) {
      this.#told.along(suggestion);
      return;
    }
    const silence = this.#terms.off ? 'block' : QUIET_AFTER[change];
    // An edit that goes another way ends the suggestion on the server too. Deleting need not, so that is said.
    if (!stays || silence) this.#stop(!stays && !history);
    if (silence) {
      this.#reason = silence;
      this.#flushAt = now + FLUSH_MS;
    } else if (stays && suggestion?.starved) {
      this.#reason = 'waiting';
      this.#told.along(suggestion);
    } else this.#askSoon(now);
  }

  /** Moves the caret along the suggestions. False when the one that is shown does not go that way. */
  #move(tail: TailChange): boolean {
    if (this.#others?.move(tail) === false) this.#others = null;
    return this.#suggestion?.move(tail) ?? false;
  }

  // --- asking

  #askSoon(now: number): void {
    const { options, server } = this.#terms;
    const { debounceMs } = options;
    const wait = debounceMs === 'auto' ? this.#pace.debounce(server?.advice.debounce_ms ?? 0) : debounceMs;
    this.#keyAt = now;
    this.#reason = 'waiting';
    this.#askAt = now + wait;
  }

  /** Asks about the text as it is. False when there is a reason not to. */
  #ask(now: number, byCommand = false): boolean {
    this.#askAt = NEVER;
    const refusal = this.#refusal(now, byCommand);
    if (refusal) {
      this.#reason = refusal;
      this.#unanswered = refusal === 'offline';
      return false;
    }
    this.#reason = 'waiting';
    this.#unanswered = false;
    this.#others = null;
    this.#suggestion = this.#question(now, this.#terms.ask.alternatives);
    return true;
  }

  #refusal(now: number, byCommand: boolean): Silence | null {
    const view = this.#view;
    const hidden = this.#hidden();
    if (hidden) return hidden;
    if (this.#terms.off) return 'block';
    if (!view || (!byCommand && view.before.trim() === '')) return 'start';
    if (!byCommand && this.#pace.inPeace(now)) return 'peace';
    return this.#told.ready ? null : 'offline';
  }

  /** Puts the question to the server, which must be there. */
  #question(now: number, wanted: number): Suggestion {
    this.#flush();
    this.metrics.counts.asked++;
    const alternatives = this.#terms.alternatives(wanted);
    const id = this.#told.question(alternatives);
    return new Suggestion(id, alternatives, now, this.#keyAt, this.#terms.options.singleLine);
  }

  /** Asks once more after a fault, but not for ever. */
  #retry(now: number): void {
    if (this.#askAt === NEVER && this.#retries++ < RETRIES) this.#ask(now);
  }

  // --- telling the server about text

  /** Makes the server's text equal to the editor's, if it may know it. */
  #flush(): void {
    this.#flushAt = NEVER;
    if (this.#told.ready && this.#view && this.#focused && !this.#terms.off)
      this.#told.text(this.#view, this.#suggestion);
  }

  /** Ends the suggestion here and there. `diverged`: the text itself says so. */
  #stop(diverged: boolean): void {
    const live = this.#others ?? this.#suggestion;
    this.#suggestion = this.#others = null;
    if (live?.ended !== null || !this.#told.open) return;
    if (diverged && !this.#terms.off) this.#flush();
    else this.#told.end('cancel', live);
  }

  // --- commands

  #accept(suggestion: Suggestion, text: string, part: Part, now: number): string {
    const named = part === 'all' ? null : suggestion.boundary(`${part}s`);
    const insert = text.slice(0, named ?? partLength(text, part, this.#view?.language));
    this.#told.accept(suggestion, insert);
    this.#move({ delete: 0, insert });
    suggestion.told = suggestion.typed;
    if (this.#view) this.#see({ ...this.#view, before: this.#view.before + insert });
    this.#pace.welcomed();
    this.metrics.counts.accepted++;
    this.metrics.counts.acceptedUnits += insert.length;
    this.#reason = 'waiting';
    if (suggestion.left() === '' && suggestion.ended !== null) this.#askSoon(now);
    return insert;
  }

  #dismiss(suggestion: Suggestion, now: number): void {
    this.#told.end('dismiss', this.#others ?? suggestion);
    this.#suggestion = this.#others = null;
    this.#pace.dismissed(now);
    this.metrics.counts.dismissed++;
    this.#reason = 'dismissed';
  }

  /** Shows the next of several texts, or asks for others where there is only one. */
  #cycle(suggestion: Suggestion, step: number, now: number): void {
    const choices = suggestion.choices();
    if (choices.length > 1) {
      const to = (choices.indexOf(suggestion.shown) + step + choices.length) % choices.length;
      suggestion.shown = choices[to] ?? 0;
      return;
    }
    const more = this.#terms.options.moreAlternatives;
    if (suggestion.texts.length > 1 || this.#others || this.#terms.alternatives(more) < 2) return;
    if (this.#terms.off || !this.#told.ready) return;
    this.#keyAt = now;
    // The server knows one suggestion at a time. This one's text stays good until there is another.
    suggestion.lose();
    this.#others = this.#question(now, more);
  }

  #extend(suggestion: Suggestion): void {
    if (!this.#told.open || !suggestion.known || suggestion.ended === null) return;
    this.#told.extend(suggestion);
    suggestion.reopen();
  }

  // --- frames

  #token(message: Token, now: number): void {
    const suggestion = this.#addressee(message.id);
    if (!suggestion) return;
    const waiting = suggestion.firstAt === null;
    suggestion.token(message, now);
    if (waiting && suggestion.firstAt !== null) this.#pace.answered(now - suggestion.askedAt);
    this.#grown(suggestion);
  }

  #done(message: Done, now: number): void {
    const suggestion = this.#addressee(message.id);
    if (suggestion?.ended !== null) return;
    suggestion.done(message, now);
    const { counts } = this.metrics;
    for (const name of ['context', 'reused', 'computed', 'generated'] as const) counts[name] += message.usage[name];
    this.#grown(suggestion);
    if (suggestion !== this.#suggestion || suggestion.left() !== '') return;
    const { reason } = message;
    this.#reason = reason;
    if (reason === 'busy') {
      if (this.#retries++ < RETRIES) this.#askAt = Math.min(this.#askAt, now + this.#busyMs);
    } else if (reason === 'error') this.#unanswered = true;
    else {
      if (reason === 'stale') this.#told.lose();
      // After these the server knew of other text. Else it was typed through to its end: there may be more to say.
      if (suggestion.typed !== '' || MISTAKEN.has(reason)) this.#retry(now);
    }
  }

  /** A suggestion may have more text: it is told what was typed ahead of it, or takes the place of the one shown. */
  #grown(suggestion: Suggestion): void {
    if (suggestion === this.#suggestion) {
      if (suggestion.left()) {
        this.#askAt = NEVER;
        this.#told.along(suggestion);
      }
      return;
    }
    const shown = this.#suggestion?.rest() ?? '';
    const other = suggestion.choices().find((k) => !shown.startsWith(suggestion.rest(k)));
    if (other !== undefined) {
      suggestion.shown = other;
      this.#suggestion = suggestion;
      this.#others = null;
    } else if (suggestion.ended !== null) {
      this.#others = null;
      this.#reason = 'no-other';
    }
  }

  #error({ code, id, retry_after_ms: busyMs = BUSY_MS }: ErrorMessage, now: number): void {
    const current = this.#others ?? this.#suggestion;
    if (id !== undefined && id !== current?.id) return;
    if (code === 'busy') this.#busyMs = busyMs;
    if (code === 'too_many_docs') {
      this.#told.refused = true;
      this.#stop(false);
      this.#reason = 'busy';
    }
    if (code === 'context_too_long') this.#terms.contextUnits >>= 2;
    else if (ON_TRACK.has(code)) return;
    this.#told.lose();
    if (this.#suggestion?.ended === null && this.#suggestion.left() === '') this.#retry(now);
  }

  #addressee(id: number): Suggestion | null {
    return this.#others?.id === id ? this.#others : this.#suggestion?.id === id ? this.#suggestion : null;
  }

  // --- what follows from the state

  /** Looks at the text around the caret, as much of it as the server may know. */
  #see({ before, cut = false, after, block, language = this.#terms.options.language }: Place): Surroundings {
    this.#terms.block = block;
    const { reach } = this.#terms;
    cut ||= before.length >= reach.before;
    return (this.#view = {
      before: clipBefore(before, reach.before),
      cut,
      after: clipAfter(after, reach.after),
      block,
      language,
    });
  }

  /** Adds what follows from the state to the effects gathered, and hands them out. */
  #effects(now: number): Effect[] {
    const hidden = this.#hidden();
    const { announceMs } = this.#terms.options;
    this.#out.push(...this.#screen.show(hidden ? null : this.#suggestion, hidden ?? this.#reason, announceMs, now));
    const wakeAt = Math.min(this.#askAt, this.#flushAt, this.#screen.announceAt);
    if (wakeAt !== this.#wakeAt) this.#out.push({ do: 'wake', at: (this.#wakeAt = wakeAt) });
    return this.#out.splice(0);
  }

  #hidden(): Silence | null {
    if (!this.#terms.options.enabled) return 'off';
    if (this.#composing) return 'composing';
    if (!this.#selectionEmpty) return 'selection';
    return this.#focused ? null : 'blur';
  }
}

type Place = Pick<Update, 'before' | 'after' | 'block' | 'language'> & { cut?: boolean };
