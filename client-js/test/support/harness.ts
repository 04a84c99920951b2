/** Drives a controller: an editor, a clock, and a server whose frames the test delivers. */

import {
  GhostController,
  type Change,
  type Command,
  type Effect,
  type GhostOptions,
  type ServerMessage,
} from '../../src/index.js';
import type { DocumentMessage } from '../../src/index.js';
import { FakeServer, WELCOME, type Model } from './fake-server.js';
import { FakeEditor } from './fake-editor.js';

export class Harness {
  readonly ghost: GhostController;
  server: FakeServer;
  online = false;
  now = 0;
  /** Every text painted, in order; null: nothing. */
  readonly paints: (string | null)[] = [];
  readonly announced: string[] = [];
  readonly sent: DocumentMessage[] = [];
  private wakeAt = Infinity;

  private readonly reach: { before: number; after: number };

  constructor(
    readonly editor: FakeEditor,
    readonly model: Model,
    options: Partial<GhostOptions> = {},
    online = true,
  ) {
    this.reach = { before: Math.min(options.reachBefore ?? 4096, 4096), after: options.reachAfter ?? 1024 };
    this.ghost = new GhostController('d', { debounceMs: 0, ...options });
    this.server = new FakeServer(model);
    if (online) this.connect();
    this.tell('set');
    this.pass(0);
  }

  get painted(): string | null {
    return this.ghost.painted?.text ?? null;
  }

  /** Types text, a character at a time. */
  type(text: string): this {
    for (const character of text) {
      this.editor.insert(character);
      this.tell('type');
    }
    return this;
  }

  backspace(count = 1): this {
    for (let n = 0; n < count; n++) {
      this.editor.backspace();
      this.tell('delete');
    }
    return this;
  }

  /** Presses a key, and does in the editor what a binding would. */
  press(command: Command): boolean {
    const { handled, insert, effects } = this.ghost.command(command, this.now);
    this.carryOut(effects);
    if (insert !== '') {
      this.editor.insert(insert);
      this.tell('paste');
    }
    this.pass(0);
    return handled;
  }

  tell(change: Change): this {
    this.carryOut(this.ghost.update(this.editor.state(change), this.now));
    return this;
  }

  /** Lets time pass, in ms. */
  pass(ms: number): this {
    const until = this.now + ms;
    for (let guard = 0; this.wakeAt <= until; guard++) {
      if (guard > 100) throw new Error('it never stops waking up');
      this.now = Math.max(this.now, this.wakeAt);
      this.wakeAt = Infinity; // a timer rings once
      this.carryOut(this.ghost.tick(this.now));
    }
    this.now = until;
    return this;
  }

  connect(welcome = WELCOME): this {
    this.server = new FakeServer(this.model);
    this.online = true;
    this.carryOut(this.ghost.connected(welcome, this.now));
    return this;
  }

  disconnect(): this {
    this.online = false;
    this.carryOut(this.ghost.disconnected(this.now));
    return this;
  }

  /** Delivers the oldest `count` frames. */
  deliver(count = Infinity): this {
    for (let n = 0; n < count; n++) {
      const frame = this.server.frames.shift();
      if (!frame) break;
      this.hear(frame);
    }
    return this;
  }

  /** The model writes its whole text and all of it arrives. */
  answer(): this {
    this.server.write(100);
    return this.deliver();
  }

  hear(frame: ServerMessage): this {
    this.carryOut(this.ghost.frame(frame, this.now));
    return this;
  }

  /** Messages of one type sent so far. */
  sentOf<T extends DocumentMessage['type']>(type: T): Extract<DocumentMessage, { type: T }>[] {
    return this.sent.filter((message): message is Extract<DocumentMessage, { type: T }> => message.type === type);
  }

  /** At every request, the server's text must agree with the editor's and be long enough. */
  private asked(id: number): void {
    const { editor, server } = this;
    editor.marks.set(id, editor.caret);
    const before = Math.min(server.before.length, this.reach.before);
    const after = Math.min(server.after.length, this.reach.after);
    const same =
      editor.before.endsWith(tail(server.before, before)) && editor.after.startsWith(server.after.slice(0, after));
    const enough =
      before * 2 >= Math.min(editor.before.length, this.reach.before) - 1 &&
      after * 2 >= Math.min(editor.after.length, this.reach.after) - 1;
    if (!same || !enough) {
      const told = JSON.stringify([server.before, server.after]);
      throw new Error(`the server was told ${told} and not ${JSON.stringify([editor.before, editor.after])}`);
    }
  }

  carryOut(effects: Effect[]): void {
    for (const effect of effects) {
      if (effect.do === 'paint') this.paints.push(effect.ghost?.text ?? null);
      else if (effect.do === 'announce') this.announced.push(effect.text);
      else if (effect.do === 'wake') this.wakeAt = effect.at;
      else if (effect.do === 'send') {
        if (!this.online) throw new Error('a message without a connection');
        this.sent.push(effect.message);
        this.server.receive(structuredClone(effect.message));
        if (effect.message.type === 'suggest') this.asked(effect.message.id);
      }
    }
  }
}

const tail = (text: string, count: number): string => text.slice(text.length - count);

/** A model that continues one text, word by word, wherever it recognises the place. */
export function byHeart(story: string): Model {
  return (before, _after, alternative) => {
    for (let length = Math.min(before.length, story.length); length > 0; length--) {
      const at = story.indexOf(before.slice(-length));
      if (at < 0) continue;
      const sentence = /^[^.]*\.?/.exec(story.slice(at + length))?.[0] ?? '';
      const text = alternative === 0 ? sentence : sentence.toUpperCase().slice(alternative - 1);
      return text.match(/\s*\S+/g) ?? [];
    }
    return [];
  };
}
