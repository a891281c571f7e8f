import type { AuthorizationForm } from '../token/authorization-request.js';
import { escapeHtml, page } from './page.js';

/** A page that sends a form to the EHR at once, and has a button where scripts are off. */
export function formPage(title: string, { action, fields }: AuthorizationForm, nonce: string): string {
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  return page(
    title,
    `<form method="post" action="${escapeHtml(action)}">
${inputs.join('\n')}
<button>Continue</button>
</form>
<script nonce="${escapeHtml(nonce)}">document.forms[0].submit()</script>`,
  );
}
