import type { LaunchTarget } from '../ehr/known-fhir-server.js';
import { escapeHtml, page } from './page.js';

/**
 * A page for the EHR's frame that opens the launch outside of it. The launch itself begins there: its cookie then
 * belongs to the window it is completed in. Browsers want a click for that, so there is a link; only the whole
 * window is tried at once, since an EHR's handle is good for one launch and two windows would be two.
 */
export function ownTargetPage(query: string, target: Exclude<LaunchTarget, '_self'>, nonce: string): string {
  const name = target === 'popup' ? '_blank' : target;
  return page(
    'Open the app',
    `<p><a href="${escapeHtml(query)}" target="${name}">Open the app in a window of its own</a></p>
<script nonce="${escapeHtml(nonce)}">
const link = document.links[0];
${SCRIPTS[target]}
</script>`,
  );
}

const SCRIPTS = {
  _top: 'try { top.location.href = link.href; } catch {}',
  _blank: '',
  popup:
    "link.onclick = (event) => { event.preventDefault(); open(link.href, '_blank', 'popup,width=1024,height=768'); };",
};
