import { describe, expect, it } from 'vitest';
import { byHeart, Harness } from './support/harness.js';
import { WELCOME } from './support/fake-server.js';
import { FakeEditor } from './support/fake-editor.js';

const STORY = 'The quick brown fox jumps over the lazy dog. Then it sleeps, and dreams of hens.';
const harness = (text = '', options = {}): Harness => new Harness(new FakeEditor(text), byHeart(STORY), options);

describe('asking', () => {
  it('opens the document as soon as the editor has focus, before anything is typed', () => {
    const d = harness('The qui');
    expect(d.sent).toEqual([{ type: 'open', doc: 'd', rev: 1, before: 'The qui', after: '' }]);
  });

  it('tells of the keystroke and asks', () => {
    const d = harness('The qui').type('c');
    expect(d.sent.slice(1)).toEqual([
      { type: 'edit', doc: 'd', rev: 2, insert: 'c', length: 8 },
      { type: 'suggest', doc: 'd', id: 1, rev: 2 },
    ]);
  });

  it('paints what comes, piece by piece, and only ever adds to it', () => {
    const d = harness('The qui').type('c');
    d.server.write(2);
    d.deliver();
    d.answer();
    expect(d.paints).toEqual([
      'k',
      'k brown',
      'k brown fox',
      'k brown fox jumps',
      'k brown fox jumps over',
      'k brown fox jumps over the',
      'k brown fox jumps over the lazy',
      'k brown fox jumps over the lazy dog.',
      'k brown fox jumps over the lazy dog.',
    ]);
    expect(d.ghost.painted).toEqual({
      text: 'k brown fox jumps over the lazy dog.',
      choice: 0,
      choices: 1,
      complete: true,
    });
  });

  it('waits as long as the server advises', () => {
    const d = new Harness(new FakeEditor('The qui'), byHeart(STORY), { debounceMs: 'auto' }, false);
    d.connect({ ...WELCOME, advice: { debounce_ms: 40 } })
      .type('c')
      .pass(39);
    expect(d.sentOf('suggest')).toHaveLength(0);
    expect(d.pass(1).sentOf('suggest')).toHaveLength(1);
  });

  it('asks only by command when the wait is without end', () => {
    const d = harness('The qui', { debounceMs: Infinity }).type('c').pass(60_000);
    expect(d.sentOf('suggest')).toHaveLength(0);
    d.press('ask');
    expect(d.answer().painted).toBe('k brown fox jumps over the lazy dog.');
  });

  it('asks in the end when a timer comes a little early, as those of browsers do', () => {
    const d = harness('The qui', { debounceMs: 50 }).type('c');
    d.carryOut(d.ghost.tick(d.now + 49.7));
    expect(d.sentOf('suggest')).toHaveLength(0);
    expect(d.pass(50).sentOf('suggest')).toHaveLength(1);
  });

  it('waits for the writer to hesitate when answers come slower than keystrokes', () => {
    const d = harness('The qui', { debounceMs: 'auto' });
    for (const character of 'ck brown') {
      d.type(character).pass(100);
      if (d.sentOf('suggest').length === 1) d.pass(200).answer();
      d.pass(0);
    }
    d.type('!').pass(60);
    const asked = d.sentOf('suggest').length;
    d.type('?').pass(99);
    expect(d.sentOf('suggest')).toHaveLength(asked);
    d.pass(400);
    expect(d.sentOf('suggest')).toHaveLength(asked + 1);
  });

  it('asks the way the options say, within what the server allows', () => {
    const d = new Harness(new FakeEditor('The qui'), byHeart(STORY), {
      alternatives: 9,
      maxTokens: 1000,
      stop: 'phrase',
      quiet: 0.3,
      temperature: 0.5,
      seed: 7,
      maxTimeMs: 900,
      language: 'en',
      preface: 'Fables',
    });
    d.type('c');
    expect(d.sentOf('open')[0]).toMatchObject({ language: 'en', preface: 'Fables' });
    expect(d.sentOf('suggest')[0]).toEqual({
      type: 'suggest',
      doc: 'd',
      id: 1,
      rev: 2,
      alternatives: 4,
      max_tokens: 256,
      stop: 'phrase',
      quiet: 0.3,
      temperature: 0.5,
      seed: 7,
      max_time_ms: 900,
    });
  });

  it('asks nothing on an empty page', () => {
    const d = harness('').type(' ');
    expect(d.sentOf('suggest')).toHaveLength(0);
    expect(d.ghost.silence).toBe('start');
  });
});

