import { headerOf } from './http-request.js';

/**
 * Which page a browser says a request comes from: one of ours (or none, as with a bookmark), another, or no word at
 * all. No browser leaves out both `Sec-Fetch-Site` and `Origin` on an unsafe request of another site; old ones do on
 * a GET.
 */
export function pageBehind(request: object, ownOrigins: ReadonlySet<string>): 'own' | 'other' | 'unsaid' {
  const site = headerOf(request, 'sec-fetch-site');
  const origin = headerOf(request, 'origin');
  if (ownOrigins.has(origin ?? '') || site === 'same-origin' || site === 'none') return 'own';
  return site === undefined && origin === undefined ? 'unsaid' : 'other';
}
