import { describe, expect, it } from '@jest/globals';
import { playAll, setStage } from './app/stage.js';
import { Visitor } from './app/visitor.js';
import { BROKEN, HANGING } from './ehr/wire.js';
import { LATE_TRANSPORT_FAULTS, TRANSPORT_FAULTS } from './faults/transport.js';

describe('An EHR whose connections misbehave', () => {
  const cast = setStage(() => ({ options: { httpTimeoutMs: 400, maxFhirResponseBytes: 1024 * 1024 } }));

  playAll(cast, [...TRANSPORT_FAULTS, ...LATE_TRANSPORT_FAULTS]);

  it.each(Object.entries({ ...HANGING, ...BROKEN }))(
    'C-21 a revocation endpoint that %s: the user is logged out all the same',
    async (_name, wire) => {
      const { app, ehr } = cast;
      const tenant = ehr.tenant({ profile: 'basic', misbehaviour: { transport: { revocation: wire } } });
      const user = new Visitor(app.url);
      await user.launch(tenant);

      const answer = await user.browser.post(`${app.url}/fhir/logout`, {}, { Accept: 'application/json' });

      expect(answer.status).toBe(204);
      expect((await user.visit('/api/patient')).status).toBe(401);
      expect(tenant.count('revocation')).toBeGreaterThan(0);
    },
  );
});
