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
import { Mirror, type Reach, type Surroundings } from './mirror.js';
import { Pace } from './pace.js';
import { partLength, type Part } from './parts.js';
import type {
  DocumentMessage,
  Done,
  ErrorCode,
  ErrorMessage,
  ServerMessage,
  Suggest,
  Token,
  Welcome,
} from './protocol.js';
import { MISTAKEN, Suggestion } from './suggestion.js';
import { clipAfter, clipBefore, isElsewhere, tailChange, type TailChange } from './text.js';
import { DEFAULTS } from './vocabulary.js';
import type { AskOptions, Change, Command, Effect, Ghost, GhostOptions, Silence, Update } from './vocabulary.js';

/** Text that no question goes with is sent after a pause this long, so that the server may read ahead. */
const FLUSH_MS = 150;
/** When a busy server does not say when to come back. */
const BUSY_MS = 300;
/** Times that one keystroke's question is put again after a fault, before it is left at that. */
const RETRIES = 2;
/** The most that a unit of text takes in JSON: `\u0000`. */
const BYTES_PER_UNIT = 6;
/** Before the server has said how much it takes. */
const CONTEXT_UNITS = 65_536;

const QUIET_AFTER: Partial<Record<Change, Silence>> = {
  delete: 'deleted',
  undo: 'undone',
  redo: 'undone',
  caret: 'moved',
  remote: 'remote',
  set: 'moved',
};

const PARTS: Partial<Record<Command, Part>> = {
  accept: 'all',
  acceptWord: 'word',
  acceptPhrase: 'phrase',
  acceptSentence: 'sentence',
};

/** After these the server's text is not what it is thought to be; it is given anew. */
const LOST_TRACK: ReadonlySet<ErrorCode> = new Set([
  'resync',
  'stale_rev',
  'unknown_doc',
  'unknown_suggestion',
  'bad_message',
] as const);

/** The fields of a question that have a default in the protocol, which need not be sent. */
type AskFields = Record<Exclude<keyof Suggest, 'type' | 'doc' | 'id' | 'rev'>, string | number | undefined>;
const USUAL: Partial<AskFields> = { alternatives: 1, max_tokens: 24, stop: 'sentence', quiet: 0, temperature: 0 };

/** What became of a command: whether it was for ghost text at all, and the text to insert at the caret. */
export interface Answer {
  handled: boolean;
  /** Text to insert at the caret as one step of the history; empty for none. */
  insert: string;
  effects: Effect[];
}

export class GhostText {
  readonly metrics = new Metrics();
  /** What is painted now. */
  painted: Ghost | null = null;
  /** Why nothing is painted; null while something is. */
  silence: Silence | null = 'blur';

  #options: GhostOptions;
  readonly #mirror: Mirror;
  readonly #pace = new Pace();
  /** The text as last seen with a caret and without composition. */
  #view: Surroundings | null = null;
  #focused = false;
  #selectionEmpty = true;
  #composing = false;
  #server: Welcome | null = null;
  /** The document was refused on this connection. */
  #refused = false;
  #suggestion: Suggestion | null = null;
  /** Asked for by a writer who wants to see other texts than `suggestion`, which is shown until one comes. */
  #others: Suggestion | null = null;
  #lastId = 0;
  /** The last change deserved a question that got no answer, for a reason that may pass. */
  #unanswered = false;
  /** Why there would be nothing to paint even with focus and a caret. */
  #reason: Silence = 'start';
  #retries = 0;
  #busyMs = BUSY_MS;
  /** The most text the server is given; halved when that was too much. */
  #contextUnits = CONTEXT_UNITS;
  /** When the change came that the next question is about. */
  #keyAt = 0;
  #askAt: number | null = null;
  #flushAt: number | null = null;
  #announceAt: number | null = null;
  #announced = 0;
  #appeared = 0;
  #wakeAt: number | null = null;
  #out: Effect[] = [];

  /** `doc` names the document on its connection, in at most 64 characters. */
  constructor(
    readonly doc: string,
    options: Partial<GhostOptions> = {},
  ) {
    this.#options = { ...DEFAULTS, ...options };
    this.#mirror = new Mirror(doc);
  }

  // --- what happens around it

