import { githubServer } from '../../host/github-server.ts';
import type { Host } from '../../host/host.ts';
import type { AuditSettings, SetupSettings } from '../../inputs/settings.ts';
import { ensureNix } from '../../nix/install/install.ts';
import { resourceLimits } from '../../nix/resources.ts';
import type { Nix } from '../../nix/types.ts';
import type { VerbOutcome } from '../outcome.ts';
import { confLines } from '../setup/conf-lines.ts';
import { putConf } from '../setup/put-conf.ts';
import { rehearse } from '../setup/rehearse.ts';

/**
 * A Nix that evaluates as in a build: with the lines and tokens that the inputs name. They are in the
 * folder of this run, and no other step, user or daemon gets them. Rejects with a {@link Failure}.
 */
export async function nixForAudit(
  settings: AuditSettings,
  host: Host,
): Promise<{ nix: Nix; exports: VerbOutcome['exports'] }> {
  const { conf, temporaryDirectory: folder } = settings;
  const { nix, exports, conf: present } = await ensureNix(settings.nix, host);
  if (conf.lines.length + conf.accessTokens.length === 0 && conf.jobToken === undefined) {
    return { nix, exports };
  }
  await rehearse(nix, conf.lines, folder, folder);
  const lines = confLines({
    conf,
    githubHost: githubServer(host.env)?.host,
    present,
    substituters: [],
    builders: [],
    limits: resourceLimits(),
    netrc: [],
    pushes: false,
  });
  const found = { nix, installed: exports.env, more: {} };
  const put = await putConf(lines, { kind: 'folder', folder }, asSetup(settings), found);
  return { nix: put.nix, exports };
}

/** An audit builds nothing, so that it needs no cache and no builder. */
function asSetup({ nix, conf, temporaryDirectory }: AuditSettings): SetupSettings {
  return {
    nix,
    conf,
    caches: {
      cudaCaches: false,
      substituters: [],
      publicKeys: [],
      cachix: { pull: [], push: [], required: false },
      binaryCaches: [],
      github: { use: 'false', limit: 0, save: false },
    },
    reclaimDisk: 'false',
    task: 'write',
    temporaryDirectory,
  };
}
