import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failuresAmong } from '../../../src/caches/cachix-daemon.ts';
import { readDaemonLog } from '../../../src/caches/cachix-log.ts';

const log = `[2026-11-22 10:00:00][Info] Starting Cachix Daemon
[2026-11-22 10:00:00][Info] Configuration:
PID: 7
Cache name: mine
[2026-11-22 10:00:01][Info][push_id:1] Pushing /nix/store/a-one
[2026-11-22 10:00:02][Info][push_id:1] Pushed /nix/store/a-one
[2026-11-22 10:00:02][Info] Skipping /nix/store/b-two
[2026-11-22 10:00:03][Info][error:FailureResponse (Request
  {path = "/x"}) 403 [denied]][push_id:1] Failed to push /nix/store/c-three
[2026-11-22 10:00:03][Info][error:busy] Failed to push /nix/store/d-four
[2026-11-22 10:00:04][Info][retry:1] Pushed /nix/store/d-four
`;

test("the daemon's log tells what is there, and what failed and why", () => {
  const { present, failed } = readDaemonLog(log);
  assert.deepEqual([...present].sort(), [
    '/nix/store/a-one',
    '/nix/store/b-two',
    '/nix/store/d-four',
  ]);
  assert.deepEqual([...failed.keys()], ['/nix/store/c-three']);
  assert.match(failed.get('/nix/store/c-three') ?? '', /^FailureResponse \(Request \{path/);
});

const ended = (code: number | null, stdout = '', stderr = '') => ({ code, stdout, stderr });
const paths = ['/nix/store/a-one', '/nix/store/c-three'];

test('exit codes say whether, the log says which', () => {
  const ok = ended(0);
  assert.deepEqual(failuresAmong(paths, [ok], ok, ended(0, log)), []);
  const some = failuresAmong(paths, [ended(3)], ended(3), ended(3, log));
  assert.deepEqual(
    some.map(({ path }) => path),
    ['/nix/store/c-three'],
  );
});

test('without a log that is understood, all that is not known to be there has failed', () => {
  const [first, second] = failuresAmong(paths, [ended(3)], ended(3), ended(3, 'new format'));
  assert.match(first?.reason ?? '', /some paths failed, and not which/);
  assert.equal(second?.path, '/nix/store/c-three');
  const brokenOff = failuresAmong(paths, [ended(1)], ended(1), ended(1, '', 'killed\nno memory'));
  assert.match(brokenOff[0]?.reason ?? '', /broke off: no memory/);
});

test('a program without --wait (exit code 1) is believed when it has drained its queue', () => {
  assert.deepEqual(failuresAmong(paths, [ended(1)], ended(0), ended(0)), []);
});
