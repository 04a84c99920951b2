/**
 * The protocol's golden transcripts from the client's end. What a transcript's client does to its text is done in an
 * editor here; what its server says is said to a controller, which must paint what the transcript implies.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GhostController, parse, stringify } from '../src/index.js';
import type { Change, ClientMessage, Effect, ServerMessage, Welcome } from '../src/index.js';
import { WELCOME } from './support/fake-server.js';

interface Line {
  note?: string;
  client?: ClientMessage;
  server?: ServerMessage;
}

/** How often painted text was compared with what a transcript implies. */
let compared = 0;

const folder = new URL('../../protocol/vectors/', import.meta.url);

function transcripts(file: string): { note: string; lines: Line[] }[] {
  const found: { note: string; lines: Line[] }[] = [];
  for (const text of readFileSync(new URL(file, folder), 'utf8').split('\n')) {
    if (text.trim() === '') continue;
    const line = JSON.parse(text) as Line;
    if (line.note !== undefined) found.push({ note: line.note, lines: [] });
    else found.at(-1)!.lines.push(line);
  }
  return found;
}

/** A debounce that never ends: requests are made when the transcript makes them. */
const NEVER = { debounceMs: 1e12, announceMs: 0 };

/** One document of a transcript: its text, the text received so far, and a controller. */
class Player {
  private before = '';
  private after = '';
  private ghost: GhostController | null = null;
  /** The controller's id of the transcript's suggestion, which may differ from the transcript's. */
  private ownId = 0;
  private id = 0;
  private anchor = '';
  private anchorAfter = '';
  private answers: string[] = [];
  /** Whether the transcript's client did what this one never does, so that what it would paint is not known. */
  private astray = true;
  private sent: ClientMessage[] = [];

  constructor(
    private readonly doc: string,
    private readonly welcome: Welcome,
  ) {}

  /** The transcript's client sends this, and the server does or does not refuse it. */
  client(message: ClientMessage, refused: boolean): void {
    if (refused) {
      this.astray = true;
      return;
    }
    switch (message.type) {
      case 'open':
        this.before = message.before;
        this.after = message.after;
        this.tell('set');
        break;
      case 'edit':
        this.before = this.before.slice(0, this.before.length - (message.delete ?? 0)) + (message.insert ?? '');
        this.after = (message.insert_after ?? '') + this.after.slice(message.delete_after ?? 0);
        this.tell('type');
        break;
      case 'accept': {
        const rest = this.rest(message.alternative ?? 0);
        if (rest === null) throw new Error('a transcript that accepts what is not there');
        const taken = rest.slice(0, message.length);
        this.before += taken;
        if (!this.astray && taken === rest && this.ghost?.painted?.text === rest) {
          const answer = this.ghost.command('accept', 0);
          expect(answer.insert).toBe(taken);
          this.note(answer.effects);
        }
        this.tell('type');
        break;
      }
      case 'suggest':
        this.suggest(message.id, message.alternatives ?? 1);
        break;
      case 'dismiss':
        if (this.ghost?.painted) this.note(this.ghost.command('dismiss', 0).effects);
        this.id = 0;
        this.answers = [];
        break;
      case 'cancel':
      case 'close':
      case 'extend':
        this.astray = true; // this client cancels by edits, and extends only what is done
    }
  }

  server(message: ServerMessage): void {
    if (message.type === 'token' && message.id === this.id) {
      const at = message.alternative ?? 0;
      expect(message.pos).toBe((this.answers[at] ?? '').length);
      this.answers[at] = (this.answers[at] ?? '') + message.text;
    }
    if (message.type === 'done' && message.id === this.id) {
      (message.alternatives ?? [message]).forEach(({ text = '' }, k) => {
        if (text.startsWith(this.answers[k] ?? '')) this.answers[k] = text;
      });
    }
    const painted = this.ghost?.painted?.text ?? null;
    const own = 'id' in message && message.id === this.id ? { ...message, id: this.ownId } : message;
    if ('id' in message && message.id !== this.id && message.type !== 'error') {
      // A frame of an older suggestion, whose number may be taken here: it is dropped by number.
      this.note(this.ghost?.frame({ ...message, id: this.ownId + 1000 }, 0) ?? []);
    } else this.note(this.ghost?.frame(own, 0) ?? []);
    const now = this.ghost?.painted?.text ?? null;
    if (painted !== null) expect(now?.startsWith(painted), `${painted} became ${now}`).toBe(true);
    this.check();
  }

