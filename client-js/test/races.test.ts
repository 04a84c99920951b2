import { describe, expect, it } from 'vitest';
import type { ServerMessage } from '../src/index.js';
import { byHeart, Harness } from './support/harness.js';
import { WELCOME } from './support/fake-server.js';
import { FakeEditor } from './support/fake-editor.js';

const STORY = 'The quick brown fox jumps over the lazy dog. Then it sleeps, and dreams of hens.';
const harness = (text = 'The qui', options = {}, online = true): Harness =>
  new Harness(new FakeEditor(text), byHeart(STORY), options, online);
const usage = { context: 0, reused: 0, computed: 0, generated: 0 };
const timing = { queue_ms: 0, total_ms: 0 };

describe('frames that come late', () => {
  it('are dropped when the writer has gone elsewhere', () => {
    const d = harness().type('c');
    d.server.write(3);
    const late = d.server.frames.splice(0);
    d.type('!');
    for (const frame of late) d.hear(frame);
    expect(d.paints).toEqual([]);
  });

  it('are dropped after Escape', () => {
    const d = harness().type('c');
    d.server.write(1);
    d.deliver();
    d.server.write(3);
    d.press('dismiss');
    d.deliver();
    expect(d.painted).toBeNull();
  });

  it('are believed while the writer types what they will say', () => {
    const d = harness('The qui', { debounceMs: 30 }).type('c').pass(30);
    d.server.write(2);
    d.type('k');
    d.deliver(1);
    expect([d.painted, d.ghost.silence]).toEqual([null, 'waiting']);
    d.deliver(1);
    expect(d.painted).toBe(' brown');
  });

  it('do not disturb a composition, and show after it', () => {
    const d = harness().type('c');
    d.editor.composition = 'k';
    d.tell('type').answer();
    expect(d.painted).toBeNull();
    d.editor.composition = null;
    d.tell('type');
    expect(d.painted).toBe('k brown fox jumps over the lazy dog.');
  });
});

describe('frames that are lost or make no sense', () => {
  it('leave a gap that nothing is painted after, until the whole text comes', () => {
    const d = harness().type('c');
    d.server.write(3);
    d.server.frames.splice(1, 1);
    d.deliver();
    expect(d.painted).toBe('k');
    expect(d.answer().painted).toBe('k brown fox jumps over the lazy dog.');
  });

  it('that come twice or overlap add what is new', () => {
    const d = harness().type('c');
    const token = (pos: number, text: string): ServerMessage => ({ type: 'token', doc: 'd', id: 1, pos, text });
    for (const frame of [token(0, 'k b'), token(0, 'k b'), token(1, ' bro'), token(2, 'br')]) d.hear(frame);
    expect(d.painted).toBe('k bro');
  });

  it('never change what was painted, whatever they claim', () => {
    const d = harness().type('c');
    const token = (pos: number, text: string): ServerMessage => ({ type: 'token', doc: 'd', id: 1, pos, text });
    d.hear(token(0, 'k brown')).hear(token(2, 'BREAD AND'));
    d.hear({ type: 'done', doc: 'd', id: 1, reason: 'stop', text: 'something else entirely', usage, timing });
    expect(d.painted).toBe('k brown');
    d.hear(token(7, ' after done'));
    d.hear({ type: 'token', doc: 'd', id: 1, pos: 0, text: 'x', alternative: 9 });
    expect(d.painted).toBe('k brown');
  });

  it('for other documents are not for this one', () => {
    const d = harness().type('c').hear({ type: 'token', doc: 'e', id: 1, pos: 0, text: 'k' });
    expect(d.painted).toBeNull();
  });

  it('of kinds unknown do no harm', () => {
    const d = harness().type('c').answer();
    const painted = d.painted;
    d.hear({ type: 'notice', kind: 'party' } as unknown as ServerMessage);
    d.hear({ type: 'error', code: 'novel', message: '', doc: 'd' } as unknown as ServerMessage);
    d.hear({ type: 'error', code: 'internal', message: '' });
    expect(d.painted).toBe(painted);
  });
});

describe('without a server', () => {
  it('the editor never notices; ghost text comes when the server does', () => {
    const d = harness('The qui', {}, false).type('c');
    expect([d.painted, d.ghost.silence]).toEqual([null, 'offline']);
    d.connect().answer();
    expect(d.sent.map((message) => message.type)).toEqual(['open', 'suggest']);
    expect(d.painted).toBe('k brown fox jumps over the lazy dog.');
  });

  it('nothing is asked on its return when the last change deserved no question', () => {
    const d = harness('The qui', {}, false).type('ck').backspace().connect().pass(500);
    expect(d.sent.map((message) => message.type)).toEqual(['open']);
  });

  it('what is painted stays, can be typed along and taken, and the server is told on its return', () => {
    const d = harness().type('c').answer().disconnect().type('k ');
    expect(d.painted).toBe('brown fox jumps over the lazy dog.');
    d.press('acceptWord');
    d.connect();
    expect(d.server.before).toBe('The quick brown');
    d.type(' ').press('acceptWord');
    expect([d.editor.text, d.server.before]).toEqual(['The quick brown fox', 'The quick brown fox']);
    expect(d.sentOf('accept')).toHaveLength(0);
  });

  it('a question that was on its way is put again', () => {
    const d = harness().type('c').disconnect().connect().answer();
    expect(d.painted).toBe('k brown fox jumps over the lazy dog.');
    expect(d.sentOf('suggest').map(({ id }) => id)).toEqual([1, 2]);
  });

  it('frames of the old connection that arrive after the new one is there are not believed', () => {
    const d = harness().type('c');
    d.server.write(2);
    d.deliver(1);
    const old = d.server.frames.splice(0);
    d.disconnect().connect();
    for (const frame of old) d.hear(frame);
    expect(d.painted).toBe('k');
  });
});

