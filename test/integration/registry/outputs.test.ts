import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { processRunner } from '../../../src/host/process.ts';
import { openStore } from '../../../src/registry/open.ts';
import { layerOf, noise } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { runProgram } from '../../tools/programs.ts';
import { pushImage } from '../../tools/test-image.ts';

const root = mkdtempSync(join(tmpdir(), 'outputs-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});

const source = join(root, 'source');
let expected: Buffer;
before(async () => {
  const store = openStore(`oci:${source}`, { host: quietHost(), credentials: {} });
  await pushImage(store, [layerOf(noise(300_000, 1))], ['t']);
  await store.close();
  const file = join(root, 'expected.tar');
  const result = await shell(`"$@" docker-archive:${file}`);
  assert.equal(result.code, 0, result.stderr);
  expected = readFileSync(file);
});

/** Runs a script as root in a mount namespace of its own; its arguments are the program's `copy`. */
function shell(script: string) {
  const cli = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
  const args = [process.execPath, cli, 'copy', `oci:${source}:t`];
  return processRunner(process.env)({
    file: 'unshare',
    args: [...['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'], ...args],
    cwd: folder,
    limit: 'none',
  });
}

/** Runs a program with a terminal to write to, and keeps what comes out of that. */
const terminal = `
import os, pty, subprocess, sys, threading, tty
reader, terminal = pty.openpty()
tty.setraw(terminal)
program = subprocess.Popen(sys.argv[1:] + ["docker-archive:" + os.ttyname(terminal)])
def end():
    program.wait()
    os.close(terminal)
threading.Thread(target=end).start()
with open("out", "wb") as out:
    try:
        while True: out.write(os.read(reader, 65536))
    except OSError: pass
sys.exit(program.returncode)
`;

describe('a docker-archive goes where it is said', () => {
  const ways = {
    'a pipe': 'mkfifo x; cat x > out & "$@" docker-archive:x && wait && [ -p x ]',
    'a link to a pipe elsewhere':
      'mkdir own; mkfifo x; ln -s ../x own/x; cat x > out & "$@" docker-archive:own/x && wait',
    'standard output by its name': '"$@" docker-archive:/dev/stdout > out',
    'standard output by its name, a pipe': '"$@" docker-archive:/dev/stdout | cat > out',
    'standard output by its sign': '"$@" - > out',
    'an open descriptor': '"$@" docker-archive:/dev/fd/7 7> out',
    'a pipe that the shell makes':
      'exec bash -c \'"$@" docker-archive:>(cat > out); wait\' bash "$@"',
    'a mounted file, which cannot be replaced':
      'touch x out; mount --bind out x; "$@" docker-archive:x',
    'a link in its folder': 'ln -s out x; "$@" docker-archive:x && [ -L x ]',
    'a terminal': `python3 -c '${terminal}' "$@"`,
  };
  for (const [way, script] of Object.entries(ways)) {
    test(way, async () => {
      const { code, stderr } = await shell(script);
      assert.equal(code, 0, stderr);
      assert.ok(readFileSync(join(folder, 'out')).equals(expected));
      const left = readdirSync(folder).filter(name => name.startsWith('.'));
      assert.deepEqual(left, []);
    });
  }

  test('a device that takes all stays a device', async () => {
    const { code, stderr } = await shell('mknod x c 1 3; "$@" docker-archive:x');
    assert.equal(code, 0, stderr);
    assert.ok(lstatSync(join(folder, 'x')).isCharacterDevice());
  });
});

describe('a docker-archive is refused, in words, where it would do harm', () => {
  const python = (text: string) => `python3 -c '${text}'`;
  const refusals: Record<string, [script: string, words: RegExp]> = {
    'a block device': ['mknod x b 7 0; "$@" docker-archive:x', /\/x is a block device\. Nothing/],
    'a link to a block device': [
      'mknod ../loop b 7 0; ln -s ../loop x; "$@" docker-archive:x',
      /\/x is a block device\. Nothing/,
    ],
    'a socket': [
      `${python('import socket; socket.socket(socket.AF_UNIX).bind("x")')}; "$@" docker-archive:x`,
      /\/x is a socket\. Nothing/,
    ],
    'a folder': ['mkdir x; "$@" docker-archive:x', /\/x is a folder\. Nothing/],
    'a link out of its folder': [
      'echo kept > ../kept; ln -s ../kept x; "$@" docker-archive:x',
      /\/x is a link to .*\/kept, which is outside of its folder\. Nothing/,
    ],
    'a device that is full': [
      '"$@" docker-archive:/dev/full',
      /\/dev\/full could not be written: ENOSPC/,
    ],
    'a reader that goes away': [
      'mkfifo x; head -c 1 x > /dev/null & "$@" docker-archive:x',
      /The program that reads .*\/x ended before all of it was written/,
    ],
    'a read-only file, for who may not write it': [
      'chmod 777 .; echo kept > x; chmod 444 x; as_nobody "$@" docker-archive:x',
      /\/x could not be written: EACCES/,
    ],
    'a folder without permission': [
      'as_nobody "$@" docker-archive:x',
      /could not be written: EACCES/,
    ],
    'a folder that is read-only': [
      'mount -t tmpfs -o ro tmpfs .; cd "$PWD"; "$@" docker-archive:x',
      /\/x could not be written: EROFS/,
    ],
  };
  const asNobody = 'as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }; ';
  for (const [what, [script, words]] of Object.entries(refusals)) {
    test(what, async () => {
      await runProgram('chmod', ['a+rx', root, folder]);
      const { code, stderr } = await shell(asNobody + script);
      assert.equal(code, 1, stderr);
      assert.match(stderr, words);
      assert.doesNotMatch(stderr, /\n\s+at /);
      const left = readdirSync(folder).filter(name => name.startsWith('.'));
      assert.deepEqual(left, []);
    });
  }

  test('a file in a folder that takes no others is written in its place', async () => {
    await runProgram('chmod', ['a+rx', root, folder]);
    const script = 'echo old > x; chmod 666 x; as_nobody "$@" docker-archive:x';
    const { code, stderr } = await shell(asNobody + script);
    assert.equal(code, 0, stderr);
    assert.ok(readFileSync(join(folder, 'x')).equals(expected));
  });
});

describe('a layout that others write to as well', () => {
  const lock = new URL('../../../src/host/lock.ts', import.meta.url);
  /** Holds the layout's lock in a process namespace of its own, as another container would. */
  const holder = `const { tryLock } = await import('${lock}');
    await tryLock('x/.comfy-nix-lock'); console.log('held'); setInterval(() => {}, 1000);`;

  test('a lock of another container is waited for, until SIGTERM', async () => {
    mkdirSync(join(folder, 'x'));
    const script = `
      mkfifo held
      unshare --pid --fork --kill-child "$1" -e "$HOLDER" > held & holder=$!
      read -r _ < held
      "$@" oci:x:t 2> said & run=$!
      until [ -e x/blobs/sha256 ] && [ "$(ls x/blobs/sha256 | wc -l)" = 3 ]; do sleep 0.05; done
      sleep 0.3
      kill -TERM $run
      wait $run && exit 1
      [ $? = 130 ] || exit 2
      kill -KILL $holder
      "$@" oci:x:t`;
    const { code, stderr } = await shell(`HOLDER="${holder}"; ${script}`);
    assert.equal(code, 0, stderr + readFileSync(join(folder, 'said'), 'utf8'));
    assert.match(readFileSync(join(folder, 'said'), 'utf8'), /The run was interrupted/);
    const image = openStore(`oci:${join(folder, 'x')}`, { host: quietHost(), credentials: {} });
    assert.ok(await image.getManifest('t'));
  });

  test('what a killed run left is removed by the next, in another process namespace', async () => {
    const module = new URL('../../../src/host/partial-files.ts', import.meta.url);
    const left = `const { partialFile } = await import('${module}');
      const { writeFileSync } = await import('node:fs');
      const { path } = await partialFile('x/blobs/sha256');
      writeFileSync(path, 'half'); process.kill(process.pid, 'SIGKILL');`;
    mkdirSync(join(folder, 'x/blobs/sha256'), { recursive: true });
    const { code, stderr } = await shell(
      `unshare --pid --fork "$1" -e "${left}"; ls -A x/blobs/sha256 > left; "$@" oci:x`,
    );
    assert.equal(code, 0, stderr);
    assert.match(
      readFileSync(join(folder, 'left'), 'utf8'),
      /^\.partial-\w+\n\.partial-\w+\.lock\n$/,
    );
    const blobs = readdirSync(join(folder, 'x/blobs/sha256'));
    assert.deepEqual(
      blobs.filter(name => name.startsWith('.')),
      [],
    );
  });

  test('users of a group may both write to it', async () => {
    await runProgram('chmod', ['a+rx', root]);
    const as = (uid: number) =>
      `setpriv --reuid=${uid} --regid=65534 --clear-groups sh -c 'umask 002; "$@" oci:x' sh "$@"`;
    await runProgram('chmod', ['777', folder]);
    const { code, stderr } = await shell(
      `mkdir -p x/blobs/sha256; chgrp -R 65534 x; chmod -R g+w x; ${as(30001)} && ${as(30002)}`,
    );
    assert.equal(code, 0, stderr);
  });

  test('one that is read-only is said to be', async () => {
    const empty = await shell('mkdir x; mount -t tmpfs -o ro tmpfs x; "$@" oci:x');
    assert.match(empty.stderr, /\/x could not be written: EROFS/);
    const script = '"$@" oci:x; mount --bind x x; mount -o remount,ro,bind x; "$@" oci:x:other';
    const { code, stderr } = await shell(script);
    assert.equal(code, 1);
    assert.match(stderr, /\/x could not be written: EROFS/);
  });
});
