// A whole client for the Afterword server. It keeps the server informed of the text around the caret, follows what is
// typed through a suggestion without asking again, and reconnects when the connection drops.
const KEEP = 20_000; // how much text around the caret the server gets, in UTF-16 units
const GIVE_UP = [1009, 4400, 4401, 4406, 4409]; // close codes that reconnecting does not cure

export class GhostText {
  // `paint(text)` shows a text behind the caret, or nothing if it is empty. `token`: the server's secret, if it has one.
  constructor(url, paint, token) {
    Object.assign(this, { url, paint, token, before: '', after: '', from: 0, rev: 0, id: 0, wait: 250 });
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(this.url, 'afterword.v1');
    this.socket.onopen = () => this.send({ type: 'hello', token: this.token, client: { name: 'my-editor' } });
    this.socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    this.socket.onclose = ({ code }) => {
      this.ready = false;
      this.paint('');
      if (GIVE_UP.includes(code)) return;
      setTimeout(() => this.connect(), this.wait * (0.5 + Math.random() / 2));
      this.wait = Math.min(2 * this.wait, 15_000);
    };
  }

  // Call this after every change of the text, and when the caret has moved.
  changed(before, after) {
    const elsewhere = after !== this.after;
    let kept = 0;
    while (kept < before.length && before[kept] === this.before[kept]) kept++;
    if (/[\ud800-\udbff]/.test(before[kept - 1] ?? '')) kept--; // never cut a surrogate pair in two
    const remove = this.before.length - kept;
    Object.assign(this, { before, after });
    if (!this.ready) return;
    if (elsewhere || kept < this.from || before.length - this.from > 2 * KEEP) {
      this.open();
    } else {
      const length = before.length - this.from;
      this.send({ type: 'edit', rev: ++this.rev, delete: remove, insert: before.slice(kept), length });
    }
    const ghost = this.ghost();
    if (ghost)
      this.paint(ghost); // typed through: the suggestion lives on
    else this.suggest();
  }

  // The part of the suggestion that is still ahead of the caret.
  ghost() {
    const typed = this.before.slice(this.anchor?.length ?? 0);
    return this.before.startsWith(this.anchor) && this.text.startsWith(typed) ? this.text.slice(typed.length) : '';
  }

  // Take the first `length` units of the suggestion, or all of it; returns them for the editor to insert.
  accept(length = Infinity) {
    const taken = this.ghost().slice(0, length);
    if (!taken || !this.ready) return '';
    this.before += taken;
    this.send({ type: 'accept', id: this.id, rev: ++this.rev, length: taken.length });
    if (this.ghost()) this.paint(this.ghost());
    else this.suggest();
    return taken;
  }

  open() {
    this.from = Math.max(0, this.before.length - KEEP);
    if (/[\udc00-\udfff]/.test(this.before[this.from] ?? '')) this.from++;
    const after = this.after.slice(0, KEEP).replace(/[\ud800-\udbff]$/, '');
    this.send({ type: 'open', rev: ++this.rev, before: this.before.slice(this.from), after });
  }

  suggest() {
    Object.assign(this, { anchor: this.before, text: '' });
    this.paint('');
    this.send({ type: 'suggest', id: ++this.id, rev: this.rev });
  }

  receive(message) {
    if (message.type === 'welcome') {
      Object.assign(this, { ready: true, wait: 250 });
      this.open();
      this.suggest();
    } else if (message.type === 'error' && ['resync', 'stale_rev'].includes(message.code)) {
      this.open(); // send the text again; the next keystroke asks for a suggestion
    } else if (message.id === this.id && message.type === 'token') {
      this.text += message.text;
      this.paint(this.ghost());
    } else if (message.id === this.id && message.type === 'done') {
      this.words = message.boundaries?.words; // where each word of the suggestion ends, to accept it word by word
    }
  }

  send(message) {
    this.socket.send(JSON.stringify({ doc: 'main', ...message }));
  }
}
