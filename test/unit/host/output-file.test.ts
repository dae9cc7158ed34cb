import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, beforeEach, describe, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { checkOutput, openOutput, writeOutput } from '../../../src/host/output-file.ts';
import { quietHost } from '../../tools/host.ts';

const root = mkdtempSync(join(tmpdir(), 'output-'));
after(() => rmSync(root, { recursive: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});

const host = quietHost();
const at = (name: string) => join(folder, name);
const write = (name: string, content = 'new') => writeOutput(name, content, host);
const message = (expected: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Failure, String(error));
  assert.match(error.message, expected);
  return true;
};

/** Both the early look and the attempt to write say why not. */
async function refuses(name: string, expected: RegExp): Promise<void> {
  await assert.rejects(checkOutput(name), message(expected));
  await assert.rejects(write(name), message(expected));
}

describe('a file', () => {
  test('appears when it is complete, with the mode that it had', async () => {
    writeFileSync(at('x'), 'old', { mode: 0o640 });
    const output = await openOutput(at('x'), host);
    await output.write(Buffer.from('ne'));
    assert.equal(readFileSync(at('x'), 'utf8'), 'old');
    await output.write(Buffer.from('w'));
    await output.complete();
    assert.equal(readFileSync(at('x'), 'utf8'), 'new');
    assert.equal(statSync(at('x')).mode & 0o777, 0o640);
    assert.deepEqual(readdirSync(folder), ['x']);
  });

  test('that is given up stays what it was', async () => {
    writeFileSync(at('x'), 'old');
    const output = await openOutput(at('x'), host);
    await output.write(Buffer.from('new'));
    await output.discard();
    assert.equal(readFileSync(at('x'), 'utf8'), 'old');
    assert.deepEqual(readdirSync(folder), ['x']);
  });

  test('with another name keeps what it had under that', async () => {
    writeFileSync(at('x'), 'old');
    linkSync(at('x'), at('other'));
    await write(at('x'));
    assert.equal(readFileSync(at('x'), 'utf8'), 'new');
    assert.equal(readFileSync(at('other'), 'utf8'), 'old');
  });

  test('in a folder that is missing cannot be written', async () => {
    await refuses(at('no/x'), /no\/x could not be written: ENOENT/);
  });
});

describe('a link', () => {
  test('to a file of its folder, there already or not, stays a link', async () => {
    mkdirSync(at('below'));
    writeFileSync(at('there'), 'old');
    const targets = { one: 'there', two: 'missing', three: 'below/x', four: 'one' };
    for (const [link, target] of Object.entries(targets)) symlinkSync(target, at(link));
    for (const [link, target] of Object.entries(targets)) {
      await checkOutput(at(link));
      await write(at(link), link);
      assert.equal(readlinkSync(at(link)), target);
      assert.equal(readFileSync(at(target), 'utf8'), link);
    }
  });

  test('out of its folder is refused, and what it leads to is untouched', async () => {
    mkdirSync(at('own'));
    writeFileSync(at('secret'), 'old');
    symlinkSync('../secret', at('own/one'));
    symlinkSync('../new', at('own/two'));
    symlinkSync('one', at('own/three'));
    await refuses(at('own/one'), /own\/one is a link to .*\/secret, which is outside/);
    await refuses(at('own/two'), /own\/two is a link to .*\/new, which is outside/);
    await refuses(at('own/three'), /own\/three is a link to .*\/secret, which is outside/);
    assert.equal(readFileSync(at('secret'), 'utf8'), 'old');
    assert.deepEqual(readdirSync(folder), ['own', 'secret']);
  });

  test('to itself is refused', async () => {
    symlinkSync('loop', at('loop'));
    await assert.rejects(write(at('loop')), message(/loop could not be written: ELOOP/));
  });

  test('of the folder itself does no harm', async () => {
    mkdirSync(at('real'));
    symlinkSync('real', at('linked'));
    await write(at('linked/x'));
    assert.equal(readFileSync(at('real/x'), 'utf8'), 'new');
  });
});

test('a folder and a socket are refused by name', async () => {
  await refuses(folder, /is a folder/);
  symlinkSync('.', at('self'));
  await refuses(at('self'), /self is a folder/);
  const server = createServer().listen(at('socket'));
  await once(server, 'listening');
  await refuses(at('socket'), /socket is a socket/);
  assert.ok(lstatSync(at('socket')).isSocket());
  server.close();
});