describe('typing through', () => {
  it('keeps the ghost text without asking and without waiting', () => {
    const d = harness('The qui').type('c').answer();
    const paints = d.paints.length;
    d.type('k bro');
    expect(d.painted).toBe('wn fox jumps over the lazy dog.');
    expect(d.paints.slice(paints)).not.toContain(null);
    expect(d.sentOf('suggest')).toHaveLength(1);
    expect(d.server.before).toBe('The quick bro');
  });

  it('brings back what was typed when it is deleted again', () => {
    const d = harness('The qui').type('c').answer().type('k bro').backspace(3);
    expect(d.painted).toBe('brown fox jumps over the lazy dog.');
    expect(d.sentOf('suggest')).toHaveLength(1);
  });

  it('goes on when all of it was typed', () => {
    const d = harness('The lazy do').type('g').answer();
    expect(d.painted).toBe('.');
    d.type('.').answer();
    expect(d.painted).toBe(' Then it sleeps, and dreams of hens.');
  });

  it('shows text that comes after the writer has typed the beginning of it', () => {
    const d = harness('The qui', { debounceMs: 50 }).type('c').pass(50).type('k b');
    expect(d.server.live?.done).toBe(false);
    d.answer();
    expect(d.painted).toBe('rown fox jumps over the lazy dog.');
    expect(d.server.before).toBe('The quick b');
    d.pass(500);
    expect(d.sentOf('suggest')).toHaveLength(1);
  });

  it('does not begin with half of a character', () => {
    const d = new Harness(new FakeEditor('Caf'), () => ['e\u0301 noir 👍🏽']).type(' ').answer();
    d.type('e');
    expect(d.painted).toBeNull();
    d.type('\u0301');
    expect(d.painted).toBe(' noir 👍🏽');
    d.type(' noir ').type('👍');
    expect(d.painted).toBeNull();
  });
});

describe('diverging', () => {
  it('clears at once and asks about the new text', () => {
    const d = harness('The qui').type('c').answer().type('!');
    expect(d.painted).toBeNull();
    expect(d.sentOf('suggest')).toHaveLength(2);
  });

  it('stops the server when nothing new is asked', () => {
    const d = harness('The qui').type('c');
    d.server.write(1);
    d.deliver().backspace();
    expect(d.server.live?.done).toBe(true);
    expect(d.painted).toBeNull();
  });

  it.each([
    ['deleting', (d: Harness) => d.backspace(2), 'deleted'],
    ['undoing', (d: Harness) => (d.editor.undo(), d.tell('undo')), 'undone'],
    ['moving the caret', (d: Harness) => ((d.editor.caret = 2), d.tell('caret')), 'moved'],
    [
      'loading another text',
      (d: Harness) => ((d.editor.text = 'The lazy'), (d.editor.caret = 8), d.tell('set')),
      'moved',
    ],
  ] as const)('asks nothing after %s, and says so', (_, act, reason) => {
    const d = harness('The qui').type('c').answer();
    act(d);
    d.pass(5000);
    expect(d.painted).toBeNull();
    expect(d.sentOf('suggest')).toHaveLength(1);
    expect(d.ghost.silence).toBe(reason);
    expect(d.server.before + '|' + d.server.after).toBe(d.editor.before + '|' + d.editor.after);
  });

  it('does not show, after deleting, what was asked before it', () => {
    const d = harness('The qui', { debounceMs: 50 }).type('c').pass(50).type('k').backspace().answer().pass(500);
    expect(d.paints).toEqual([]);
  });

  it('shows nothing after an acceptance was undone', () => {
    const d = harness('The qui').type('c').answer();
    d.press('acceptWord');
    d.editor.undo();
    d.tell('undo').pass(1000);
    expect(d.editor.text).toBe('The quic');
    expect(d.painted).toBeNull();
  });
});

