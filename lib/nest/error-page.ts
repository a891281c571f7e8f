import type { SmartError } from '../smart-error.js';
import { COOKIE_TEXT, PAGE_TEXTS } from './error-page-texts.js';
import { escapeHtml, page } from './page.js';

export interface ErrorPageDetails {
  /** the browser did not send the cookie that the launch set */
  lacksCookie?: boolean;
  /** where the app opens outside the EHR's frame, for a browser that keeps no cookies in it */
  ownWindow?: string;
}

/**
 * A page for people: what happened and what to do, a code and a number for the help desk; nothing from the request,
 * and nothing for developers: their message is in the log, under the same number.
 */
export function errorPage(
  { error }: SmartError,
  correlationId: string,
  { lacksCookie, ownWindow }: ErrorPageDetails = {},
): string {
  const link =
    ownWindow === undefined
      ? ''
      : `<p><a href="${escapeHtml(ownWindow)}" target="_blank" rel="noopener">Open the app in a window of its own</a></p>\n`;
  return page(
    'The app could not be opened',
    `<p>${escapeHtml(lacksCookie ? COOKIE_TEXT : PAGE_TEXTS[error])}</p>
${link}<p>Code: <code>${escapeHtml(error)}</code>, reference: <code>${escapeHtml(correlationId)}</code></p>`,
  );
}
