// Code of somebody else describes images that name files of this machine: none of them gets into one.

import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { type SmallMember, smallConfig, smallManifest, tarOf } from '../../tools/small-image.ts';
import { hostedRunner } from '../setup/hosted-runner.ts';
import { system } from './hermetic-example.ts';
import { freshMachine, program } from './machine.ts';

const secret = 'HOST-SECRET';

/** A script with its conf, the same on a base image, a layout whose files are links, and a link. */
const rightTargets = ['right', 'right-base', 'right-layout', 'right-link'];

/** A pull request from a fork whose workflow runs with the repository's rights. */
const foreign = {
  name: 'pull_request_target',
  payload: { pull_request: { head: { repo: { full_name: 'somebody/comfy' } } } },
};

interface Hostile {
  folder: string;
  /** The folder of a file that only its owner may read. */
  secrets: string;
  inputs: Record<string, string>;
  /** Targets whose images name what they must not. */
  targets: string[];
}

/**
 * A flake of targets that are images of all kinds; each names a file of this machine, or a store
 * path of somebody else, in its own way. `right` names its own closure alone.
 */
async function hostileFlake(t: TestContext): Promise<Hostile> {
  const parent = await mkdtemp(join(tmpdir(), 'host-files-'));
  t.after(() => rm(parent, { recursive: true, force: true }));
  const secrets = join(parent, 'secrets');
  await mkdir(secrets);
  await writeFile(join(secrets, 'secret'), secret, { mode: 0o600 });
  const layer = tarOf([['secret', secret]]);
  const archive: SmallMember[] = [
    ['c.json', JSON.stringify(smallConfig([layer]))],
    ['l.tar', layer],
    ['manifest.json', JSON.stringify(smallManifest)],
  ];
  await writeFile(join(secrets, 'image.tar'), tarOf(archive), { mode: 0o600 });
  const busybox = join(parent, 'busybox');
  await mkdir(busybox);
  await cp('/bin/busybox', join(busybox, 'busybox'));
  const folder = join(parent, 'flake');
  await mkdir(folder);
  await writeFile(join(folder, 'flake.nix'), flake(secrets));
  const targets = [...flake(secrets).matchAll(/^ {6}(bad-[\w-]+) =/gm)].map(
    ([, name = '']) => name,
  );
  assert.ok(targets.length > 8);
  return { folder, secrets, inputs: { busybox: `path:${busybox}` }, targets };
}

