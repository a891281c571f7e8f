import type { SmartError } from '../smart-error.js';
import { escapeHtml, page } from './page.js';

/**
 * A page for people: what happened, a code and a number for the help desk; nothing from the request.
 *
 * @param ownWindow where the app opens outside the EHR's frame, for a browser that keeps no cookies in it
 */
export function errorPage(error: SmartError, correlationId: string, ownWindow?: string): string {
  const link =
    ownWindow === undefined
      ? ''
      : `<p><a href="${escapeHtml(ownWindow)}" target="_blank" rel="noopener">Open the app in a window of its own</a></p>\n`;
  return page(
    'The app could not be opened',
    `<p>${escapeHtml(error.message)}</p>
${link}<p>Code: <code>${escapeHtml(error.error)}</code>, reference: <code>${escapeHtml(correlationId)}</code></p>`,
  );
}