describe('where nothing is shown', () => {
  it('asks and tells nothing while composing, and goes on right afterwards', () => {
    const d = harness('The qui').type('c').answer();
    const sent = d.sent.length;
    for (const provisional of ['k', 'k ', 'k b']) {
      d.editor.composition = provisional;
      d.tell('type').pass(1000);
      expect(d.painted).toBeNull();
    }
    expect(d.sent).toHaveLength(sent);
    d.editor.composition = null;
    d.editor.insert('k b');
    d.tell('type');
    expect(d.painted).toBe('rown fox jumps over the lazy dog.');
  });

  it('asks after a composition that went another way', () => {
    const d = harness('The qui').type('c').answer();
    d.editor.composition = 'x';
    d.tell('type');
    d.editor.composition = null;
    d.editor.insert('k');
    d.tell('caret'); // whatever event an editor ends a composition with
    expect(d.painted).not.toBeNull();
  });

  it('hides with a selection or without focus, and comes back unchanged', () => {
    const d = harness('The qui').type('c').answer();
    const text = d.painted;
    d.editor.selection = 3;
    d.tell('caret');
    expect([d.painted, d.ghost.silence]).toEqual([null, 'selection']);
    d.editor.selection = 0;
    d.editor.focused = false;
    d.tell('caret');
    expect([d.painted, d.ghost.silence]).toEqual([null, 'blur']);
    d.editor.focused = true;
    expect(d.tell('caret').painted).toBe(text);
  });

  it('neither asks nor tells in a block that is switched off', () => {
    const d = harness('The qui', { blocks: { code: false } });
    d.editor.block = 'code';
    d.type('ck').pass(1000);
    expect(d.sent).toHaveLength(1);
    expect(d.ghost.silence).toBe('block');
    d.editor.block = 'paragraph';
    d.type(' ').answer();
    expect(d.painted).toBe('brown fox jumps over the lazy dog.');
  });

  it('asks differently where a block says so', () => {
    const d = harness('The qui', { blocks: { heading: { stop: 'phrase', maxTokens: 6 } } });
    d.editor.block = 'heading';
    d.type('c');
    expect(d.sentOf('suggest')[0]).toMatchObject({ stop: 'phrase', max_tokens: 6 });
    expect(d.sentOf('open').at(-1)).toMatchObject({ block: 'heading' });
  });

  it('takes the text back from the server when it is switched off', () => {
    const d = harness('The qui').type('c').answer();
    d.carryOut(d.ghost.configure({ enabled: false }, d.now));
    expect([d.painted, d.ghost.silence, d.server.open]).toEqual([null, 'off', false]);
    const sent = d.sent.length;
    d.type('k').pass(1000);
    expect(d.sent).toHaveLength(sent);
    d.carryOut(d.ghost.configure({ enabled: true }, d.now));
    expect(d.type(' ').answer().painted).toBe('brown fox jumps over the lazy dog.');
  });

  it('ends at a line break in a field of one line', () => {
    const d = new Harness(new FakeEditor('Dear Sir'), () => [' and Madam', ',\n\nThank you'], { singleLine: true });
    expect(d.type('s').answer().painted).toBe(' and Madam,');
  });
});

