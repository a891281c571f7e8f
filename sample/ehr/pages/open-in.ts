import { escapeHtml } from './html.js';

/** The three ways an EHR shows an app, by the value of `open`. */
export const WAYS = {
  page: 'in this page',
  beside: 'beside the chart',
  tab: 'in a new tab',
} as const;

export type OpenIn = keyof typeof WAYS;

export function readOpenIn(value: unknown): OpenIn {
  return typeof value === 'string' && Object.hasOwn(WAYS, value) ? (value as OpenIn) : 'page';
}

/** Links to the same list, one for each way. */
export function openInChoice(current: OpenIn, search: string): string {
  const links = (Object.keys(WAYS) as OpenIn[]).map((way) => {
    const query = new URLSearchParams({ ...(search && { q: search }), ...(way !== 'page' && { open: way }) });
    const state = way === current ? ' aria-current="true"' : '';
    return `<a href="/?${escapeHtml(query.toString())}"${state}>${WAYS[way]}</a>`;
  });
  return `<nav class="choice" aria-label="Where apps open"><span>Apps open</span>${links.join('')}</nav>`;
}
