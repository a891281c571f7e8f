import { expect, it } from '@jest/globals';
import { freePort } from '../test/support/free-port.js';
import { startDemo } from './demo.js';

it('the demo EHR launches an app of the developer’s own, too', async () => {
  const ownApp = 'http://localhost:3456';
  const demo = await startDemo({ ehrPort: 0, appPort: await freePort(), ownApp, quiet: true });
  try {
    const url = new URL(demo.ehr.launchUrl('my-app', {}));

    expect(`${url.origin}${url.pathname}`).toBe(`${ownApp}/fhir/launch`);
    expect(url.searchParams.get('iss')).toBe(demo.ehr.fhirBaseUrl);
  } finally {
    await demo.close();
  }
});