describe('a server that objects', () => {
  it.each(['resync', 'unknown_doc', 'stale_rev'] as const)('%s: is given the text anew, and asked again', (code) => {
    const d = harness().type('c');
    d.server.open = false;
    d.hear({ type: 'error', code, message: '', doc: 'd' });
    expect(d.sent.slice(-2)).toMatchObject([
      { type: 'open', before: 'The quic' },
      { type: 'suggest', id: 2 },
    ]);
    d.hear({ type: 'error', code, message: '', doc: 'd', id: 1 });
    d.hear({ type: 'done', doc: 'd', id: 1, reason: 'error', usage, timing });
    expect(d.sentOf('open')).toHaveLength(2);
    expect(d.answer().painted).toBe('k brown fox jumps over the lazy dog.');
  });

  it('that will not understand is not asked for ever', () => {
    const d = harness().type('c');
    for (let n = 0; n < 20; n++) d.hear({ type: 'error', code: 'resync', message: '', doc: 'd' });
    expect(d.sentOf('suggest')).toHaveLength(3);
  });

  it('stale: is told the text anew', () => {
    const d = harness().type('c');
    d.hear({ type: 'done', doc: 'd', id: 1, reason: 'stale', usage, timing });
    expect(d.sent.slice(-2)).toMatchObject([{ type: 'open' }, { type: 'suggest', id: 2 }]);
  });

  it('busy: is asked again when it said, unless the writer went on', () => {
    const d = harness().type('c');
    const refuse = (id: number): void => {
      d.hear({ type: 'error', code: 'busy', message: '', doc: 'd', id, retry_after_ms: 200 });
      d.hear({ type: 'done', doc: 'd', id, reason: 'busy', usage, timing });
    };
    refuse(1);
    expect([d.painted, d.ghost.silence]).toEqual([null, 'busy']);
    expect(d.pass(199).sentOf('suggest')).toHaveLength(1);
    expect(d.pass(1).sentOf('suggest')).toHaveLength(2);
    refuse(2);
    d.backspace().pass(1000);
    expect(d.sentOf('suggest')).toHaveLength(2);
  });

  it('too many documents: is left alone until there is another connection', () => {
    const d = harness().hear({ type: 'error', code: 'too_many_docs', message: '', doc: 'd' }).type('c').pass(1000);
    expect(d.sentOf('suggest')).toHaveLength(0);
    expect(d.connect().answer().painted).toBe('k brown fox jumps over the lazy dog.');
  });

  it('too long a context: is given less', () => {
    const d = harness('x '.repeat(40_000) + 'The qui', { reachBefore: 60_000 }).type('c');
    const long = d.sentOf('open')[0]!.before.length;
    d.hear({ type: 'error', code: 'context_too_long', message: '', doc: 'd' });
    expect(d.sentOf('open')[1]!.before.length).toBeLessThan(long);
  });

  it('keeps within what the server takes from the first', () => {
    const d = harness('x '.repeat(4_000) + 'The qui', { preface: 'p'.repeat(9999) }, false);
    d.editor.text += 'y '.repeat(4_000);
    d.connect({ ...WELCOME, limits: { ...WELCOME.limits, context: 1000 } })
      .tell('set')
      .pass(500);
    for (const { before, after, preface } of d.sentOf('open')) {
      expect(before.length + after.length + preface!.length).toBeLessThanOrEqual(1000);
      expect(before.length).toBeGreaterThan(100);
    }
  });
});

describe('an engine that is lost and restarted', () => {
  it('changes nothing at the loss', () => {
    const d = harness().type('c').answer();
    const { painted } = d;
    const sent = d.sent.length;
    d.hear({ type: 'notice', kind: 'engine_lost' }).pass(5000);
    expect([d.painted, d.sent.length]).toEqual([painted, sent]);
  });

  it('is asked again for what was not answered', () => {
    const d = harness().type('c');
    d.server.finish('error');
    d.deliver();
    expect(d.ghost.silence).toBe('error');
    d.hear({ type: 'notice', kind: 'engine_restarted' }).answer();
    expect(d.painted).toBe('k brown fox jumps over the lazy dog.');
  });

  it('leaves what is painted as it is', () => {
    const d = harness().type('c');
    d.server.write(2);
    d.server.finish('error');
    d.deliver().hear({ type: 'notice', kind: 'engine_restarted' });
    expect(d.painted).toBe('k brown');
    expect(d.sentOf('suggest')).toHaveLength(1);
  });
});
