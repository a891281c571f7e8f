import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { httpClient } from '../../test/support/launch-parts.js';
import { EhrServer } from '../../test/support/ehr-server.js';
import type { EhrAnswer } from '../../test/support/ehr-server.js';
import { registrationOf } from '../../test/support/registration.js';
import { revokeToken } from './revocation.js';

const http = httpClient();
const REGISTRATION = registrationOf(
  { clientId: 'my-app' },
  { type: 'confidential-symmetric', method: 'client_secret_basic', clientSecret: 'my-app-secret-123' },
);
let ehr: EhrServer;

beforeAll(async () => {
  ehr = await EhrServer.start();
});
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => ehr.reset());

function revoke(hint: 'refresh_token' | 'access_token', endpoint = `${ehr.url}/revoke`): Promise<boolean> {
  const server = { token_endpoint: `${ehr.url}/token`, revocation_endpoint: endpoint };
  return revokeToken(http, REGISTRATION, server, 'token-1', hint);
}

describe('the revocation of a token', () => {
  it.each(['refresh_token', 'access_token'] as const)(
    'C-21 posts the token with its hint, authenticated as the client: %s',
    async (hint) => {
      ehr.respondWith(() => ({ status: 200 }));
      expect(await revoke(hint)).toBe(true);
      const [request, ...others] = ehr.requests;
      expect(others).toEqual([]);
      expect(request).toMatchObject({ method: 'POST', target: '/revoke' });
      expect(Object.fromEntries(request!.form)).toEqual({ token: 'token-1', token_type_hint: hint });
      expect(request!.headers.authorization).toBe('Basic bXktYXBwOm15LWFwcC1zZWNyZXQtMTIz');
    },
  );

  it('C-21 is done when the server answers 200, whatever the body says', async () => {
    ehr.respondWith(() => ({ status: 200, text: '<html>ok</html>' }));
    expect(await revoke('refresh_token')).toBe(true);
  });

  it.each<[string, EhrAnswer]>([
    ['503', { status: 503, text: 'down' }],
    ['unsupported_token_type', { status: 400, json: { error: 'unsupported_token_type' } }],
    ['invalid_client', { status: 401, json: { error: 'invalid_client' } }],
    ['a broken connection', 'reset'],
  ])('C-21 answers false and throws nothing: %s', async (_what, answer) => {
    ehr.respondWith(() => answer);
    expect(await revoke('refresh_token')).toBe(false);
    expect(ehr.requests).toHaveLength(1);
  });

  it('C-21 asks nobody where the server has no revocation endpoint', async () => {
    const server = { token_endpoint: `${ehr.url}/token` };
    expect(await revokeToken(http, REGISTRATION, server, 'token-1', 'access_token')).toBe(false);
    expect(ehr.requests).toEqual([]);
  });

  it.each([302, 307])('C-16 does not carry the token to a redirect: %d', async (status) => {
    const target = await EhrServer.start(() => ({ status: 200 }));
    try {
      ehr.respondWith(() => ({ status, headers: { location: `${target.url}/revoke` } }));
      expect(await revoke('refresh_token')).toBe(false);
      expect(target.requests).toEqual([]);
    } finally {
      await target.close();
    }
  });
});