const flake = (secrets: string) => `{
  inputs.busybox = { follows = ""; flake = false; };
  outputs = { self, busybox }: let
    b = "\${busybox}/busybox";
    derive = name: script: derivation {
      inherit name; system = "${system}"; builder = b; args = [ "sh" "-c" script ];
    };
    executable = name: text: derive name ''
      echo '#!/bin/sh' > $out; echo '\${text}' >> $out; \${b} chmod 555 $out'';
    package = derive "package" "\${b} mkdir $out; echo right > $out/text";
    custom = derive "custom" ''
      \${b} mkdir $out layer
      \${b} tar -C layer -cf $out/layer.tar .
      \${b} sha256sum $out/layer.tar | \${b} cut -d' ' -f1 > $out/checksum'';
    customLinked = derive "custom-linked" ''
      \${b} mkdir $out; \${b} cp \${custom}/checksum $out; \${b} ln -s ${secrets}/secret $out/layer.tar'';
    conf = {
      architecture = "amd64"; config = { }; store_dir = "/nix/store"; from_image = null;
      store_layers = [ [ "\${package}" ] ]; customisation_layer = "\${custom}";
      repo_tag = "x:latest"; created = "1970-01-01T00:00:01Z";
    };
    streamed = name: change:
      let file = derive "\${name}-conf.json" "echo '\${builtins.toJSON (conf // change)}' > $out";
      in executable "stream-\${name}" "exec stream \${file}";
    described = name: layer: derive "\${name}.json" "echo '\${builtins.toJSON {
      version = 1; image-config = { }; arch = "amd64";
      layers = [ ({
        diff_ids = "sha256:${'0'.repeat(64)}"; mediatype = "application/vnd.oci.image.layer.v1.tar";
      } // layer) ];
    }}' > $out";
    linked = name: to: derive name "\${b} ln -s \${to} $out";
    layout = name: script: derive name ''
      \${b} mkdir -p $out/blobs/sha256
      echo '{"imageLayoutVersion":"1.0.0"}' > $out/oci-layout
      cd $out; \${script}'';
    # what is right, and looks like what is not
    blobs = derive "blobs" ''
      sum() { \${b} sha256sum "$1" | \${b} cut -c 1-64; }
      keep() { \${b} mv "$1" $out/$(sum "$1"); }
      \${b} mkdir $out layer; echo right > layer/text
      \${b} tar -C layer -cf l .
      echo '{"architecture":"amd64","os":"linux","rootfs":{"diff_ids":["sha256:'$(sum l)'"]}}' > c
      blob() { echo '{"mediaType":"'$2'","digest":"sha256:'$(sum $1)'","size":'$(\${b} stat -c %s $1)'}'; }
      oci=application/vnd.oci.image
      echo '{"config":'$(blob c $oci.config.v1+json)',"layers":['$(blob l $oci.layer.v1.tar)']}' > m
      echo '{"manifests":['$(blob m $oci.manifest.v1+json)']}' > $out/index
      keep l; keep c; keep m'';
    archive = derive "archive.tar" ''
      \${b} mkdir layer image; echo right > layer/text
      \${b} tar -C layer -cf image/l.tar .
      sum=$(\${b} sha256sum image/l.tar | \${b} cut -c 1-64)
      echo '{"architecture":"amd64","os":"linux","rootfs":{"diff_ids":["sha256:'$sum'"]}}' > image/c.json
      echo '[{"Config":"c.json","RepoTags":["x:y"],"Layers":["l.tar"]}]' > image/manifest.json
      \${b} tar -C image -cf $out c.json l.tar manifest.json'';
    # a store path of this machine that no reference leads to
    stranger = builtins.unsafeDiscardStringContext "\${package}";
  in {
    packages.${system} = rec {
      right = streamed "right" { };
      right-base = streamed "right-base" { from_image = "\${archive}"; };
      right-layout = layout "right-layout" ''
        \${b} ln -s \${blobs}/index index.json
        for blob in \${blobs}/????????*; do \${b} ln -s $blob blobs/sha256/; done'';
      right-link = linked "right-link" archive;
      bad-root = streamed "root" { store_dir = "/"; store_layers = [ [ "${secrets}" ] ]; };
      bad-dots = streamed "dots" { store_layers = [ [ "/nix/store/../..${secrets}" ] ]; };
      bad-file = streamed "file" { store_layers = [ [ "${secrets}/secret" ] ]; };
      bad-stranger = streamed "stranger" {
        store_layers = [ [ (builtins.substring 0 43 stranger + "-" + "stranger") ] ];
      };
      bad-customisation = streamed "customisation" { customisation_layer = "${secrets}"; };
      bad-custom-link = streamed "custom-link" { customisation_layer = "\${customLinked}"; };
      bad-base = streamed "base" { from_image = "${secrets}/secret"; };
      bad-paths = described "paths" { paths = [ { path = "${secrets}"; } ]; };
      bad-layer-path = described "layer-path" { layer-path = "${secrets}/secret"; };
      bad-output-link = linked "output-link" "${secrets}/secret";
      bad-image-link = linked "image-link" "${secrets}/image.tar";
      bad-base-link = streamed "base-link" { from_image = "\${bad-image-link}"; };
      bad-index-link = layout "index-link" "\${b} ln -s ${secrets}/secret index.json";
      bad-pipe = layout "pipe" "\${b} mkfifo index.json";
      bad-output = right // { outPath = "${secrets}/secret"; };
      bad-derivation = right // { drvPath = "${secrets}/secret"; };
    };
  };
}
`;

/** All bytes of a layout's blobs, unpacked. */
async function contentOf(layout: string): Promise<string> {
  const folder = join(layout, 'blobs/sha256');
  const names = await readdir(folder).catch(() => []);
  const blobs = await Promise.all(names.map(name => readFile(join(folder, name))));
  const unpacked = blobs.map(blob =>
    blob.length >= 4 && blob.readUInt32LE() === 0xfd2fb528 ? zstdDecompressSync(blob) : blob,
  );
  return Buffer.concat(unpacked).toString('latin1');
}

/** One clear error, no image, and nothing of the machine. */
async function assertRefused(target: string, log: string, code: number | null, layout: string) {
  assert.equal(code, 1, `${target}: ${log}`);
  assert.doesNotMatch(log, /^ {4}at |fault of comfy-nix/m, target);
  assert.ok(!log.includes(secret), `${target}: ${log}`);
  assert.ok(!(await contentOf(layout)).includes(secret), target);
  const index = await readFile(join(layout, 'index.json'), 'utf8').catch(() => '{}');
  assert.doesNotMatch(index, /ref\.name/, `${target}: a tag`);
}

