import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { brandBundle, brandOrganization as organization } from '../../test/support/brand-bundles.js';
import { EhrServer } from '../../test/support/ehr-server.js';
import { unwrap } from '../smart-error.js';
import { UserAccessBrands } from './user-access-brands.js';

const BUNDLE = brandBundle(organization({ id: 'a' }));
let vendor: EhrServer;
const opened: UserAccessBrands[] = [];

beforeAll(async () => void (vendor = await EhrServer.start()));
afterAll(async () => {
  await Promise.all(opened.map((brands) => brands.close()));
  await vendor.close();
});
beforeEach(() => vendor.reset());

function brandsReader(
  options: { maxBrandBundleBytes?: number; httpTimeoutMs?: number } = {},
): UserAccessBrands {
  const brands = new UserAccessBrands({ allowHttp: true, ...options });
  opened.push(brands);
  return brands;
}

/** Publishes a bundle under an ETag, and answers 304 to who has it. */
function publish(etag: string, bundle: unknown = BUNDLE): void {
  vendor.respondWith(({ headers }) =>
    headers['if-none-match'] === etag ? { status: 304 } : { headers: { etag }, json: bundle },
  );
}

const tags = () => vendor.requests.map(({ headers }) => headers['if-none-match']);

describe('brand bundles by URL', () => {
  it('A14-1 are asked for with their ETag, and a 304 is the bundle that was read', async () => {
    const brands = brandsReader();
    publish('W/"1"');
    const first = unwrap(await brands.read(`${vendor.url}/brands`));
    const second = unwrap(await brands.read(`${vendor.url}/brands`));

    expect(first.brands).toMatchObject([{ name: 'Brand a' }]);
    expect(second).toBe(first);
    expect(tags()).toEqual([undefined, 'W/"1"']);
    expect(vendor.requests[0]!.headers).toMatchObject({
      accept: expect.stringContaining('application/fhir+json'),
    });
    expect(vendor.requests[0]!.headers).not.toHaveProperty('authorization');
    expect(vendor.requests[0]!.headers).not.toHaveProperty('cookie');
  });

  it('A14-1 are read again where they changed', async () => {
    const brands = brandsReader();
    publish('"1"');
    await brands.read(`${vendor.url}/brands`);
    publish('"2"', brandBundle(organization({ id: 'b' })));
    for (let reads = 0; reads < 2; reads += 1) {
      expect(unwrap(await brands.read(`${vendor.url}/brands`)).brands).toMatchObject([{ id: 'b' }]);
    }
    expect(tags()).toEqual([undefined, '"1"', '"2"']);
  });

  it('A14-1 are remembered each by its own URL', async () => {
    const brands = brandsReader();
    publish('"1"');
    await brands.read(`${vendor.url}/a`);
    await brands.read(`${vendor.url}/b`);
    expect(tags()).toEqual([undefined, undefined]);
  });

  it.each(['', 'no quotes', `"${'x'.repeat(300)}"`])(
    'A14-1 are read whole where the ETag is none: %j',
    async (etag) => {
      const brands = brandsReader();
      vendor.respondWith(() => ({ ...(etag && { headers: { etag } }), json: BUNDLE }));
      await brands.read(`${vendor.url}/brands`);
      const second = await brands.read(`${vendor.url}/brands`);
      expect(second).toMatchObject({ brands: [{ id: 'a' }] });
      expect(tags()).toEqual([undefined, undefined]);
    },
  );

  it('A14-1 a 304 that nobody asked for is no bundle', async () => {
    vendor.respondWith(() => ({ status: 304 }));
    expect(await brandsReader().read(`${vendor.url}/brands`)).toMatchObject({
      error: 'invalid_fhir_response',
    });
  });

  it('A14-1 a failure is not remembered, and the bundle before it is', async () => {
    const brands = brandsReader();
    publish('"1"');
    const first = unwrap(await brands.read(`${vendor.url}/brands`));
    vendor.respondWith(() => ({ status: 500 }));
    expect(await brands.read(`${vendor.url}/brands`)).toMatchObject({ error: 'ehr_unavailable' });
    publish('"1"');
    expect(await brands.read(`${vendor.url}/brands`)).toBe(first);
  });

  it('A14-1 are fetched once for all who ask at the same time', async () => {
    const brands = brandsReader();
    publish('"1"');
    await Promise.all(Array.from({ length: 20 }, () => brands.read(`${vendor.url}/brands`)));
    expect(vendor.requests).toHaveLength(1);
  });

  it('A14-1 are kept up to a size, the ones used last first', async () => {
    const bytes = JSON.stringify(BUNDLE).length;
    const brands = brandsReader({ maxBrandBundleBytes: bytes });
    publish('"1"');
    // room for two
    for (const path of ['a', 'b', 'a', 'c', 'a', 'b']) await brands.read(`${vendor.url}/${path}`);
    expect(tags()).toEqual([undefined, undefined, '"1"', undefined, '"1"', undefined]);
  });

  it('A14-1 cannot be changed by one reader for the next', async () => {
    const brands = brandsReader();
    publish('"1"');
    const { brands: list } = unwrap(await brands.read(`${vendor.url}/brands`));
    expect(() => ((list[0] as { name: string }).name = 'Mine')).toThrow(TypeError);
    expect(() => (list[0]!.aliases as string[]).push('Mine')).toThrow(TypeError);
  });
});

describe('a brand bundle that cannot be read', () => {
  it.each([
    ['is larger than allowed', { json: { ...BUNDLE, pad: 'x'.repeat(10_000) } }, 'invalid_fhir_response'],
    ['is HTML', { text: '<html></html>' }, 'invalid_fhir_response'],
    ['is another resource', { json: { resourceType: 'Organization' } }, 'invalid_fhir_response'],
    ['is elsewhere', { status: 302, headers: { location: '/other' } }, 'invalid_fhir_response'],
    ['is not there', { status: 404 }, 'invalid_fhir_response'],
    ['is behind a failure', { status: 503 }, 'ehr_unavailable'],
    ['is cut off', 'reset', 'ehr_unavailable'],
    ['never comes', 'silence', 'ehr_timeout'],
  ] as const)('A14-1 %s', async (_what, answer, error) => {
    const brands = brandsReader({
      maxBrandBundleBytes: 5_000,
      ...(answer === 'silence' && { httpTimeoutMs: 100 }),
    });
    vendor.respondWith(() => answer);
    const refused = await brands.read(`${vendor.url}/brands`);
    expect(refused).toMatchObject({ error });
    expect(JSON.stringify(refused)).not.toContain('/brands');
    expect(vendor.requests).toHaveLength(1);
  });

  it.each([
    'http://127.0.0.1:1/brands',
    'ftp://x/',
    'brands.json',
    '',
    'https://user:pass@vendor.example.com/',
  ])('A14-3 is not at %j', async (url) => {
    const brands = new UserAccessBrands();
    expect(await brands.read(url)).toMatchObject({ error: 'invalid_request' });
    await brands.close();
  });
});
