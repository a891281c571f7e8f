import type { LaunchTarget } from '../ehr/known-fhir-server.js';
import { escapeHtml, page } from './page.js';

const POPUP = 'popup,width=1024,height=768';

/**
 * A page for the EHR's frame that opens the launch outside of it. The launch itself begins there: its cookie then
 * belongs to the window it is completed in. Browsers want a click for that, so there is a link; the script spares it
 * where the frame may do without.
 */
export function ownTargetPage(query: string, target: Exclude<LaunchTarget, '_self'>, nonce: string): string {
  const name = target === 'popup' ? '_blank' : target;
  const open =
    target === '_top'
      ? 'top.location.href = link.href;'
      : `open(link.href, '_blank', '${target === 'popup' ? POPUP : ''}');`;
  return page(
    'Open the app',
    `<p><a href="${escapeHtml(query)}" target="${name}">Open the app in a window of its own</a></p>
<script nonce="${escapeHtml(nonce)}">
const link = document.links[0];
const leave = () => { ${open} };
link.onclick = (event) => { event.preventDefault(); leave(); };
try { leave(); } catch {}
</script>`,
  );
}