describe('accepting', () => {
  it('takes all of it, and asks for what comes next', () => {
    const d = harness('The lazy').type(' ').answer();
    expect(d.press('accept')).toBe(true);
    expect(d.editor.text).toBe('The lazy dog.');
    expect(d.sentOf('accept')).toEqual([{ type: 'accept', doc: 'd', id: 1, rev: 3, length: 4 }]);
    expect(d.server.before).toBe('The lazy dog.');
    expect(d.sentOf('suggest')).toHaveLength(2);
    expect(d.answer().painted).toBe(' Then it sleeps, and dreams of hens.');
  });

  it.each([
    ['acceptWord', 'dog. Then it'],
    ['acceptPhrase', 'dog. Then it sleeps,'],
    ['acceptSentence', 'dog. Then it sleeps, and dreams of hens.'],
  ] as const)('%s takes a part, by the boundaries of the server, and keeps the rest', (command, text) => {
    const d = harness('dog. Then');
    d.press('ask');
    d.answer().press(command);
    expect(d.editor.text).toBe(text);
    expect(d.server.before).toBe(text);
    expect(d.painted ?? '').toBe('dog. Then it sleeps, and dreams of hens.'.slice(text.length));
    expect(d.sentOf('suggest').length).toBe(command === 'acceptSentence' ? 2 : 1);
  });

  it('takes a word before the server has said where words end', () => {
    const d = harness('The qui').type('c');
    d.server.write(3);
    d.deliver().press('acceptWord');
    expect(d.editor.text).toBe('The quick');
    expect(d.painted).toBe(' brown fox');
    d.press('acceptWord');
    expect(d.editor.text).toBe('The quick brown');
    expect(d.answer().painted).toBe(' fox jumps over the lazy dog.');
  });

  it('leaves the key alone when nothing is shown', () => {
    const d = harness('The qui').type('c');
    expect(d.press('accept')).toBe(false);
    expect(d.press('dismiss')).toBe(false);
    expect(d.press('next')).toBe(false);
  });

  it('tells of it as an edit when the server has given the suggestion up', () => {
    const d = harness('The qui').type('c');
    d.server.write(2);
    d.deliver();
    d.server.finish('error');
    d.deliver().press('accept');
    expect(d.sentOf('accept')).toHaveLength(0);
    expect(d.server.before).toBe('The quick brown');
  });

  it('counts what was typed and taken', () => {
    const d = harness('The qui').type('c').answer().type('k b');
    d.press('acceptWord');
    expect(d.ghost.metrics.counts).toMatchObject({
      typedUnits: 4,
      typedAlongUnits: 3,
      accepted: 1,
      acceptedUnits: 4,
      shown: 1,
      asked: 1,
    });
    expect(d.ghost.metrics.reuse).toBe(0.9);
  });
});

describe('alternatives', () => {
  it('cycles through those that came', () => {
    const d = harness('The qui', { alternatives: 3 }).type('c').answer();
    expect(d.ghost.painted).toMatchObject({ choice: 0, choices: 3 });
    d.press('next');
    expect(d.painted).toBe('K BROWN FOX JUMPS OVER THE LAZY DOG.');
    d.press('previous');
    d.press('previous');
    expect(d.ghost.painted).toMatchObject({ text: ' BROWN FOX JUMPS OVER THE LAZY DOG.', choice: 2 });
    d.press('acceptWord');
    expect(d.sentOf('accept')[0]).toMatchObject({ alternative: 2 });
    expect(d.server.before).toBe('The quic BROWN');
  });

  it('turns to the one that the writer types', () => {
    const d = harness('The qui', { alternatives: 2 }).type('c').answer().type('K');
    expect(d.ghost.painted).toMatchObject({ text: ' BROWN FOX JUMPS OVER THE LAZY DOG.', choice: 0, choices: 1 });
  });

  it('asks for others when there was only one, and shows that one until there are', () => {
    const d = harness('The qui').type('c').answer();
    const text = d.painted;
    d.press('next');
    expect(d.sentOf('suggest')[1]).toMatchObject({ alternatives: 3 });
    expect(d.painted).toBe(text);
    d.server.write(1);
    d.deliver();
    expect(d.painted).toBe('K');
    d.answer();
    expect(d.ghost.painted).toMatchObject({ choice: 1, choices: 3 });
  });

  it('keeps the one shown when there are no others', () => {
    const d = new Harness(new FakeEditor('a'), () => [' b']).type(' ').answer();
    d.press('next');
    d.answer();
    expect(d.painted).toBe(' b');
    d.press('accept');
    expect(d.editor.text).toBe('a  b');
  });

  it('lets the writer type along while others are on their way', () => {
    const d = harness('The qui').type('c').answer();
    d.press('next');
    d.type('k br');
    expect(d.painted).toBe('own fox jumps over the lazy dog.');
    d.answer();
    expect(d.painted).toBe('own fox jumps over the lazy dog.');
  });
});

