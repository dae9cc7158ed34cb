import type { Host } from '../../host/host.ts';
import { isReadable } from '../../host/presence.ts';

/** Variables with which a user names certificates, in Nix's order: the first that is set wins. */
const variables = ['NIX_SSL_CERT_FILE', 'SSL_CERT_FILE'] as const;

/** Where distributions keep the certificates of the authorities that the machine trusts. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * The machine's own bundle of certificates, by the user's choice (NIX_SSL_CERT_FILE, SSL_CERT_FILE) or
 * by custom: it may know a company's authority. Undefined where there is none, as in small containers.
 */
export async function machineCertificates(
  { env }: Pick<Host, 'env'>,
  bundles: readonly string[] = systemBundles,
): Promise<string | undefined> {
  const chosen = variables.flatMap(name => env[name] || []);
  for (const file of [...chosen, ...bundles]) {
    if (await isReadable(file)) return file;
  }
  return undefined;
}
