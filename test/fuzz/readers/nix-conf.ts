import fc from 'fast-check';
import { lackOf, wantedSettings } from '../../../src/commands/setup/wanted.ts';
import { effectiveConf, parseSettings } from '../../../src/nix/conf.ts';
import { readConfText } from '../../../src/nix/conf-text.ts';
import { type FuzzedReader, fuzzed } from '../reader.ts';

const words = fc.constantFrom(
  ...['substituters', 'extra-substituters', 'cores', '=', '#', 'include', '!include', '/a', 'a=b'],
  ...['__proto__', 'constructor', 'extra-', '1G', 'true', 'auto', '\n', '\r\n', '\t', '\0'],
);
const text = fc
  .array(fc.oneof(words, fc.string({ maxLength: 8 })), { maxLength: 20 })
  .map(all => all.join(' '));

const value = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom(null, [3], { a: {} }, ['a']));
const setting = fc.record({
  value,
  defaultValue: value,
  aliases: fc.constantFrom(null, 1, ['a'], [null]),
});
const name = fc.constantFrom('substituters', 'cores', 'access-tokens', '__proto__', 'constructor');
const settings = fc.oneof(
  fc.string(),
  fc.json({ maxDepth: 2 }),
  fc.dictionary(name, setting, { maxKeys: 3 }).map(each => JSON.stringify(each)),
);

export const readers: FuzzedReader[] = [
  fuzzed({ name: 'a nix.conf', cases: text, read: readConfText, broken: ['=', '= =', 'include'] }),
  fuzzed({
    name: 'what Nix says of its settings, compared with lines of nix.conf',
    cases: fc.record({ said: settings, lines: text }),
    read: ({ said, lines }) => {
      const conf = effectiveConf(parseSettings(said));
      return wantedSettings([lines], conf).map(each => [
        lackOf(each, conf.value(each.name)),
        ...[conf.list(each.name), conf.text(each.name), conf.names(each.name)],
      ]);
    },
    broken: [{ said: '{"cores":{"value":null}}', lines: 'cores = 1' }],
  }),
];
