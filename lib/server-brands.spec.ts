import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  brandBundle,
  brandEndpointResource as endpoint,
  brandOrganization as organization,
} from '../test/support/brand-bundles.js';
import { EhrServer } from '../test/support/ehr-server.js';
import type { EhrAnswer } from '../test/support/ehr-server.js';
import { APP, knownServer } from '../test/support/registration.js';
import { readBrandBundle } from './brands/brand-bundle.js';
import { SmartClient } from './smart-client.js';
import type { SmartClientOptions } from './smart-client-options.js';
import { unwrap } from './smart-error.js';

const OWN = { system: 'urn:ietf:rfc:3986', value: 'https://hospital.example.org' };
let ehr: EhrServer;
let iss: string;

beforeAll(async () => {
  ehr = await EhrServer.start();
  iss = `${ehr.url}/fhir`;
});
afterAll(() => ehr.close());
beforeEach(() => ehr.reset());

/** An EHR whose SMART configuration has these members, and that answers so for its brand bundle. */
function ehrWith(configuration: Record<string, unknown>, bundle: EhrAnswer = { status: 404 }): void {
  const endpoints = { authorization_endpoint: `${ehr.url}/authorize`, token_endpoint: `${ehr.url}/token` };
  ehr.respondWith(({ path }) => {
    if (path === '/fhir/.well-known/smart-configuration') return { json: { ...endpoints, ...configuration } };
    return path === '/brands' ? bundle : { status: 404 };
  });
}

function client(options: SmartClientOptions = {}): SmartClient {
  const configuration = { ...APP, knownFhirServers: [knownServer({ issuer: iss })] };
  return new SmartClient('session-1', undefined, configuration, { allowNonHttpsLaunch: true, ...options });
}

const linked = (identifier?: unknown) => ({
  user_access_brand_bundle: `${ehr.url}/brands`,
  ...(identifier !== undefined && { user_access_brand_identifier: identifier }),
});

