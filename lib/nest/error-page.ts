import type { SmartError } from '../smart-error.js';

/** A page for people: what happened, a code and a number for the help desk; nothing from the request. */
export function errorPage(error: SmartError, correlationId: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Something went wrong</title>
</head>
<body>
<h1>Something went wrong</h1>
<p>${escapeHtml(error.message)}</p>
<p>Code: <code>${escapeHtml(error.error)}</code>, reference: <code>${escapeHtml(correlationId)}</code></p>
</body>
</html>
`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
