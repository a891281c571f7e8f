/**
 * Headers of every answer of the module: never cached, never a referrer, framed only where configured.
 *
 * @param scriptNonce of the one inline script the answer has
 */
export function answerHeaders(
  frameAncestors: readonly string[] | null,
  scriptNonce?: string,
): [name: string, value: string][] {
  const ancestors =
    frameAncestors === null || frameAncestors.length === 0 ? "'none'" : frameAncestors.join(' ');
  const script = scriptNonce === undefined ? '' : `script-src 'nonce-${scriptNonce}'; `;
  return [
    ['Cache-Control', 'no-store'],
    ['Pragma', 'no-cache'],
    ['Referrer-Policy', 'no-referrer'],
    ['X-Content-Type-Options', 'nosniff'],
    ['Content-Security-Policy', `default-src 'none'; ${script}frame-ancestors ${ancestors}`],
  ];
}
