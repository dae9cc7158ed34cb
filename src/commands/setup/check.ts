import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Host } from '../../host/host.ts';
import { accountOwner } from '../../host/shared-file.ts';
import { writePrivate } from '../../host/whole-file.ts';
import type { SetupSettings } from '../../inputs/settings.ts';
import { parseBuilders } from '../../nix/builder-machines.ts';
import { aliasConfig } from '../../nix/builders.ts';
import { type EffectiveConf, readConf } from '../../nix/conf.ts';
import { confFile } from '../../nix/conf-files.ts';
import { daemonFile, trustText, usesDaemon } from '../../nix/daemon.ts';
import { excludeFromNix, ourFile } from '../../nix/include-line.ts';
import { describeMachine } from '../../nix/install/machine.ts';
import { planRelease } from '../../nix/install/releases.ts';
import { findNix } from '../../nix/nix.ts';
import { sshFile } from '../../nix/ssh-aliases.ts';
import type { Nix } from '../../nix/types.ts';
import { userConfFiles } from '../../nix/user-files.ts';
import { type CheckedFile, checkReport } from '../../report/check.ts';
import type { VerbOutcome } from '../outcome.ts';
import { askDaemon, usersToTrust } from './daemon-trust.ts';
import { prepareNix } from './prepare.ts';
import { lackOf, wantedSettings } from './wanted.ts';

/**
 * Says what a set-up would write, and what of it is in effect already. It does the whole of it in the
 * folder of this run, which is removed, and changes nothing else. Rejects with a {@link Failure}.
 */
export async function checkSetup(settings: SetupSettings, host: Host): Promise<VerbOutcome> {
  const nix = await findNix(host);
  const report = checkReport(
    nix === undefined
      ? { wouldInstall: await nextNix(settings, host) }
      : { nix, files: await filesOf(nix, settings, host) },
  );
  return { outputs: {}, report };
}

async function nextNix({ nix }: SetupSettings, host: Host): Promise<string> {
  if (nix.installNix === 'none') return 'none, since `install-nix` says so';
  if (nix.installNix === 'system') return "the distribution's";
  const { version } = planRelease(nix, (await describeMachine(host)).system);
  return version ?? 'the release that `nix-release-url` names';
}

async function filesOf(nix: Nix, settings: SetupSettings, host: Host): Promise<CheckedFile[]> {
  const present = await readConf(nix);
  const { temporaryDirectory } = settings;
  await prepareNix(
    {
      ...settings,
      nix: { ...settings.nix, installNix: 'none' },
      conf: { ...settings.conf, place: 'run' },
    },
    await withoutOurs(host, temporaryDirectory),
  );
  const text = await readFile(join(temporaryDirectory, ourFile), 'utf8');
  const lines = text.split('\n').filter(line => line !== '' && !isOwnPlace(line));
  const daemon = await askDaemon(nix);
  const users = daemon ? await usersToTrust(daemon, settings, accountOwner()) : [];
  const reader = (await usesDaemon(host.env)) ? 'daemon' : 'user';
  const files: CheckedFile[] = [
    {
      file: await confFile({ kind: 'user' }, host.env),
      lines: lines.map(line => ({ line, inEffect: isInEffect(line, present) })),
    },
    {
      file: daemonFile,
      lines: users.length === 0 ? [] : [{ line: trustText(users).trim(), inEffect: false }],
    },
    {
      file: sshFile(reader, host),
      lines: namesOf(settings).map(line => ({ line, inEffect: undefined })),
    },
  ];
  return files.filter(file => file.lines.length > 0);
}

function namesOf({ builders }: SetupSettings): string[] {
  const machines = builders === undefined ? [] : parseBuilders(builders.builders);
  const entries = aliasConfig(machines.flatMap(({ ssh }) => (ssh ? [ssh] : [])));
  return entries.split('\n').filter(line => line !== '');
}

/** Names of the files with secrets, which differ from place to place. */
const isOwnPlace = (line: string): boolean => /^(netrc-file = |!include )/.test(line);

/** A machine on which no earlier set-up has said anything: with copies of the user's own files. */
async function withoutOurs(host: Host, folder: string): Promise<Host> {
  const copies: string[] = [];
  for (const [index, file] of userConfFiles(host.env).entries()) {
    const text = await readFile(file, 'latin1').catch(() => undefined);
    if (text === undefined || file.endsWith(`/${ourFile}`)) continue;
    const copy = join(folder, `user-${index}.conf`);
    const elsewhere = (excludeFromNix(text) ?? '').replace(
      /^(\s*!?include\s+)(?!\/)(?=\S)/gm,
      `$1${dirname(file)}/`,
    );
    await writePrivate(copy, Buffer.from(elsewhere, 'latin1'));
    copies.push(copy);
  }
  const env = { NIX_USER_CONF_FILES: copies.join(':') };
  return {
    ...host,
    env: { ...host.env, ...env },
    run: command => host.run({ ...command, env: { ...env, ...command.env } }),
  };
}

/** Whether Nix has what a line says; undefined where its answer is of another form. */
function isInEffect(line: string, present: EffectiveConf): boolean | undefined {
  const [wanted] = wantedSettings([line], present);
  if (wanted === undefined) return false;
  const lack = lackOf(wanted, present.value(wanted.name));
  return lack === 'unknown' ? undefined : lack === 'none';
}
