import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { currentUser, homeFolder } from '../../../src/host/user.ts';

test('the home folder is that of HOME, else that of the account', () => {
  assert.equal(homeFolder({ HOME: '/elsewhere' }), '/elsewhere');
  assert.equal(homeFolder({ HOME: '' }), userInfo().homedir);
  assert.equal(homeFolder({}), userInfo().homedir);
  assert.equal(currentUser().home, userInfo().homedir);
});

test('a user without an account has a number for a name, and a home by HOME alone', async () => {
  const module = new URL('../../../src/host/user.ts', import.meta.url).href;
  const script = `
    import { currentUser, homeFolder, requireHome } from '${module}';
    process.setgid?.(54321);
    process.setuid?.(54321);
    const failure = (() => { try { return requireHome({}); } catch (error) { return error; } })();
    console.log(JSON.stringify({
      user: currentUser(), home: homeFolder({ HOME: '/work' }), none: homeFolder({ HOME: '' }) ?? null,
      message: failure.message, next: failure.details.next,
    }));`;
  // only root can become somebody else; others are somebody
  if (process.getuid?.() !== 0) return;
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--no-warnings', '--input-type=module', '--eval', script],
  ]);
  assert.deepEqual(JSON.parse(stdout), {
    user: { uid: 54321, gid: 54321, name: '54321' },
    ...{ home: '/work', none: null, message: 'This user has no home folder.' },
    next: 'Set HOME to a folder that this user can write to.',
  });
});
