/** What a login needs so that it may write, in the words of each registry. */
const permissions: readonly [registry: RegExp, permission: string][] = [
  [
    /^ghcr\.io$|^containers\./,
    'Give the job "permissions: packages: write"; where the package exists already, let this ' +
      'repository write to it (package settings, "Manage Actions access").',
  ],
  [/^docker\.io$/, 'Log in with an access token of Docker Hub that has "Read & Write".'],
  [
    /\.dkr[.-]ecr[.-]/,
    'Allow the role ecr:InitiateLayerUpload, ecr:UploadLayerPart, ecr:CompleteLayerUpload, ' +
      'ecr:BatchCheckLayerAvailability and ecr:PutImage for this repository; a login (user "AWS") is ' +
      'valid for 12 hours.',
  ],
  [/(^|\.)pkg\.dev$|(^|\.)gcr\.io$/, 'Give the account roles/artifactregistry.writer.'],
  [/\.azurecr\.io$/, 'Give the identity the role AcrPush.'],
  [
    /(^|\.)gitlab\./,
    'Use a token with the scope write_registry, of somebody with the role Developer or more.',
  ],
  [/^quay\.io$/, 'Give the robot account "Write" on this repository.'],
  [/\.jfrog\.io$/, 'Give the user "Deploy/Cache" on this repository of Artifactory.'],
];

/** How a login comes to write to a registry. */
export function permissionToWrite(registry: string): string {
  const [, permission] = permissions.find(([pattern]) => pattern.test(registry)) ?? [];
  return permission ?? `Give this login the permission to push to this repository of ${registry}.`;
}

const otherTag =
  'Choose a tag that is not there yet, or exempt it from the rule of immutable tags.';

/** What was refused, as far as advice depends on it. */
interface Refusal {
  reference: { registry: string };
  /** As it continues "could not": "store the manifest x in". */
  action: string;
  withLogin: boolean;
}

/**
 * Advice by what was refused and what the registry says of it, where the status of its answer alone would
 * lead astray.
 *
 * @param words the registry's errors, as "CODE: message"
 */
export function adviceByWords(
  words: readonly string[],
  refusal: Refusal,
  status?: number,
): string | undefined {
  const said = words.join('\n');
  const isManifest = /manifest/.test(refusal.action);
  return adviceForAny(said, refusal) ?? (isManifest ? adviceForManifest(said, status) : undefined);
}

function adviceForAny(said: string, { reference, withLogin }: Refusal): string | undefined {
  if (/\bquota\b|storage limit/i.test(said)) {
    return 'Delete what is not needed of this registry, or let its quota be raised.';
  }
  if (/immutable/i.test(said)) return otherTag;
  if (/MANIFEST_BLOB_UNKNOWN|BLOB_UNKNOWN: .*manifest/.test(said)) {
    return 'Run it again: the registry has removed a layer in the meantime.';
  }
  if (/insufficient[_ ]scope|write_package/i.test(said) && withLogin) {
    return permissionToWrite(reference.registry);
  }
  return undefined;
}

function adviceForManifest(said: string, status: number | undefined): string | undefined {
  if (status === 409 || status === 412) return otherTag;
  if (status === 413) {
    return 'Make fewer layers, by a larger `max-layer-size`, or raise the limit that is set for manifests.';
  }
  if (/\boci\b/i.test(said)) {
    return 'It takes no images of OCI: write this one to docker-archive:FILE, and send it with "skopeo copy --format v2s2".';
  }
  if (/^MANIFEST_INVALID|zstd|unsupported media ?type/im.test(said)) {
    return 'A registry that knows no zstd takes the image with `compression: gzip`.';
  }
  return undefined;
}
