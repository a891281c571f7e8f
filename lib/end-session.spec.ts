import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EhrServer } from '../test/support/ehr-server.js';
import { launchRecord, runtimeAt } from '../test/support/launch-parts.js';
import { endSession, revokeTokens } from './end-session.js';
import type { SmartEvent } from './smart-event.js';
import type { SmartRuntime } from './smart-runtime.js';

let ehr: EhrServer;
let runtime: SmartRuntime;
let warnings: string[];
let events: SmartEvent[];

beforeAll(async () => {
  ehr = await EhrServer.start();
});
beforeEach(() => {
  ehr.reset();
  [warnings, events] = [[], []];
  runtime = runtimeAt(`${ehr.url}/fhir`, undefined, {
    logger: { warn: (line) => void warnings.push(line), error: () => undefined },
    onEvent: (event) => void events.push(event),
  });
});
afterEach(() => runtime.close());
afterAll(() => ehr.close());

const record = (changed = {}) =>
  launchRecord(`${ehr.url}/fhir`, {
    server: { token_endpoint: `${ehr.url}/token`, revocation_endpoint: `${ehr.url}/revoke` },
    ...changed,
  });

describe('the end of a session', () => {
  it('C-21 is here first, and tells which launch it was', async () => {
    await runtime.launches.write('session-1', record());

    const { ended, failure } = await endSession(runtime, 'session-1');

    expect([ended.map(({ accessToken }) => accessToken), failure]).toEqual([['access-1'], undefined]);
    expect(await runtime.launches.read('session-1')).toBeUndefined();
    expect(ehr.requests).toEqual([]);
  });

  it('C-21 revokes at the EHR, and counts a logout', async () => {
    ehr.respondWith(() => ({ status: 200 }));

    await revokeTokens(runtime, record());

    expect(ehr.requests.map(({ form }) => form.get('token'))).toEqual(['refresh-1', 'access-1']);
    expect([events, warnings]).toEqual([[{ type: 'logout', server: 'Hospital' }], []]);
  });

  it.each([
    ['is registered no more', { iss: 'https://gone.example.org/fhir' }],
    ['knows the app as another client', { clientId: 'before' }],
  ])('C-21 says so where an EHR that %s could not be asked', async (_what, changed) => {
    await revokeTokens(runtime, record(changed));

    expect(ehr.requests).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/^The tokens of a session were not revoked: /)]);
    expect(warnings.join()).not.toMatch(/access-1|refresh-1|patient-1/);
  });
});
