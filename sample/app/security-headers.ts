import type { IncomingMessage, ServerResponse } from 'node:http';

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
];
const HEADERS = {
  // Patient data stays in no cache, and "back" after the log-out shows none.
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** @param ehrUrl whose pages, and nobody else's, may show the app in a frame */
export function securityHeaders(ehrUrl: string): Middleware {
  const policy = [...POLICY, `frame-ancestors ${new URL(ehrUrl).origin}`].join('; ');
  return (_request, response, next) => {
    response.setHeader('Content-Security-Policy', policy);
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    next();
  };
}
