import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RecordingServer, json } from '../../test/support/recording-server.js';
import { registrationOf } from '../../test/support/registration.js';
import { HttpClient } from '../http/http-client.js';
import { unwrap } from '../smart-error.js';
import { Discovery } from './discovery.js';

const ehr = new RecordingServer();
const provider = new RecordingServer();
const http = new HttpClient(
  { timeoutMs: 5_000, maxBytes: 4096 },
  { publicOnly: false, allowLoopback: false },
);

beforeAll(() => Promise.all([ehr.start(), provider.start()]));
beforeEach(() => provider.reset(json({}, 404)));
afterAll(() => Promise.all([ehr.close(), provider.close(), http.close()]));

/** What the EHR's own document says, and what becomes of its issuer. */
async function issuerOf(document: object) {
  ehr.reset(json({ token_endpoint: `${ehr.url}/token`, jwks_uri: `${ehr.url}/jwks`, ...document }));
  const discovery = new Discovery(http, { allowHttp: true, discoveryTtlMs: 60_000 });
  const { issuer, jwks_uri } = unwrap(await discovery.discover(registrationOf({ iss: `${ehr.url}/fhir` })));
  return { issuer, jwks_uri };
}

describe('an issuer', () => {
  it('B-27 C-3 of another server is not taken from an EHR that only claims it', async () => {
    const issuer = `${provider.url}/hospital-a`;
    const itsOwn = { issuer, token_endpoint: `${provider.url}/token`, jwks_uri: `${provider.url}/jwks` };
    for (const answer of [json({}, 404), json({ ...itsOwn, issuer: 'https://c' }), json(itsOwn)]) {
      provider.reset(answer);

      expect(await issuerOf({ issuer })).toEqual({ issuer: undefined, jwks_uri: undefined });
    }
  });

  it('B-19 B-20 of another host is taken when it names the EHR’s token endpoint, with the keys it names', async () => {
    const issuer = `${provider.url}/idp`;
    const jwks_uri = `${provider.url}/keys`;
    provider.reset(json({ issuer, token_endpoint: `${ehr.url}/token`, jwks_uri }));

    expect(await issuerOf({ issuer })).toEqual({ issuer, jwks_uri });
    expect(provider.requests.map(({ url }) => url)).toEqual(['/idp/.well-known/openid-configuration']);
  });

  it('of the FHIR server’s or the token endpoint’s host is taken as it is', async () => {
    const jwks_uri = `${ehr.url}/jwks`;
    expect(await issuerOf({ issuer: `${ehr.url}/oidc` })).toEqual({ issuer: `${ehr.url}/oidc`, jwks_uri });

    const issuer = `${provider.url}/idp`;
    const token_endpoint = `${provider.url}/idp/token`;
    expect(await issuerOf({ issuer, token_endpoint })).toEqual({ issuer, jwks_uri });
    expect(provider.requests).toEqual([]);
  });

  it.each(['http://[', 'ftp://ehr.example', 'https://ehr.example/?x=1', 'https://u:p@ehr.example', 5])(
    'B-2 %j is none',
    async (issuer) => {
      expect((await issuerOf({ issuer })).issuer).toBeUndefined();
    },
  );
});
