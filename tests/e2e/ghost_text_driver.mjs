// Drives the client of examples/javascript/ghost-text.js as an editor would, against the server at the address given.
import { GhostText } from '../../examples/javascript/ghost-text.js';

const painted = [];
const ghost = new GhostText(process.argv[2], (text) => painted.push(text));
const until = async (condition) => {
  while (!condition()) await new Promise((next) => setTimeout(next, 10));
};
const check = (condition, what) => {
  if (condition) return;
  console.error(`not so: ${what}`);
  process.exit(1);
};

ghost.changed('The old lighthouse stood at the', '');
await until(() => ghost.ghost().length > 8);
const first = ghost.ghost();
const asked = ghost.id;

ghost.changed('The old lighthouse stood at the' + first.slice(0, 3), '');
check(ghost.ghost().startsWith(first.slice(3)), 'typing what the suggestion says leaves the rest of it');
check(ghost.id === asked, 'typing what the suggestion says sends no new request');

const taken = ghost.accept(4);
check(taken === first.slice(3, 7), 'accepting takes what was shown');
check(ghost.before === 'The old lighthouse stood at the' + first.slice(0, 7), 'what was accepted is in the text');

ghost.changed('Thank you 🙂 for', ' letter');
ghost.changed('Thank you 🙃 for your', ' letter');
await until(() => ghost.words);
await until(() => ghost.ghost());

ghost.changed('The capital of France is', '');
await until(() => ghost.ghost().startsWith(' Paris'));

ghost.socket.close();
await until(() => !ghost.ready);
ghost.changed('The capital of Germany is', '');
await until(() => ghost.ready && ghost.ghost().startsWith(' Berlin'));
check(painted.includes(''), 'a suggestion that is out of date is wiped');
console.log('all so');
process.exit(0);
