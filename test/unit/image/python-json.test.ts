// What Python's json and repr write, byte for byte; expected values come from Python 3.11.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseInOrder, pythonJson, pythonList } from '../../../src/image/sources/python-json.ts';

test('lists of strings are quoted as Python does', () => {
  assert.equal(pythonList([]), '[]');
  assert.equal(pythonList(['a', 'b c']), "['a', 'b c']");
  assert.equal(pythonList(["it's"]), `["it's"]`);
  assert.equal(pythonList(['say "x"']), `['say "x"']`);
  assert.equal(pythonList([`it's "x"`]), `['it\\'s "x"']`);
  assert.equal(pythonList(['back\\slash']), `['back\\\\slash']`);
});

test('JSON is indented by four, in ASCII, with all keys where they were', () => {
  const text = '{"b":1,"80":{"443":[]},"a":"größe \\"7\\": 𝄞","1":[1.5,null,true]}';
  assert.equal(
    pythonJson(parseInOrder(text)),
    `{
    "b": 1,
    "80": {
        "443": []
    },
    "a": "gr\\u00f6\\u00dfe \\"7\\": \\ud834\\udd1e",
    "1": [
        1.5,
        null,
        true
    ]
}`,
  );
});

test('texts are no keys, whatever they look like', () => {
  const text = '{"x":"\\"5\\": 6","y":"7"}';
  assert.deepEqual(parseInOrder(text), { x: '"5": 6', y: '7' });
  assert.equal(pythonJson(parseInOrder(text)), '{\n    "x": "\\"5\\": 6",\n    "y": "7"\n}');
});
