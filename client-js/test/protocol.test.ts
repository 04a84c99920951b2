import { describe, expect, it } from 'vitest';
import { mayReconnect, parse, stringify } from '../src/index.js';
import { commandOf, KEYMAP, type Key } from '../src/dom/keymap.js';

describe('frames', () => {
  it.each([
    ['binary', new ArrayBuffer(2)],
    ['no JSON', '{'],
    ['no object', '7'],
    ['null', 'null'],
    ['no type', '{}'],
    ['a type unknown', '{"type":"toString"}'],
    ['a type that is no string', '{"type":["pong"]}'],
    ['a field missing', '{"type":"token","doc":"d","id":1,"text":"x"}'],
    ['a field of another type', '{"type":"token","doc":"d","id":"1","pos":0,"text":"x"}'],
    ['null for an object', '{"type":"done","doc":"d","id":1,"reason":"stop","usage":null,"timing":{}}'],
  ])('%s is nothing', (_, frame) => expect(parse(frame)).toBeNull());

  it('may have fields unknown', () => {
    expect(parse('{"type":"pong","t":1,"extra":true}')).toEqual({ type: 'pong', t: 1, extra: true });
  });

  it('are written as they are', () => {
    expect(stringify({ type: 'close', doc: 'é' })).toBe('{"type":"close","doc":"é"}');
  });

  it('a connection is tried again unless that would change nothing', () => {
    const codes = [1000, 1001, 1005, 1006, 1009, 1011, 4400, 4401, 4406, 4408, 4409, 4429, 4500];
    expect(codes.filter((code) => !mayReconnect(code))).toEqual([4400, 4401, 4406, 4409]);
  });
});

describe('keys', () => {
  const key = (code: string, more: Partial<Key> = {}): Key => ({
    code,
    key: code,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    isComposing: false,
    ...more,
  });
  const pc = (pressed: Key, rightToLeft = false) => commandOf(pressed, KEYMAP, rightToLeft, 'Win32');

  it('are commands by their place and modifiers', () => {
    expect(pc(key('Tab'))).toBe('accept');
    expect(pc(key('Tab', { shiftKey: true }))).toBeNull();
    expect(pc(key('Tab', { ctrlKey: true }))).toBeNull();
    expect(pc(key('ArrowRight', { ctrlKey: true }))).toBe('acceptWord');
    expect(pc(key('BracketRight', { altKey: true, key: '‘' }))).toBe('next');
    expect(pc(key('KeyA'))).toBeNull();
  });

  it('are others on a Mac', () => {
    const mac = (pressed: Key) => commandOf(pressed, KEYMAP, false, 'MacIntel');
    expect(mac(key('ArrowRight', { metaKey: true }))).toBe('acceptWord');
    expect(mac(key('ArrowRight', { ctrlKey: true }))).toBeNull();
    expect(pc(key('ArrowRight', { metaKey: true }))).toBeNull();
  });

  it('change places in right-to-left text', () => {
    expect(pc(key('ArrowLeft', { ctrlKey: true }), true)).toBe('acceptWord');
    expect(pc(key('ArrowRight', { ctrlKey: true }), true)).toBeNull();
  });

  it('belong to the input method while it composes, and AltGr to the layout', () => {
    expect(pc(key('Tab', { isComposing: true }))).toBeNull();
    expect(pc(key('BracketRight', { altKey: true, ctrlKey: true }))).toBeNull();
  });
});
