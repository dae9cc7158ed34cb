import { createHash } from 'node:crypto';
import { escaped } from '../host/visible.ts';

/** Markup, in which all text of others is escaped. */
export type Html = string & { readonly isHtml: unique symbol };

/** Markup with values in it: texts are escaped where they are put in, markup and lists of it are not. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return parts.reduce((all, part, at) => `${all}${markupOf(values[at - 1] ?? '')}${part}`) as Html;
}

type HtmlValue = { html: Html | readonly Html[] } | string | number | undefined;

/** Marks what is markup already. */
export const raw = (...markup: readonly Html[]): { html: readonly Html[] } => ({ html: markup });

function markupOf(value: NonNullable<HtmlValue>): string {
  if (typeof value === 'object') return [value.html].flat().join('');
  return escapeHtml(String(value));
}

/** Text that is nothing but text, in an element and in an attribute with quotes. */
export const escapeHtml = (text: string): string =>
  escaped(text).replace(/[&<>"'`]/g, found => `&#${found.charCodeAt(0)};`);

/** JSON for a `script` element: no text in it can end the element, or open a comment in it; what is not seen shows. */
export const jsonForScript = (value: unknown): string =>
  JSON.stringify(value, (_, each) => (typeof each === 'string' ? escaped(each) : each)).replace(
    /[<>&]/g,
    found => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** How a Content-Security-Policy names an inline script or style. */
export const cspHash = (content: string): string =>
  `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