  /** The editor is now like this. */
  update(update: Update, now: number): Effect[] {
    const composed = this.#composing;
    this.#focused = update.focused;
    this.#selectionEmpty = update.selectionEmpty;
    this.#composing = update.composing ?? false;
    if (this.#composing || !this.#selectionEmpty) {
      this.#askAt = this.#flushAt = null;
      return this.#effects(now);
    }
    const view = this.#view;
    const next = (this.#view = this.#clip(update));
    if (view?.before !== next.before || view.after !== next.after) {
      const change = composed ? 'type' : update.change;
      if (view) this.#changed(view, next, change, now);
      else if (change === 'type') this.#askSoon(now);
    } else if (this.#offHere()) this.#stop(false);
    if (this.#server && this.#focused && !this.#mirror.open && !this.#offHere()) this.#flushAt ??= now;
    if (this.#askAt !== null && this.#askAt <= now) this.#ask(now);
    return this.#effects(now);
  }

  /** The writer commands. `insert` of the answer is already counted as if it stood in the text. */
  command(command: Command, now: number): Answer {
    const part = PARTS[command];
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
    this.#server = welcome;
    if (this.#view) this.#view = this.#clip(this.#view);
    this.#refused = false;
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
    this.#server = null;
    this.#others = null;
    this.#mirror.open = false;
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
    if (this.#askAt !== null && this.#askAt <= now) this.#ask(now);
    if (this.#flushAt !== null && this.#flushAt <= now) this.#flush();
    if (this.#announceAt !== null && this.#announceAt <= now) {
      this.#announceAt = null;
      if (this.painted && this.#suggestion) {
        this.#announced = this.#suggestion.id;
        this.#out.push({ do: 'announce', text: this.painted.text });
      }
    }
    return this.#effects(now);
  }

  /** Changes options. Switching off takes the document back from the server. */
  configure(options: Partial<GhostOptions>, now: number): Effect[] {
    this.#options = { ...this.#options, ...options };
    if (this.#offHere()) this.#stop(false);
    if (!this.#options.enabled) this.#forget();
    return this.#effects(now);
  }

  /** The editor is gone. */
  close(now: number): Effect[] {
    this.#suggestion = this.#others = this.#view = null;
    this.#focused = false;
    this.#askAt = this.#flushAt = null;
    this.#forget();
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
    this.#askAt = null;
    if (change === 'type') {
      this.metrics.counts.typedUnits += tail.insert.length;
      this.#pace.typed(tail.insert, now);
    }
    const history = change === 'undo' || change === 'redo';
    const stays = !history && sameAfter && this.#move(tail);
    if (stays && this.painted && change === 'type') this.metrics.counts.typedAlongUnits += tail.insert.length;
    if (stays && suggestion?.left()) {
      this.#tell();
      return;
    }
    const silence = this.#offHere() ? 'block' : QUIET_AFTER[change];
    // An edit that goes another way ends the suggestion on the server too. Deleting need not, so that is said.
    if (!stays || silence) this.#stop(!stays && !history);
    if (silence) {
      this.#reason = silence;
      this.#flushAt = now + FLUSH_MS;
    } else if (stays && suggestion?.starved) {
      this.#reason = 'waiting';
      this.#tell();
    } else this.#askSoon(now);
  }

  /** Moves the caret along the suggestions. False when the one that is shown does not go that way. */
  #move(tail: TailChange): boolean {
    if (this.#others?.move(tail) === false) this.#others = null;
    return this.#suggestion?.move(tail) ?? false;
  }

  // --- asking

  #askSoon(now: number): void {
    const { debounceMs } = this.#options;
    const wait = debounceMs === 'auto' ? this.#pace.debounce(this.#server?.advice.debounce_ms ?? 0) : debounceMs;
    this.#keyAt = now;
    this.#reason = 'waiting';
    this.#askAt = now + wait;
  }

  /** Asks about the text as it is. False when there is a reason not to. */
  #ask(now: number, byCommand = false): boolean {
    this.#askAt = null;
    const refusal = this.#refusal(now, byCommand);
    if (refusal) {
      this.#reason = refusal;
      this.#unanswered = refusal === 'offline';
      return false;
    }
    this.#reason = 'waiting';
    this.#unanswered = false;
    this.#others = null;
    this.#suggestion = this.#question(now);
    return true;
  }

  #refusal(now: number, byCommand: boolean): Silence | null {
    const view = this.#view;
    const hidden = this.#hidden();
    if (hidden) return hidden;
    if (this.#offHere()) return 'block';
    if (!view || (!byCommand && view.before.trim() === '')) return 'start';
    if (!byCommand && this.#pace.inPeace(now)) return 'peace';
    return this.#server && !this.#refused ? null : 'offline';
  }

  /** Puts the question to the server, which must be there. */
  #question(now: number, alternatives?: number): Suggestion {
    this.#flush();
    const ask = this.#asking;
    const limits = this.#server?.limits;
    const count = Math.min(alternatives ?? ask.alternatives, limits?.alternatives ?? 1);
    const wanted: AskFields = {
      alternatives: count,
      max_tokens: Math.min(ask.maxTokens, limits?.max_tokens ?? Infinity),
      stop: ask.stop,
      quiet: ask.quiet,
      temperature: ask.temperature,
      seed: ask.seed,
      max_time_ms: ask.maxTimeMs,
    };
    const unusual = Object.entries(wanted).filter(([name, value]) => value !== USUAL[name as keyof AskFields]);
    const id = ++this.#lastId;
    const message: Suggest = {
      type: 'suggest',
      doc: this.doc,
      id,
      rev: this.#mirror.rev,
      ...Object.fromEntries(unusual),
    };
    this.#send(message);
    this.metrics.counts.asked++;
    return new Suggestion(id, count, now, this.#keyAt, this.#options.singleLine);
  }

  /** Asks once more after a fault, but not for ever. */
  #retry(now: number): void {
    if (this.#askAt === null && this.#retries++ < RETRIES) this.#ask(now);
  }

  // --- telling the server about text

  /** Makes the server's text equal to the editor's, if it may know it. */
  #flush(): void {
    this.#flushAt = null;
    if (!this.#server || !this.#view || !this.#focused || this.#refused || this.#offHere()) return;
    this.#send(this.#mirror.sync(this.#view, this.#reach));
    if (this.#suggestion) this.#suggestion.told = this.#suggestion.typed;
  }

  /** Tells the server how far the suggestion was typed along, and of nothing else that may have changed. */
  #tell(): void {
    const suggestion = this.#suggestion;
    if (!this.#mirror.open || !suggestion) return;
    const untold = suggestion.untold();
    this.#send(this.#mirror.splice(untold.delete, untold.insert, this.#reach));
    suggestion.told = suggestion.typed;
  }

  /** Ends the suggestion here and there. `diverged`: the text itself says so. */
  #stop(diverged: boolean): void {
    const live = this.#others ?? this.#suggestion;
    this.#suggestion = this.#others = null;
    if (live?.ended !== null || !this.#mirror.open) return;
    if (diverged && !this.#offHere()) this.#flush();
    else this.#send({ type: 'cancel', doc: this.doc, id: live.id });
  }

  #forget(): void {
    if (this.#mirror.open) this.#send({ type: 'close', doc: this.doc });
    this.#mirror.open = false;
  }

  #send(message: DocumentMessage | null): void {
    if (message) this.#out.push({ do: 'send', message });
  }

  // --- commands

  #accept(suggestion: Suggestion, text: string, part: Part, now: number): string {
    const named = part === 'all' ? null : suggestion.boundary(`${part}s`);
    const insert = text.slice(0, named ?? partLength(text, part, this.#view?.language));
    this.#tell();
    if (this.#mirror.open) {
      if (suggestion.known) {
        const doc = this.doc;
        const reach = this.#reach;
        const rev = this.#mirror.put(0, insert, reach);
        const { id, shown: alternative } = suggestion;
        const { length } = insert;
        this.#send({ type: 'accept', doc, id, rev, length, ...(alternative && { alternative }) });
      } else this.#send(this.#mirror.splice(0, insert, this.#reach));
    }
    this.#move({ delete: 0, insert });
    suggestion.told = suggestion.typed;
    if (this.#view) this.#view = this.#clip({ ...this.#view, before: this.#view.before + insert });
    this.#pace.welcomed();
    this.metrics.counts.accepted++;
    this.metrics.counts.acceptedUnits += insert.length;
    this.#reason = 'waiting';
    if (suggestion.left() === '' && suggestion.ended !== null) this.#askSoon(now);
    return insert;
  }

  #dismiss(suggestion: Suggestion, now: number): void {
    const { id, known } = this.#others ?? suggestion;
    if (this.#mirror.open && known) this.#send({ type: 'dismiss', doc: this.doc, id });
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
    const count = Math.min(this.#options.moreAlternatives, this.#server?.limits.alternatives ?? 1);
    if (suggestion.texts.length > 1 || this.#others || count < 2 || this.#offHere() || this.#refused) return;
    this.#keyAt = now;
    // The server knows one suggestion at a time. This one's text stays good until there is another.
    suggestion.lose();
    this.#others = this.#question(now, count);
  }

  #extend(suggestion: Suggestion): void {
    if (!this.#mirror.open || !suggestion.known || suggestion.ended === null) return;
    const { stop, maxTokens } = this.#asking;
    const most = Math.min(maxTokens, this.#server?.limits.max_tokens ?? Infinity);
    this.#send({ type: 'extend', doc: this.doc, id: suggestion.id, max_tokens: most, stop });
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
      if (this.#retries++ < RETRIES) this.#askAt ??= now + this.#busyMs;
    } else if (reason === 'error') this.#unanswered = true;
    else {
      if (reason === 'stale') this.#mirror.open = false;
      // After these the server knew of other text. Else it was typed through to its end: there may be more to say.
      if (suggestion.typed !== '' || MISTAKEN.has(reason)) this.#retry(now);
    }
  }

  /** A suggestion may have more text: it is told what was typed ahead of it, or takes the place of the one shown. */
  #grown(suggestion: Suggestion): void {
    if (suggestion === this.#suggestion) {
      if (suggestion.left()) {
        this.#askAt = null;
        this.#tell();
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
      this.#refused = true;
      this.#stop(false);
      this.#reason = 'busy';
    }
    if (code === 'context_too_long') this.#contextUnits >>= 2;
    else if (!LOST_TRACK.has(code)) return;
    this.#mirror.open = false;
    if (this.#suggestion?.ended === null && this.#suggestion.left() === '') this.#retry(now);
  }

  #addressee(id: number): Suggestion | null {
    return this.#others?.id === id ? this.#others : this.#suggestion?.id === id ? this.#suggestion : null;
  }

  // --- what follows from the state

  /** How to ask in the block at the caret; false: not at all. */
  get #block(): false | Partial<AskOptions> {
    const name = this.#view?.block;
    return (name === undefined ? undefined : this.#options.blocks[name]) ?? {};
  }

  get #asking(): AskOptions {
    return { ...this.#options, ...(this.#block || {}) };
  }

  #offHere(): boolean {
    return !this.#options.enabled || this.#block === false;
  }

  get #reach(): Reach {
    const limits = this.#server?.limits;
    const context = Math.min(
      this.#contextUnits,
      limits?.context ?? Infinity,
      (limits?.message_bytes ?? Infinity) / BYTES_PER_UNIT,
    );
    const preface = clipAfter(this.#options.preface, context >> 1);
    const most = (context - preface.length) >> 2;
    return {
      preface,
      before: Math.min(this.#options.reachBefore, most),
      after: Math.min(this.#options.reachAfter, most),
    };
  }

  #clip({ before, cut = false, after, block, language = this.#options.language }: Place): Surroundings {
    const reach = this.#reach;
    cut ||= before.length >= reach.before;
    return { before: clipBefore(before, reach.before), cut, after: clipAfter(after, reach.after), block, language };
  }

  #visible(): Ghost | null {
    const suggestion = this.#suggestion;
    const text = this.#hidden() ? '' : suggestion?.rest();
    if (!suggestion || !text) return null;
    const choices = suggestion.choices();
    const choice = Math.max(0, choices.indexOf(suggestion.shown));
    return { text, choice, choices: choices.length, complete: suggestion.ended !== null };
  }

  /** Adds what follows from the state to the effects gathered, and hands them out. */
  #effects(now: number): Effect[] {
    const ghost = this.#visible();
    const painted = this.painted;
    const suggestion = this.#suggestion;
    if (!sameGhost(ghost, painted)) {
      this.painted = ghost;
      this.#out.push({ do: 'paint', ghost });
      const { announceMs } = this.#options;
      const announces = ghost && suggestion && announceMs > 0 && suggestion.id !== this.#announced;
      this.#announceAt = announces ? now + announceMs : null;
      if (ghost && suggestion && suggestion.id !== this.#appeared) {
        this.#appeared = suggestion.id;
        this.metrics.appeared(now - suggestion.keyAt);
      }
    }
    const silence = ghost ? null : (this.#hidden() ?? this.#reason);
    if (silence !== this.silence) this.#out.push({ do: 'silence', reason: (this.silence = silence) });
    const times = [this.#askAt, this.#flushAt, this.#announceAt].filter((at) => at !== null);
    const wakeAt = times.length > 0 ? Math.min(...times) : null;
    if (wakeAt !== this.#wakeAt) this.#out.push({ do: 'wake', at: (this.#wakeAt = wakeAt) });
    return this.#out.splice(0);
  }

  #hidden(): Silence | null {
    if (!this.#options.enabled) return 'off';
    if (this.#composing) return 'composing';
    if (!this.#selectionEmpty) return 'selection';
    return this.#focused ? null : 'blur';
  }
}

type Place = Pick<Update, 'before' | 'after' | 'block' | 'language'> & { cut?: boolean };

const sameGhost = (a: Ghost | null, b: Ghost | null): boolean =>
  a?.text === b?.text && a?.choice === b?.choice && a?.choices === b?.choices && a?.complete === b?.complete;
