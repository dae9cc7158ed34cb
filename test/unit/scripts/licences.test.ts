import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../../scripts/bundling.ts';
import {
  type BundledPackage,
  bundledPackages,
  headingOf,
  isAllowed,
  licences,
} from '../../../scripts/licences.ts';

const file = fileURLToPath(new URL('../../../dist/licenses.txt', import.meta.url));

describe('dist/licenses.txt', () => {
  let packages: BundledPackage[];
  const partOf = (name: string) => {
    const found = packages.find(each => each.name === name);
    assert.ok(found, `${name} is bundled no more: take it out of this test`);
    return licences([found]);
  };

  before(async () => {
    packages = bundledPackages(await bundle());
  });

  test('names each package that the bundle holds', () => {
    const lines = new Set(readFileSync(file, 'utf8').split('\n'));
    assert.ok(packages.length > 0);
    assert.deepEqual(
      packages.map(headingOf).filter(heading => !lines.has(heading)),
      [],
    );
  });

  test('has nothing to add to what is committed', () => {
    const parts = new Set(readFileSync(file, 'utf8').trim().split('\n\n---\n\n'));
    const missing = packages.filter(each => !parts.has(licences([each]).trim()));
    assert.deepEqual(missing.map(headingOf), []);
  });

  test('follows a licence file that points to others', () => {
    const part = partOf('@renovatebot/pep440');
    assert.match(part, /Apache License\s+Version 2.0/);
    assert.match(part, /Copyright \(c\) Donald Stufft/);
  });

  test('has the standard text where a package ships none', () => {
    for (const name of ['@nodable/entities', 'proxy-agent-negotiate']) {
      assert.match(partOf(name), /Copyright \(c\) \w+[\s\S]*Permission is hereby granted/);
    }
  });

  test('has the notices of others inside of files', () => {
    assert.match(partOf('@protobuf-ts/runtime'), /Copyright 2008 Google Inc/);
    assert.match(partOf('@protobuf-ts/runtime'), /Copyright \(c\) 2016, Daniel Wirtz/);
    assert.match(partOf('@actions/exec'), /Copyright Joyent, Inc. and other Node contributors/);
    assert.match(partOf('undici'), /Copyright \(c\) 2011 Einar Otto Stangvik/);
    assert.match(partOf('undici'), /Copyright \(c\) 2020 Ethan Arrowood/);
  });

  test('cannot be made of a package whose licence is not on the list', () => {
    const [first] = packages;
    assert.ok(first);
    assert.throws(() => licences([{ ...first, license: 'SSPL-1.0' }]), /not on the list/);
    assert.throws(() => licences([{ ...first, license: 'none' }]), /not on the list/);
  });
});

test('each licence that an expression names must be on the list', () => {
  for (const good of ['MIT', '(Apache-2.0 AND BSD-3-Clause)', '(MIT OR Apache-2.0)']) {
    assert.equal(isAllowed(good), true, good);
  }
  for (const bad of ['', 'GPL-3.0-only', 'MIT OR UNLICENSED', 'SEE LICENSE IN EULA.txt', 'mit']) {
    assert.equal(isAllowed(bad), false, bad);
  }
});