test("a fork's flake packs no file of the machine", async t => {
  const { folder, inputs, targets } = await hostileFlake(t);
  const runner = await hostedRunner(t);
  const build = async (target: string) => {
    const image = `oci:${runner.workspace}/${target}`;
    const overrides = Object.entries(inputs).map(([name, to]) => `${name}=${to}`);
    const main = await runner.main({
      inputs: {
        flake: `path:${folder}#${target}`,
        'override-inputs': overrides.join('\n'),
        image,
        tags: 'x',
        'cuda-caches': 'false',
      },
      event: foreign,
    });
    return { ...main, layout: join(runner.workspace, target) };
  };
  for (const target of rightTargets) {
    const right = await build(target);
    assert.equal(right.code, 0, `${target}: ${right.log}`);
    assert.match(await contentOf(right.layout), /right/);
  }
  for (const target of targets) {
    const { log, code, layout } = await build(target);
    await assertRefused(target, log, code, layout);
  }
});

/** Builds targets, each with a link to it, and copies what the links lead to. */
const copyAll = `
  set -eu
  flake=$1 busybox=$2 program=$3 targets=$4
  for target in $targets; do
    nix --extra-experimental-features 'nix-command flakes' build "path:$flake#$target" \\
      --override-input busybox "$busybox" --no-write-lock-file --out-link "result-$target" 2>build.log ||
      { cat build.log; exit 3; }
    code=0
    "$program" copy "./result-$target" "oci:copied-$target:x" >"log-$target" 2>&1 || code=$?
    echo "$code" >"code-$target"
  done
`;

for (const [where, root] of [
  ['the store', undefined],
  ['a chroot store', 'root'],
] as const) {
  test(`copy of what Nix has built in ${where} packs no file of the machine`, async t => {
    const { folder, inputs, targets } = await hostileFlake(t);
    const machine = await freshMachine(t);
    const { home } = machine;
    const builtByNix = targets.filter(name => !/pipe|output$|derivation/.test(name));
    const script = join(home, 'copy-all');
    await writeFile(script, copyAll.replace('"$program"', `${process.execPath} "$program"`));
    // with-nix passes on no variable of Nix
    const env = root === undefined ? [] : ['env', `NIX_REMOTE=local?root=${join(home, root)}`];
    const ran = await machine.command([
      ...[...env, 'sh', '-c', `cd ${home} && exec sh "$@"`, 'sh', script, folder],
      ...[inputs.busybox ?? '', program, [...rightTargets, ...builtByNix].join(' ')],
    ]);
    assert.equal(ran.code, 0, `${ran.stdout}${ran.stderr}`);
    const result = async (target: string) => ({
      code: Number(await readFile(join(home, `code-${target}`), 'utf8')),
      log: await readFile(join(home, `log-${target}`), 'utf8'),
      layout: join(home, `copied-${target}`),
    });
    for (const target of rightTargets) {
      const right = await result(target);
      assert.equal(right.code, 0, `${target}: ${right.log}`);
      assert.match(await contentOf(right.layout), /right/);
    }
    for (const target of builtByNix) {
      const { log, code, layout } = await result(target);
      await assertRefused(target, log, code, layout);
    }
  });
}

test('copy of a script that lies in no store packs nothing at all', async t => {
  const { secrets } = await hostileFlake(t);
  const machine = await freshMachine(t);
  const { home } = machine;
  const conf = join(home, `${'a'.repeat(32)}-x-conf.json`);
  const layers = { store_dir: '/', store_layers: [[secrets]], customisation_layer: secrets };
  const rest = { architecture: 'amd64', config: {}, repo_tag: 'x:y', created: 'now' };
  await writeFile(conf, JSON.stringify({ ...rest, ...layers }));
  await writeFile(join(home, 'script'), `#!/bin/sh\nexec stream ${conf}\n`, { mode: 0o755 });
  const layout = join(home, 'out');
  const words = [process.execPath, program, 'copy', join(home, 'script'), `oci:${layout}:x`];
  const { code, stderr } = await machine.command(words);
  await assertRefused('script', stderr, code, layout);
  assert.match(stderr, /is not part of the image/);
});
