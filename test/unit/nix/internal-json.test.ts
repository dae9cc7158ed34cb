import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLine } from '../../../src/nix/internal-json.ts';

test('activities, results and stops are typed by their action first', () => {
  assert.deepEqual(
    parseLine(
      '@nix {"action":"start","fields":["/nix/store/a.drv","",1,1],"id":5,"level":3,"text":"t","type":105}',
    ),
    { action: 'start', id: '5', type: 105, text: 't', fields: ['/nix/store/a.drv', '', 1, 1] },
  );
  assert.deepEqual(parseLine('@nix {"action":"result","fields":[1,2,0,0],"id":5,"type":105}'), {
    action: 'result',
    id: '5',
    type: 105,
    fields: [1, 2, 0, 0],
  });
  assert.deepEqual(parseLine('@nix {"action":"stop","id":5}'), { action: 'stop', id: '5' });
});

test('ids beyond the safe integers stay apart', () => {
  const [one, two] = ['18014398509481985', '18014398509481984'].map(id =>
    parseLine(`@nix {"action":"stop","id":${id}}`),
  );
  assert.notDeepEqual(one, two);
});

test('an id in a text is not taken for the id', () => {
  const line = `@nix ${JSON.stringify({ action: 'result', fields: ['"id":7'], id: 9, type: 101 })}`;
  assert.deepEqual(parseLine(line), { action: 'result', id: '9', type: 101, fields: ['"id":7'] });
});

test('messages lose their colours', () => {
  assert.deepEqual(
    parseLine('@nix {"action":"msg","level":0,"msg":"\\u001b[31;1merror:\\u001b[0m no"}'),
    { action: 'msg', level: 0, text: 'error: no' },
  );
});

test('a trace, which Nix gives the level of errors, is none', () => {
  const trace = (msg: string) =>
    parseLine(`@nix ${JSON.stringify({ action: 'msg', level: 0, msg })}`);
  for (const text of ['trace: x', "trace: a\nerror: flake 'x' does not provide attribute 'a'"]) {
    assert.deepEqual(trace(text), { action: 'msg', level: 2, text });
  }
  assert.deepEqual(trace('error: trace: x'), { action: 'msg', level: 0, text: 'error: trace: x' });
});

test('what is not in the format is a message, and an unknown action nothing', () => {
  const asMessage = (text: string) => ({ action: 'msg', level: 2, text });
  for (const line of ['fatal: no repository', '@nix {"action":', '@nix 5', '']) {
    assert.deepEqual(parseLine(line), asMessage(line));
  }
  assert.equal(parseLine('@nix {"action":"dance","id":1}'), undefined);
});