describe('the brands of an EHR', () => {
  const hospital = organization({ id: 'hospital', endpoints: ['r4'] });
  const clinic = organization({ id: 'clinic', partOf: 'hospital' });
  const others = (system: string, value: string, id = 'other') =>
    organization({ id, identifier: [{ system, value }] });

  it('A14-2 are those of the bundle it links, one of them its own', async () => {
    ehrWith(linked(OWN), { json: brandBundle(clinic, hospital, endpoint('r4', iss)) });
    const brands = unwrap(await client().brands({ iss }));
    expect(brands).toMatchObject({ source: 'server', primary: { id: 'hospital' } });
    expect(brands.brands.map(({ id }) => id)).toEqual(['clinic', 'hospital']);
  });

  it('A14-2 need no identifier where there is one', async () => {
    ehrWith(linked(), { json: brandBundle(hospital) });
    expect(await client().brands({ iss })).toMatchObject({ primary: { id: 'hospital' } });
  });

  it('A14-2 may be identified without a system', async () => {
    ehrWith(linked({ value: OWN.value }), { json: brandBundle(hospital, clinic) });
    expect(await client().brands({ iss })).toMatchObject({ primary: { id: 'hospital' } });
  });

  it('A14-2 an organization that repeats its identifier is one', async () => {
    const twice = organization({ id: 'hospital', identifier: [OWN, OWN] });
    ehrWith(linked(OWN), { json: brandBundle(twice, clinic) });
    expect(await client().brands({ iss })).toMatchObject({ primary: { id: 'hospital' } });
  });

  it.each<[string, unknown, Record<string, unknown>[]]>([
    ['none has the identifier', OWN, [clinic]],
    ['the one there is has another identifier', OWN, [others('urn:ietf:rfc:3986', 'https://x.example.org')]],
    ['the value is there under another system', OWN, [others('urn:oid:1.2.3', OWN.value)]],
    ['the value differs in its case', OWN, [others(OWN.system, OWN.value.toUpperCase())]],
    ['two have the identifier', OWN, [hospital, others(OWN.system, OWN.value)]],
    ['two have the value', { value: OWN.value }, [hospital, others('urn:oid:1.2.3', OWN.value)]],
    ['there are two and no identifier', undefined, [hospital, clinic]],
    ['there are none', undefined, []],
    ['the identifier has no value', { system: OWN.system }, [hospital]],
  ])('A14-2 are refused where %s', async (_what, identifier, organizations) => {
    ehrWith(linked(identifier), { json: brandBundle(...organizations) });
    expect(await client().brands({ iss })).toMatchObject({
      error: 'invalid_fhir_response',
      message: expect.stringContaining('user_access_brand_identifier'),
    });
  });

  it('A14-2 are those it links, also where a vendor says otherwise', async () => {
    const vendorBundle = unwrap(
      readBrandBundle(
        brandBundle(
          organization({ id: 'hospital', name: 'Old name', endpoints: ['r4'] }),
          endpoint('r4', iss),
        ),
      ),
    );
    ehrWith(linked(OWN), { json: brandBundle(hospital) });
    expect(await client().brands({ iss, vendorBundle })).toMatchObject({
      source: 'server',
      primary: { name: 'Brand hospital' },
    });
    // nor does the vendor speak for an EHR whose own bundle is out of order
    ehrWith(linked(OWN), { status: 503 });
    expect(await client().brands({ iss, vendorBundle })).toMatchObject({ error: 'ehr_unavailable' });
  });

  it('A14-2 are the vendor’s where it links none, of this FHIR server alone', async () => {
    ehrWith({});
    const bundle = (...resources: Record<string, unknown>[]) =>
      unwrap(readBrandBundle(brandBundle(...resources)));
    const elsewhere = [
      organization({ id: 'other', endpoints: ['o'] }),
      endpoint('o', 'https://other.example.org/fhir'),
    ];
    const one = bundle(hospital, endpoint('r4', `${iss}/`), ...elsewhere);
    expect(await client().brands({ iss, vendorBundle: one })).toMatchObject({
      source: 'vendor',
      primary: { id: 'hospital' },
      brands: [{ id: 'hospital' }],
    });
    const two = bundle(hospital, clinic, endpoint('r4', iss), ...elsewhere);
    expect(await client().brands({ iss, vendorBundle: two })).toMatchObject({
      source: 'vendor',
      primary: null,
      brands: [{ id: 'hospital' }, { id: 'clinic' }],
    });
    expect(await client().brands({ iss, vendorBundle: bundle(...elsewhere) })).toMatchObject({
      error: 'invalid_request',
    });
    expect(await client().brands({ iss })).toMatchObject({ error: 'invalid_request' });
  });

  it('A14-1 are asked for with the ETag they had, by every client of the configuration', async () => {
    ehrWith(linked(), { headers: { etag: 'W/"7"' }, json: brandBundle(hospital) });
    const smart = client();
    const first = unwrap(await smart.brands({ iss }));
    ehrWith(linked(), { status: 304 });
    expect(unwrap(await smart.brands({ iss })).primary).toBe(first.primary);
    const [before, after] = ehr.to('/brands');
    expect([before!.headers['if-none-match'], after!.headers['if-none-match']]).toEqual([undefined, 'W/"7"']);
    expect(before!.headers).not.toHaveProperty('authorization');
  });

  it('A14-1 have a size of their own', async () => {
    const large = { ...brandBundle(hospital), pad: 'x'.repeat(20_000) };
    ehrWith(linked(), { json: large });
    const options = { maxResponseBytes: 10_000 };
    expect(await client(options).brands({ iss })).toMatchObject({ primary: { id: 'hospital' } });
    expect(await client({ ...options, maxBrandBundleBytes: 15_000 }).brands({ iss })).toMatchObject({
      error: 'invalid_fhir_response',
    });
  });

  it('A14-1 of anybody’s server are no larger than its other documents, and at a public address', async () => {
    const configuration = { ...APP, allowAnyIssuer: true as const };
    const open = (options: SmartClientOptions) =>
      new SmartClient('session-1', undefined, configuration, options);
    ehrWith(linked(), { json: { ...brandBundle(hospital), pad: 'x'.repeat(20_000) } });
    const anybody = open({ allowNonHttpsLaunch: true, maxResponseBytes: 10_000 });
    expect(await anybody.brands({ iss })).toMatchObject({ error: 'invalid_fhir_response' });

    ehr.requests.length = 0;
    ehrWith({ user_access_brand_bundle: 'http://10.0.0.1/brands' }, { json: brandBundle(hospital) });
    expect(await open({ allowNonHttpsLaunch: true }).brands({ iss })).toMatchObject({
      error: 'discovery_failed',
      message: expect.stringContaining('user_access_brand_bundle'),
    });
    expect(ehr.to('/brands')).toEqual([]);
  });

  it('A14-3 make no server a known one, and nothing is sent to their endpoints', async () => {
    const other = await EhrServer.start();
    const address = `${other.url}/fhir`;
    ehrWith(linked(), { json: brandBundle(hospital, endpoint('r4', address)) });
    const smart = client();
    const { primary } = unwrap(await smart.brands({ iss }));
    expect(primary!.endpoints).toMatchObject([{ address }]);
    expect(await smart.launch({ iss: address, launch: 'x' })).toMatchObject({ error: 'unknown_issuer' });
    expect(await smart.authorize({ iss: address })).toMatchObject({ error: 'unknown_issuer' });
    expect(await smart.brands({ iss: address })).toMatchObject({ error: 'unknown_issuer' });
    expect(other.requests).toEqual([]);
    await other.close();
  });
});
