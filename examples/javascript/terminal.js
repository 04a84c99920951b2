// Prints what could follow a text: node terminal.js "The old lighthouse stood at the" [ws://127.0.0.1:8765/v1]
// Needs Node 22 or later, or Node 20.10 with --experimental-websocket.
import { GhostText } from './ghost-text.js';

const [text = 'The old lighthouse stood at the', url = 'ws://127.0.0.1:8765/v1'] = process.argv.slice(2);
let shown = '';

function paint(suggestion) {
  process.stdout.write(suggestion.slice(shown.length)); // the server only ever adds to a suggestion
  shown = suggestion;
}

class OneSuggestion extends GhostText {
  receive(message) {
    super.receive(message);
    if (message.type === 'done' && message.id === this.id) {
      process.stdout.write(`   [${message.reason}]\n`);
      process.exit();
    }
  }
}

process.stdout.write(text);
new OneSuggestion(url, paint).changed(text, '');