describe('a pipe', () => {
  /** A pipe with a program that reads it. */
  function readPipe(name: string): { reader: ChildProcess; said: Promise<string> } {
    execFileSync('mkfifo', [name]);
    const reader = spawn('cat', [name], { stdio: ['ignore', 'pipe', 'inherit'] });
    assert.ok(reader.stdout);
    return { reader, said: text(reader.stdout) };
  }

  test('is written to, and stays a pipe', async () => {
    const { said } = readPipe(at('pipe'));
    await checkOutput(at('pipe'));
    const content = 'long '.repeat(100_000);
    await write(at('pipe'), content);
    assert.equal(await said, content);
    assert.ok(lstatSync(at('pipe')).isFIFO());
    assert.deepEqual(readdirSync(folder), ['pipe']);
  });

  test('is written to through a link, too', async () => {
    mkdirSync(at('own'));
    symlinkSync('../pipe', at('own/link'));
    const { said } = readPipe(at('pipe'));
    await write(at('own/link'));
    assert.equal(await said, 'new');
  });

  test('whose reader goes away is a failure', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    spawn('head', ['-c', '1', at('pipe')], { stdio: 'ignore' });
    const long = write(at('pipe'), 'x'.repeat(1_000_000));
    await assert.rejects(long, message(/program that reads .*\/pipe ended before all of it/));
  });

  test('without a reader is waited for, until an interrupt', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const interrupt = new AbortController();
    const reason = new Failure('The run was interrupted.');
    const told: string[] = [];
    const waiting = writeOutput(at('pipe'), 'new', {
      ...host,
      signal: interrupt.signal,
      emit: event => {
        if (event.type === 'notice') told.push(event.message);
        setImmediate(() => interrupt.abort(reason));
      },
    });
    await assert.rejects(waiting, error => error === reason);
    assert.deepEqual(told, [`Waiting for a program that reads ${at('pipe')}`]);
  });
});

describe('a character device', () => {
  test('is written to, also through a link, and stays', async () => {
    symlinkSync('/dev/null', at('nothing'));
    for (const name of ['/dev/null', at('nothing')]) {
      await checkOutput(name);
      await write(name);
    }
    assert.ok(lstatSync('/dev/null').isCharacterDevice());
  });

  test('that is full is a failure', async () => {
    await assert.rejects(write('/dev/full'), message(/\/dev\/full could not be written: ENOSPC/));
    assert.ok(lstatSync('/dev/full').isCharacterDevice());
  });
});

describe("one of the process's own descriptors", () => {
  test('that is a file is written on from where it is', async () => {
    const descriptor = openSync(at('x'), 'w');
    writeFileSync(descriptor, 'first ');
    await write(`/dev/fd/${descriptor}`, 'second ');
    await write(`/proc/self/fd/${descriptor}`, 'third');
    closeSync(descriptor);
    assert.equal(readFileSync(at('x'), 'utf8'), 'first second third');
  });

  test('that is not open is named', async () => {
    await refuses('/dev/fd/98765', /\/dev\/fd\/98765 is not open/);
  });

  /** What a program that writes to a name says on its standard output, sent there by the shell. */
  function writeInShell(name: string, redirection: string): string {
    const module = new URL('../../../src/host/output-file.ts', import.meta.url);
    const program = `import { writeOutput } from '${module}';
      process.stdout.write('before ');
      await writeOutput('${name}', 'record', { emit() {}, clock: Date.now });
      process.stdout.write(' after');`;
    writeFileSync(at('program.ts'), program);
    const shell = `"$0" ${at('program.ts')} ${redirection}`;
    return execFileSync('sh', ['-c', shell, process.execPath], { encoding: 'utf8' });
  }

  test('standard output is written to in turn, as a pipe and as a file', () => {
    for (const name of ['/dev/stdout', '/dev/fd/1', '/proc/self/fd/1', '/proc/thread-self/fd/1']) {
      assert.equal(writeInShell(name, '| cat'), 'before record after', name);
    }
    writeInShell('/dev/stdout', `> ${at('out')}`);
    assert.equal(readFileSync(at('out'), 'utf8'), 'before record after');
    writeInShell('/dev/stdout', `>> ${at('out')}`);
    assert.equal(readFileSync(at('out'), 'utf8'), 'before record after'.repeat(2));
  });
});
