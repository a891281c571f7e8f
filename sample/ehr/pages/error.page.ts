import { escapeHtml } from './html.js';
import { page } from './layout.js';

export function errorPage(code: string, description = ''): string {
  return page(
    { title: 'Something went wrong' },
    `<div class="card text"><h1>Something went wrong</h1>
<p>${escapeHtml(description)}</p>
<p><code>${escapeHtml(code)}</code></p></div>`,
  );
}
