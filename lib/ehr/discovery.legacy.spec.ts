import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EhrServer } from '../../test/support/ehr-server.js';
import type { EhrAnswer } from '../../test/support/ehr-server.js';
import { httpClient } from '../../test/support/launch-parts.js';
import { registrationOf } from '../../test/support/registration.js';
import { Discovery } from './discovery.js';

const http = httpClient();
const WELL_KNOWN = '/fhir/.well-known/smart-configuration';
const URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';
let ehr: EhrServer;

beforeAll(async () => {
  ehr = await EhrServer.start();
});
beforeEach(() => ehr.reset());
afterAll(async () => {
  await ehr.close();
  await http.close();
});

/** A capability statement with these `[name, url]` endpoints. */
const statement = (...uris: [string, string][]): EhrAnswer => ({
  headers: { 'content-type': 'application/json+fhir' },
  text: JSON.stringify({
    resourceType: 'Conformance',
    rest: [
      {
        mode: 'server',
        security: {
          extension: [{ url: URIS, extension: uris.map(([url, valueUri]) => ({ url, valueUri })) }],
        },
      },
    ],
  }),
});
const endpoints = () => statement(['authorize', '/auth'], ['token', `${ehr.url}/token`]);

const discover = (wellKnown: EhrAnswer, metadata: EhrAnswer, legacyMetadata = true, allowHttp = true) => {
  ehr.respondWith(({ path }) => (path === WELL_KNOWN ? wellKnown : metadata));
  const registration = registrationOf({ iss: `${ehr.url}/fhir`, legacyMetadata });
  return new Discovery(http, { allowHttp, discoveryTtlMs: 60_000 }).discover(registration);
};
const asked = () => ehr.requests.map(({ target }) => target);

describe('the endpoints of a SMART 1 server', () => {
  it.each<[string, EhrAnswer]>([
    ['404', { status: 404, json: {} }],
    ['410', { status: 410 }],
    ['401', { status: 401 }],
    ['HTML', { text: '<html>Welcome</html>', headers: { 'content-type': 'text/html' } }],
  ])(
    'E-LEG-1 are read from /metadata where there is no SMART configuration: %s',
    async (_what, wellKnown) => {
      expect(await discover(wellKnown, endpoints())).toEqual({
        authorization_endpoint: `${ehr.url}/auth`,
        token_endpoint: `${ehr.url}/token`,
        capabilities: [],
      });
      expect(asked()).toEqual([WELL_KNOWN, '/fhir/metadata']);
    },
  );

  it('E-LEG-2 asks with the media type of DSTU2 too, and without a token', async () => {
    await discover({ status: 404 }, endpoints());

    const { headers } = ehr.requests[1]!;
    expect(headers.accept).toMatch(/^application\/fhir\+json, application\/json\+fhir/);
    expect([headers.authorization, headers.cookie]).toEqual([undefined, undefined]);
  });

  it.each<[string, EhrAnswer]>([
    ['503', { status: 503 }],
    ['500', { status: 500, json: {} }],
    ['a cut connection', 'reset'],
  ])('E-LEG-1 C-4 are not asked for where the SMART configuration fails: %s', async (_what, wellKnown) => {
    expect(await discover(wellKnown, endpoints())).toMatchObject({ error: 'discovery_failed' });
    expect(asked()).toEqual([WELL_KNOWN]);
  });

  it('E-LEG-1 are not asked for without the switch, nor where there is a SMART configuration', async () => {
    expect(await discover({ status: 404 }, endpoints(), false)).toMatchObject({ error: 'discovery_failed' });
    expect(await discover({ json: { token_endpoint: '/modern' } }, endpoints())).toMatchObject({
      token_endpoint: `${ehr.url}/modern`,
    });
    expect(asked()).toEqual([WELL_KNOWN, WELL_KNOWN]);
  });

  it.each<[string, () => EhrAnswer, string]>([
    ['is missing', () => ({ status: 404 }), 'status 404'],
    ['is no JSON', () => ({ text: '<html>' }), 'status 200'],
    ['names no endpoint', () => statement(), 'no token endpoint'],
    ['names one over http', () => statement(['token', 'http://ehr.example.org/token']), 'must use https'],
    ['names one with a user', () => statement(['token', 'https://a:b@ehr.example.org/']), 'credentials'],
  ])('E-LEG-1 A2-12 a capability statement that %s is an error', async (_what, metadata, message) => {
    const error = await discover({ status: 404 }, metadata(), true, false);

    expect(error).toMatchObject({ error: 'discovery_failed', message: expect.stringContaining(message) });
  });
});
