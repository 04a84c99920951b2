/** A minimal editor: text, a caret, an undo history, and the updates that report them. */

import type { Change, Update } from '../../src/index.js';

interface Step {
  text: string;
  caret: number;
}

export class FakeEditor {
  focused = true;
  block: string | undefined;
  /** Positions that are mapped through changes, as an editor does. */
  readonly marks = new Map<number, number>();
  /** Provisional text of an input method, at the caret. */
  composition: string | null = null;
  selection = 0;
  private readonly past: Step[] = [];
  private readonly future: Step[] = [];

  constructor(
    public text = '',
    public caret = text.length,
    private readonly windows = Infinity,
  ) {}

  get before(): string {
    return this.text.slice(0, this.caret);
  }

  get after(): string {
    return this.text.slice(this.caret);
  }

  insert(text: string): void {
    this.remember();
    this.splice(this.caret, 0, text);
  }

  backspace(count = 1): void {
    const from = this.whole(Math.max(0, this.caret - count));
    this.remember();
    this.splice(from, this.caret - from, '');
  }

  deleteForward(): void {
    const { caret } = this;
    const wide = this.text.codePointAt(caret)! > 0xffff;
    this.remember();
    this.splice(caret, wide ? 2 : 1, '');
  }

  undo(): boolean {
    return this.travel(this.past, this.future);
  }

  redo(): boolean {
    return this.travel(this.future, this.past);
  }

  /** An edit by somebody else. Text inserted exactly at the caret goes after it. */
  remote(near: number, count: number, insert: string): void {
    const at = this.whole(near);
    const removed = this.whole(at + count) - at;
    const { caret } = this;
    this.splice(at, removed, insert);
    this.caret = at < caret ? Math.max(at, caret - removed) + (caret > at ? insert.length : 0) : caret;
    if (at < caret && caret < at + removed) this.caret = at + insert.length;
    this.past.length = this.future.length = 0;
  }

  /** The position itself, or the one before it where it falls inside a surrogate pair. */
  whole(at: number): number {
    const position = Math.min(at, this.text.length);
    const unit = this.text.charCodeAt(position);
    return position > 0 && unit >= 0xdc00 && unit <= 0xdfff ? position - 1 : position;
  }

  state(change: Change): Update {
    const provisional = this.composition ?? '';
    return {
      change,
      before: (this.before + provisional).slice(-this.windows),
      after: this.after.slice(0, this.windows),
      selectionEmpty: this.selection === 0,
      focused: this.focused,
      composing: this.composition !== null,
      block: this.block,
    };
  }

  private remember(): void {
    this.past.push({ text: this.text, caret: this.caret });
    this.future.length = 0;
  }

  private travel(from: Step[], to: Step[]): boolean {
    const step = from.pop();
    if (!step) return false;
    to.push({ text: this.text, caret: this.caret });
    this.text = step.text;
    this.caret = step.caret;
    this.marks.clear();
    return true;
  }

  private splice(at: number, count: number, insert: string): void {
    this.text = this.text.slice(0, at) + insert + this.text.slice(at + count);
    this.caret = at + insert.length;
    for (const [id, mark] of this.marks) {
      if (mark > at) this.marks.set(id, Math.max(at, mark - count) + insert.length);
    }
  }
}