  private suggest(id: number, alternatives: number): void {
    this.id = id;
    this.anchor = this.before;
    this.anchorAfter = this.after;
    this.answers = Array.from({ length: alternatives }, () => '');
    // Ghost text on show is not asked about again here; a transcript's client may do so, and begins afresh.
    this.ghost = new GhostController(this.doc, { ...NEVER, alternatives });
    this.sent = [];
    this.note(this.ghost.connected(this.welcome, 0));
    this.tell('set');
    this.note(this.ghost.command('ask', 0).effects);
    const asked = this.sent.find((message) => message.type === 'suggest');
    this.ownId = asked?.id ?? 0;
    this.astray = asked === undefined;
  }

  private tell(change: Change): void {
    const { before, after } = this;
    this.note(this.ghost?.update({ change, before, after, selectionEmpty: true, focused: true }, 0) ?? []);
    this.check();
  }

  private note(effects: Effect[]): void {
    for (const effect of effects) if (effect.do === 'send') this.sent.push(effect.message);
  }

  /** What is left of an alternative by the rule of type-through; null where the writer left it. */
  private rest(alternative: number): string | null {
    const whole = this.anchor + (this.answers[alternative] ?? '');
    return this.after === this.anchorAfter && this.before.length >= this.anchor.length && whole.startsWith(this.before)
      ? whole.slice(this.before.length)
      : null;
  }

  private check(): void {
    if (this.astray) return;
    const rests = this.answers.map((_, k) => this.rest(k)).filter((rest) => rest !== null && rest !== '');
    const painted = this.ghost?.painted?.text ?? null;
    if (rests.length === 0) expect(painted).toBeNull();
    else if (painted !== null) expect(rests).toContain(painted);
    // Nothing painted: only where the caret stands inside a character.
    else for (const rest of rests) expect(rest).toMatch(/^(\p{Mark}|\p{Surrogate}|\p{Emoji_Modifier})/u);
    compared++;
  }
}

const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));

describe.each(files)('%s', (file) => {
  for (const { note, lines } of transcripts(file)) it(note, () => replay(lines));
});

it('compares what is painted all along', () => expect(compared).toBeGreaterThan(300));

function replay(lines: Line[]): void {
  const players = new Map<string, Player>();
  let welcome = WELCOME;
  const player = (doc: string): Player => {
    const made = players.get(doc) ?? new Player(doc, welcome);
    players.set(doc, made);
    return made;
  };
  lines.forEach((line, at) => {
    if (line.server) {
      const message: ServerMessage | null = parse(JSON.stringify(line.server));
      if (!message) throw new Error('a message that is not understood');
      expect(message).toEqual(line.server);
      if (message.type === 'welcome') welcome = message;
      const doc = 'doc' in message ? message.doc : undefined;
      if (doc !== undefined) player(doc).server(message);
      else for (const each of players.values()) each.server(message);
    } else if (line.client && 'doc' in line.client && typeof line.client.doc === 'string') {
      expect(JSON.parse(stringify(line.client))).toEqual(line.client);
      const { doc } = line.client;
      const next = lines.slice(at + 1).findIndex((other) => other.server === undefined);
      const answers = lines.slice(at + 1, next < 0 ? undefined : at + 1 + next);
      const refused = answers.some(({ server }) => server?.type === 'error' && server.doc === doc);
      player(doc).client(line.client, refused);
    }
  });
}
