// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Afterword } from '../src/index.js';
import { attach, type TextareaGhost, type TextareaOptions, type TextField } from '../src/textarea/index.js';
import { byHeart } from './support/harness.js';
import { FakeServer } from './support/fake-server.js';
import { FakeNetwork } from './support/fake-sockets.js';
import { FakeClock } from './support/fake-clock.js';

const STORY = 'The quick brown fox jumps over the lazy dog.';

let server: FakeServer;
let afterword: Afterword;
let clock: FakeClock;
let ghost: TextareaGhost;
let field: TextField;
let send: () => void;

function begin(tag: 'textarea' | 'input' = 'textarea', options: TextareaOptions = {}): void {
  field = document.createElement(tag);
  document.body.append(field);
  field.focus();
  const network = new FakeNetwork();
  clock = new FakeClock();
  afterword = new Afterword({ url: 'ws://test/v1', WebSocket: network.WebSocket, clock });
  ghost = attach(field, afterword, options);
  network.last.accept();
  server = new FakeServer(byHeart(STORY), 'd1');
  let told = 0;
  send = () => {
    const messages = network.last.sent.filter((message) => 'doc' in message);
    for (; told < messages.length; told++) server.receive(messages[told]!);
    server.write(100);
    for (const frame of server.frames.splice(0)) network.last.say(frame);
  };
}

/** Types as a browser does: the value changes, then the event comes. */
function type(text: string): void {
  for (const data of text) {
    const at = field.selectionEnd!;
    field.setRangeText(data, at, at, 'end');
    field.dispatchEvent(new InputEvent('input', { inputType: 'insertText', data, bubbles: true }));
  }
  clock.pass(0);
  send();
}

const shown = (): string | null => document.querySelector('.afterword-ghost')?.textContent ?? null;
const press = (code: string, more = {}): boolean =>
  !field.dispatchEvent(new KeyboardEvent('keydown', { code, key: code, cancelable: true, bubbles: true, ...more }));

beforeEach(() => begin());
afterEach(() => {
  ghost.detach();
  afterword.close();
  document.body.replaceChildren();
});

describe('a text field', () => {
  it('shows ghost text behind its own, and never holds it', () => {
    type('The qui');
    expect(shown()).toBe('ck brown fox jumps over the lazy dog.');
    expect(document.querySelector('.afterword-overlay')?.textContent).toBe(STORY);
    expect(field.value).toBe('The qui');
    expect(document.querySelector('.afterword-overlay')?.getAttribute('aria-hidden')).toBe('true');
  });

  it('takes Tab while ghost text shows, and only then', () => {
    type('The lazy');
    expect(press('Tab')).toBe(true);
    expect(field.value).toBe('The lazy dog.');
    expect(field.selectionEnd).toBe(13);
    send();
    expect(shown()).toBeNull();
    expect(press('Tab')).toBe(false);
    expect(server.before).toBe('The lazy dog.');
  });

  it('takes a word, and shows the rest right behind it', () => {
    type('The qui');
    expect(press('ArrowRight', { ctrlKey: true })).toBe(true);
    expect(field.value).toBe('The quick');
    expect(document.querySelector('.afterword-overlay')?.firstChild?.textContent).toBe('The quick');
    expect(shown()).toBe(' brown fox jumps over the lazy dog.');
  });

  it('clears on Escape, on leaving, and on detaching', () => {
    type('The qui');
    expect(press('Escape')).toBe(true);
    expect(shown()).toBeNull();
    type('ck ');
    expect(shown()).toBe('brown fox jumps over the lazy dog.');
    field.blur();
    expect(shown()).toBeNull();
    field.focus();
    expect(shown()).toBe('brown fox jumps over the lazy dog.');
    ghost.detach();
    expect(shown()).toBeNull();
    type('b');
    expect(shown()).toBeNull();
  });

  it('shows nothing while composing', () => {
    type('The qui');
    field.dispatchEvent(new CompositionEvent('compositionstart'));
    expect(shown()).toBeNull();
    expect(press('Tab', { isComposing: true })).toBe(false);
    field.setRangeText('ck', 7, 7, 'end');
    field.dispatchEvent(new InputEvent('input', { inputType: 'insertCompositionText' }));
    field.dispatchEvent(new CompositionEvent('compositionend'));
    expect(shown()).toBe(' brown fox jumps over the lazy dog.');
  });

  it('asks nothing after undo', () => {
    type('The qui');
    field.value = 'The qu';
    field.dispatchEvent(new InputEvent('input', { inputType: 'historyUndo' }));
    expect([shown(), ghost.document.status().silence]).toEqual([null, 'undone']);
  });

  it('makes room for ghost text where text follows', () => {
    type('The qui!');
    field.setSelectionRange(7, 7);
    document.dispatchEvent(new Event('selectionchange'));
    ghost.run('ask');
    send();
    expect(document.querySelector('.afterword-overlay')?.textContent).toBe(`${STORY}!`);
    expect(field.hasAttribute('data-afterword-hidden')).toBe(true);
    press('Escape');
    expect(field.hasAttribute('data-afterword-hidden')).toBe(false);
  });

  it('takes ghost text that is tapped, not one that is clicked', () => {
    type('The lazy');
    const tap = (pointerType: string): boolean =>
      document.querySelector('.afterword-ghost')!.dispatchEvent(new PointerEvent('pointerdown', { pointerType }));
    tap('mouse');
    expect(field.value).toBe('The lazy');
    tap('touch');
    expect(field.value).toBe('The lazy dog.');
  });

  it('tells a screen reader once, after a pause', () => {
    type('The lazy');
    clock.pass(1000);
    expect(document.querySelector('[role=status]')?.textContent).toBe(' dog.');
  });

  it('uses the field’s own history to insert where there is a way', () => {
    type('The lazy');
    const execCommand = vi.fn((_name: string, _ui: boolean, text: string) => {
      field.setRangeText(text, field.selectionEnd!, field.selectionEnd!, 'end');
      return true;
    });
    Object.assign(document, { execCommand });
    press('Tab');
    Reflect.deleteProperty(document, 'execCommand');
    expect(execCommand.mock.calls).toEqual([['insertText', false, ' dog.']]);
    expect(field.value).toBe('The lazy dog.');
  });

  it('shows nothing where nothing can be written', () => {
    (field as HTMLTextAreaElement).readOnly = true;
    type('The qui');
    expect(shown()).toBeNull();
  });
});

it('works in a field of one line', () => {
  ghost.detach();
  begin('input', { keymap: { F2: 'accept' } });
  type('The lazy');
  expect(shown()).toBe(' dog.');
  expect(press('Tab')).toBe(false);
  press('F2');
  expect(field.value).toBe('The lazy dog.');
});
