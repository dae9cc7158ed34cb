import { access } from 'node:fs/promises';
import type { Host } from '../../host/host.ts';

/** Where distributions keep the certificates of the authorities that the machine trusts. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * The machine's own bundle of certificates, by the user's choice (NIX_SSL_CERT_FILE) or by custom:
 * it may know a company's authority. Undefined where there is none, as in small containers.
 */
export async function machineCertificates(host: Host): Promise<string | undefined> {
  if (host.env.NIX_SSL_CERT_FILE) return host.env.NIX_SSL_CERT_FILE;
  for (const file of systemBundles) {
    const readable = await access(file).then(
      () => true,
      () => false,
    );
    if (readable) return file;
  }
  return undefined;
}
