import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { machineSize, resourceLimits } from '../../../src/nix/resources.ts';

const gibibyte = 2 ** 30;
const limits = (gigabytes: number, cpus: number) => {
  const { maxJobs, cores } = resourceLimits({ memory: gigabytes * gibibyte, cpus });
  return `${maxJobs} × ${cores}`;
};

test('the memory decides how much is built at a time', () => {
  assert.equal(limits(16, 4), '1 × 3');
  assert.equal(limits(7, 2), '1 × 1');
  assert.equal(limits(64, 16), '3 × 5');
  assert.equal(limits(64, 4), '3 × 4');
  assert.equal(limits(1, 2), '1 × 1');
});

test('builds never need more than there is, unless one process is too much', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.1, max: 4096, noNaN: true }), fc.nat(512), (size, more) => {
      const cpus = more + 1;
      const { maxJobs, cores } = resourceLimits({ memory: size * gibibyte, cpus });
      assert.ok(Number.isInteger(maxJobs) && maxJobs >= 1 && maxJobs <= cpus);
      assert.ok(Number.isInteger(cores) && cores >= 1 && cores <= cpus);
      assert.ok(maxJobs * cores === 1 || maxJobs * cores * 4 + 2 <= size);
    }),
  );
});

test('this machine has some memory and a processor', () => {
  const { memory, cpus } = machineSize();
  assert.ok(memory > 0 && memory < 2 ** 50 && cpus >= 1);
});
