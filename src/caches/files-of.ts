import { urlWithoutLogin } from '../host/http/address.ts';

/** The address below which a cache has its files: without parameters and a login. */
export function baseOf(cache: string): string {
  const url = urlWithoutLogin(new URL(cache));
  url.search = '';
  return `${url.href.replace(/\/+$/, '')}/`;
}

/** Whether an address is one of those below a base, whatever login it has. */
export const isBelow = (address: string, base: string): boolean =>
  URL.canParse(address) && `${urlWithoutLogin(new URL(address)).href}/`.startsWith(base);
