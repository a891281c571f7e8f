/** Headers of every answer of the module: never cached, never a referrer, framed only where configured. */
export function answerHeaders(frameAncestors: readonly string[] | null): [name: string, value: string][] {
  const ancestors =
    frameAncestors === null || frameAncestors.length === 0 ? "'none'" : frameAncestors.join(' ');
  return [
    ['Cache-Control', 'no-store'],
    ['Pragma', 'no-cache'],
    ['Referrer-Policy', 'no-referrer'],
    ['X-Content-Type-Options', 'nosniff'],
    ['Content-Security-Policy', `default-src 'none'; frame-ancestors ${ancestors}`],
  ];
}
