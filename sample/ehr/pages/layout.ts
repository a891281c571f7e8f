import type { ServerResponse } from 'node:http';
import { escapeHtml } from './html.js';

export interface PageHeader {
  title: string;
  /** Name of the user shown in the top bar. */
  user?: string;
  /** Uses the whole width. */
  wide?: boolean;
}

/** Nothing here needs a script, or may be kept. `form-action` is left out: it would stop the way back to the app. */
const POLICY = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'";
const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** @param frames origins of what the page shows in a frame */
export function setPageHeaders(response: ServerResponse, frames: readonly string[] = []): void {
  const frameSources = frames.length > 0 ? `; frame-src ${frames.join(' ')}` : '';
  response.setHeader('Content-Security-Policy', POLICY + frameSources);
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}

/** The frame of every page; `body` and `footer` are HTML. */
export function page(header: PageHeader, body: string, footer = ''): string {
  const user = header.user ? `<span class="user">Signed in as ${escapeHtml(header.user)}</span>` : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(header.title)} · Demo EHR</title>
<link rel="stylesheet" href="/ehr.css">
<link rel="icon" href="data:,">
</head>
<body>
<header class="bar"><a href="/">Demo EHR</a>${user}</header>
<main${header.wide ? ' class="wide"' : ''}>
${body}
</main>
<footer>${footer}</footer>
</body>
</html>
`;
}
