import assert from 'node:assert/strict';
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { changeForeignFile, isInStore } from '../../../src/host/foreign-file.ts';
import { freshName, ownHands } from '../../../src/host/hands.ts';
import { processRunner } from '../../../src/host/process.ts';

const host = { env: process.env, run: processRunner(process.env) };
const hands = ownHands(host);
const addLine = (text = '') => `${text}ours\n`;
const storeName = '0123456789abcdfghijklmnpqrsvwxyz-home-manager-files';
let folder = '';
let file = '';
const change = () => changeForeignFile(file, addLine, hands);
const bytes = () => readFile(file);
const lookOf = async () => {
  const { mode, uid, gid, nlink, ino } = await stat(file);
  return { mode, uid, gid, nlink, ino, bytes: await bytes(), beside: await readdir(folder) };
};

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'foreign-')));
  file = join(folder, 'nix.conf');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a file of others', () => {
  it('keeps bytes that are no text, its mode and its owner', async () => {
    await writeFile(file, Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x0d, 0x0a]));
    await chmod(file, 0o640);
    const before = await lookOf();
    assert.equal(await change(), 'changed');
    const after = await lookOf();
    assert.deepEqual(after.bytes, Buffer.concat([before.bytes, Buffer.from('ours\n')]));
    for (const each of ['mode', 'uid', 'gid', 'beside'] as const) {
      assert.deepEqual(after[each], before[each], each);
    }
  });

  it('stays what links lead to', async () => {
    const real = join(folder, 'real');
    await writeFile(real, 'a\n', { mode: 0o600 });
    await symlink('real', join(folder, 'middle'));
    await symlink('middle', file);
    assert.equal(await change(), 'changed');
    assert.ok((await lstat(file)).isSymbolicLink());
    assert.ok((await lstat(join(folder, 'middle'))).isSymbolicLink());
    assert.equal(await readFile(real, 'utf8'), 'a\nours\n');
  });

  it('is made with the mode that is asked for, and removed when nothing is left', async () => {
    assert.equal(await changeForeignFile(file, addLine, hands, '600'), 'changed');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal(await changeForeignFile(file, () => undefined, hands), 'changed');
    assert.deepEqual(await readdir(folder), []);
  });

  it('loses what a killed run has left beside it, also where there is nothing to change', async () => {
    await writeFile(file, 'a\n');
    await writeFile(freshName(file), 'half');
    assert.equal(await changeForeignFile(file, text => text, hands), 'unchanged');
    assert.deepEqual(await readdir(folder), ['nix.conf']);
  });

  it('that somebody changes meanwhile stays as that one wants it', async () => {
    await writeFile(file, 'a\n');
    const meddling = {
      ...hands,
      run: async (program: string, args: readonly string[]) => {
        const done = await hands.run(program, args);
        if (args.includes('--attributes-only')) await writeFile(file, 'another text\n');
        return done;
      },
    };
    const outcome = await changeForeignFile(file, addLine, meddling);
    assert.deepEqual(outcome, {
      kept: 'it cannot be replaced (somebody else has just changed it)',
    });
    assert.equal(await readFile(file, 'utf8'), 'another text\n');
    assert.deepEqual(await readdir(folder), ['nix.conf']);
  });

  it('that is a folder is a failure', async () => {
    await mkdir(file);
    await assert.rejects(change(), Failure);
  });
});

describe('a file is left alone', () => {
  const cases: Record<string, [() => Promise<void>, RegExp]> = {
    'in a store': [
      async () => {
        const store = join(folder, 'store', storeName);
        await mkdir(store, { recursive: true });
        await writeFile(join(store, 'nix.conf'), 'a\n', { mode: 0o644 });
        await symlink(join(store, 'nix.conf'), file);
      },
      /it lies in a Nix store/,
    ],
    'that its owner has made read-only': [
      async () => {
        await writeFile(file, 'a\n');
        await chmod(file, 0o444);
      },
      /it is read-only \(mode 444\)/,
    ],
    'with other names': [
      async () => {
        await writeFile(join(folder, 'other'), 'a\n');
        await link(join(folder, 'other'), file);
      },
      /the same file has other names/,
    ],
  };
  for (const [name, [make, reason]] of Object.entries(cases)) {
    it(name, async () => {
      await make();
      const before = await lookOf();
      const outcome = await change();
      assert.match(typeof outcome === 'object' ? outcome.kept : outcome, reason);
      assert.deepEqual(await lookOf(), before);
    });
  }

  it('where it is to be, if that is a link to nothing', async () => {
    await symlink('nowhere', file);
    assert.deepEqual(await change(), { kept: 'it is a link to nothing' });
    assert.deepEqual(await readdir(folder), ['nix.conf']);
  });
});

it('a store is told by its entries, wherever it is', () => {
  assert.ok(isInStore(`/nix/store/${storeName}`));
  assert.ok(isInStore(`/home/a/.local/share/nix/root/nix/store/${storeName}/nix.conf`));
  assert.ok(!isInStore('/etc/nix/nix.conf'));
  assert.ok(!isInStore('/home/nix/store/nix.conf'));
});
