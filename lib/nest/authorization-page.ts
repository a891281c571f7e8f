import type { AuthorizationForm } from '../token/authorization-request.js';
import { escapeHtml, page } from './page.js';

/** A page that sends the authorization request as a form at once, and has a button where scripts are off. */
export function authorizationPage({ action, fields }: AuthorizationForm, nonce: string): string {
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  return page(
    'Opening the app',
    `<form method="post" action="${escapeHtml(action)}">
${inputs.join('\n')}
<button>Continue</button>
</form>
<script nonce="${escapeHtml(nonce)}">document.forms[0].submit()</script>`,
  );
}