describe('extending', () => {
  it('adds to the end of what is shown', () => {
    const d = harness('The lazy').type(' ').answer();
    d.press('extend');
    expect(d.sentOf('extend')).toEqual([{ type: 'extend', doc: 'd', id: 1, max_tokens: 24, stop: 'sentence' }]);
    expect(d.painted).toBe('dog.');
    expect(d.answer().painted).toBe('dog. Then it sleeps, and dreams of hens.');
  });
});

describe('dismissing', () => {
  it('clears, tells the server, and requests nothing until the next word', () => {
    const d = harness('The quick').type(' ').answer();
    d.press('dismiss');
    expect([d.painted, d.ghost.silence]).toEqual([null, 'dismissed']);
    expect(d.sentOf('dismiss')).toHaveLength(1);
    d.type('bro');
    expect([d.sentOf('suggest').length, d.ghost.silence]).toEqual([1, 'peace']);
    d.type('wn ').answer();
    expect(d.painted).toBe('fox jumps over the lazy dog.');
  });

  it('pauses longer after each dismissal in a row', () => {
    const d = harness('The quick').type(' ').answer();
    const quietFor = (): number => {
      d.press('dismiss');
      const from = d.now;
      for (;;) {
        d.backspace().type(' ').answer();
        if (d.painted !== null) return d.now - from;
        d.pass(1000);
      }
    };
    const waits = [quietFor(), quietFor(), quietFor(), quietFor()];
    expect(waits).toEqual([0, 10_000, 30_000, 90_000]);
  });

  it('comes back at once when the writer asks', () => {
    const d = harness('The quick').type(' ').answer();
    d.press('dismiss');
    d.type('b').press('ask');
    expect(d.answer().painted).toBe('rown fox jumps over the lazy dog.');
  });

  it('is forgotten when one is accepted', () => {
    const d = harness('The quick').type(' ').answer();
    d.press('dismiss');
    d.press('ask');
    d.answer().press('acceptWord');
    d.press('dismiss');
    expect(d.type(' ').answer().painted).toBe('fox jumps over the lazy dog.');
  });
});

describe('a screen reader', () => {
  it('announces a suggestion once, after a pause', () => {
    const d = harness('The qui').type('c').answer().pass(999);
    expect(d.announced).toEqual([]);
    d.pass(1);
    expect(d.announced).toEqual(['k brown fox jumps over the lazy dog.']);
    d.type('k').pass(5000);
    expect(d.announced).toHaveLength(1);
  });

  it('announces nothing when that is switched off', () => {
    expect(harness('The qui', { announceMs: 0 }).type('c').answer().pass(9999).announced).toEqual([]);
  });
});

describe('other people and programs', () => {
  it('keeps the ghost text at the caret through edits elsewhere, and typing along goes on', () => {
    const d = harness('A title. Here begins it. The qui');
    d.editor.text += '\nAnd this is what follows after it.';
    d.tell('remote').pass(200);
    d.type('c').answer();
    const text = d.painted;
    d.editor.remote(2, 5, 'better title');
    expect(d.tell('remote').painted).toBe(text);
    d.editor.remote(d.editor.text.length, 0, ' More.');
    expect(d.tell('remote').painted).toBe(text);
    d.type('k');
    expect(d.painted).toBe(text!.slice(1));
    d.press('acceptWord');
    d.type('!');
    expect([d.server.before, d.server.after]).toEqual([d.editor.before, d.editor.after]);
  });

  it('gives up when someone else writes at the caret', () => {
    const d = harness('The qui').type('c').answer();
    d.editor.remote(7, 1, 'XYZ');
    d.tell('remote');
    expect([d.painted, d.ghost.silence]).toEqual([null, 'remote']);
  });

  it('does not lose a question because someone else edits meanwhile', () => {
    const d = harness('A title. Here begins it. The qui', { debounceMs: 50 }).type('c');
    d.editor.remote(0, 0, 'My ');
    d.tell('remote').pass(50);
    expect(d.answer().painted).toBe('k brown fox jumps over the lazy dog.');
  });
});
