import { describe, expect, it } from '@jest/globals';
import {
  brandBundle,
  brandEndpointResource as endpoint,
  brandOrganization as organization,
} from '../../test/support/brand-bundles.js';
import { SmartError, unwrap } from '../smart-error.js';
import { portalsOf, readBrandBundle } from './brand-bundle.js';
import type { Brand } from './brand-bundle.js';

const R4 = 'https://fhir.good.example.org/r4';

function brandsOf(...resources: Record<string, unknown>[]): readonly Brand[] {
  return unwrap(readBrandBundle(brandBundle(...resources))).brands;
}

describe('a brand bundle', () => {
  it('A14-2 is read with names, places, portals and endpoints', () => {
    const details = {
      alias: ['Goodie Bag Health'],
      active: false,
      type: [
        { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/organization-type', code: 'prov' }] },
      ],
      address: [{ line: ['1 Main St'], city: 'Boston', state: 'MA', postalCode: '02111', country: 'US' }, {}],
    };
    const logo = 'https://good.example.org/logo.svg';
    const bundle = brandBundle(
      organization({ id: 'good', name: 'Good Health', logo, endpoints: ['r4'], others: details }),
      endpoint('r4', R4),
    );
    const r4 = { name: 'FHIR R4 of r4', address: R4, fhirVersions: ['4.0.1'], status: 'active' };
    const nowhere = { lines: [], city: null, state: null, postalCode: null, country: null };

    expect(readBrandBundle(bundle)).toEqual({
      timestamp: '2026-01-02T03:04:05Z',
      brands: [
        {
          id: 'good',
          name: 'Good Health',
          aliases: ['Goodie Bag Health'],
          isActive: false,
          identifiers: [{ system: 'urn:ietf:rfc:3986', value: 'https://good.example.org' }],
          categories: ['prov'],
          website: 'https://www.good.example.org/',
          logo,
          logoLicense: null,
          addresses: [
            { lines: ['1 Main St'], city: 'Boston', state: 'MA', postalCode: '02111', country: 'US' },
            nowhere,
          ],
          portals: [
            {
              name: 'Portal of good',
              description: null,
              url: 'https://portal.good.example.org/',
              logo: null,
              logoLicense: null,
              endpoints: [r4],
            },
          ],
          endpoints: [r4],
          parent: null,
        },
      ],
    });
  });

  it('A14-2 has affiliates, whose users go to the portals of the brand they are part of', () => {
    const [system, clinic] = brandsOf(
      organization({ id: 'system', endpoints: ['r4'] }),
      organization({ id: 'clinic', partOf: 'system' }),
      endpoint('r4', R4),
    );
    expect(clinic!.parent).toMatchObject({ id: 'system', parent: null });
    expect(clinic!.portals).toEqual([]);
    expect(portalsOf(clinic!)).toEqual(portalsOf(system!));
    expect(portalsOf(clinic!)[0]!.endpoints[0]!.address).toBe(R4);
  });

  it('A14-2 whose brands are part of each other ends nowhere', () => {
    const brands = brandsOf(
      organization({ id: 'a', partOf: 'b' }),
      organization({ id: 'b', partOf: 'a' }),
      organization({ id: 'c', partOf: 'c' }),
    );
    expect(brands.map(({ parent }) => parent?.id)).toEqual(['b', 'a', undefined]);
    expect(JSON.stringify(brands)).toContain('"id":"a"');
  });

  it('A14-2 made of several finds the endpoint beside the organization, and none where it cannot tell', () => {
    const of = (host: string) => [
      { fullUrl: `https://${host}/Organization/1`, resource: organization({ id: host, endpoints: ['1'] }) },
      { fullUrl: `https://${host}/Endpoint/1`, resource: endpoint('1', `https://${host}/fhir`) },
    ];
    const lost = { resource: organization({ id: 'lost', endpoints: ['1'] }) };
    const entry = [...of('a.example.org'), ...of('b.example.org'), lost];
    const { brands } = unwrap(readBrandBundle({ ...brandBundle(), entry }));

    expect(brands.map(({ endpoints }) => endpoints.map(({ address }) => address))).toEqual([
      ['https://a.example.org/fhir'],
      ['https://b.example.org/fhir'],
      [],
    ]);
  });

  it('A14-2 may name endpoints by their full URL', () => {
    const reference = 'urn:uuid:5c4b3f0e-1111-4222-8333-944445555666';
    const others = { endpoint: [{ reference }] };
    const bundle = brandBundle(organization({ id: 'a', others }), endpoint('x', R4));
    bundle.entry[1]!.fullUrl = reference;

    expect(unwrap(readBrandBundle(bundle)).brands[0]!.endpoints).toMatchObject([{ address: R4 }]);
  });

  it('A14-2 without ids makes no organization the parent of another', () => {
    const nameless = { id: undefined, partOf: {} };
    const brands = brandsOf(
      organization({ id: 'a', others: { id: undefined } }),
      organization({ id: 'b', others: nameless }),
    );
    expect(brands.map(({ parent }) => parent)).toEqual([null, null]);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['text', '<html>'],
    ['a list', []],
    ['another resource', { resourceType: 'Patient' }],
  ])('A14-2 is not %s', (_what, document) => {
    expect(readBrandBundle(document)).toMatchObject({ error: 'invalid_fhir_response' });
  });

  it.each<[string, unknown]>([
    ['entries that are no list', { entry: { resource: {} } }],
    ['entries of anything', { entry: [null, 1, 'x', {}, { resource: null }, { resource: [] }] }],
    [
      'an organization of anything',
      {
        entry: [
          {
            fullUrl: 1,
            resource: {
              resourceType: 'Organization',
              id: {},
              name: 'Odd',
              alias: 'x',
              identifier: [null, { value: 1 }],
              telecom: {},
              address: [1],
              extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/organization-portal' }, null],
              endpoint: [null, { reference: {} }],
              partOf: 'x',
              type: [{ coding: 1 }],
            },
          },
        ],
      },
    ],
    ['an organization without a name', { entry: [{ resource: { resourceType: 'Organization' } }] }],
  ])('A14-2 survives %s', (_what, content) => {
    const bundle = readBrandBundle({ resourceType: 'Bundle', ...(content as object) });
    expect(bundle).not.toBeInstanceOf(SmartError);
    expect(unwrap(bundle).brands.map(({ name }) => name)).toEqual(
      JSON.stringify(content).includes('Odd') ? ['Odd'] : [],
    );
  });
});

describe('a link in a brand bundle', () => {
  const PNG = 'data:image/png;base64,iVBORw0KGgo=';

  it.each([
    ['https://good.example.org/logo.svg', 'https://good.example.org/logo.svg'],
    ['https://good.example.org/a"onerror="x', 'https://good.example.org/a%22onerror=%22x'],
    [PNG, PNG],
    ['data:image/jpeg;base64,/9j/4AAQ', 'data:image/jpeg;base64,/9j/4AAQ'],
  ])('A14-3 is a logo: %s', (logo, shown) => {
    expect(brandsOf(organization({ id: 'a', logo }))[0]!.logo).toBe(shown);
  });

  it.each([
    'javascript:alert(1)',
    ' JavaScript:alert(1)',
    'java\nscript:alert(1)',
    'http://good.example.org/logo.png',
    'https://user:secret@good.example.org/logo.png',
    '//good.example.org/logo.png',
    'logo.png',
    'data:image/svg+xml;base64,PHN2Zz4=',
    'data:image/svg+xml,<svg onload=alert(1)>',
    'data:text/html;base64,PHNjcmlwdD4=',
    'data:image/png,<script>',
    `${PNG}" onerror="alert(1)`,
    'data:image/png;base64,iVBORw0KGgo=\n',
    'blob:https://good.example.org/1',
    'file:///etc/passwd',
    '',
  ])('A14-3 is no logo: %j', (logo) => {
    expect(brandsOf(organization({ id: 'a', logo }))[0]!.logo).toBeNull();
  });

  it('A14-3 that is no logo does not hide the one after it', () => {
    expect(brandsOf(organization({ id: 'a', logo: ['javascript:alert(1)', PNG] }))[0]!.logo).toBe(PNG);
  });

  it('A14-3 is a page or nothing', () => {
    const portal = (...values: [string, string, string][]) => ({
      url: 'http://hl7.org/fhir/StructureDefinition/organization-portal',
      extension: values.map(([url, member, value]) => ({ url, [member]: value })),
    });
    const script = 'javascript:alert(1)';
    const others = {
      telecom: [
        { system: 'phone', value: 'https://phone.example.org/' },
        { system: 'url', value: script },
      ],
      extension: [
        portal(
          ['portalUrl', 'valueUrl', script],
          ['portalLogo', 'valueUrl', script],
          ['portalLogoLicense', 'valueUrl', script],
        ),
        portal(['portalUrl', 'valueUrl', 'http://portal.example.org/']),
      ],
    };
    const [brand] = brandsOf(organization({ id: 'a', others }));
    expect(brand).toMatchObject({
      website: null,
      portals: [{ url: null, logo: null, logoLicense: null }, { url: 'http://portal.example.org/' }],
    });
  });

  it.each([
    ['https://fhir.example.org/r4', true],
    ['http://127.0.0.1:8080/fhir', true],
    ['http://fhir.example.org/r4', false],
    ['javascript:alert(1)', false],
    ['https://user@fhir.example.org/r4', false],
    ['https://fhir.example.org/\nr4', false],
    ['fhir.example.org', false],
  ])('A14-3 is the address of an endpoint: %j %s', (address, isOne) => {
    const [brand] = brandsOf(organization({ id: 'a', endpoints: ['1'] }), endpoint('1', address));
    expect(brand!.endpoints.map((one) => one.address)).toEqual(isOne ? [address] : []);
  });

  it('A14-3 is no FHIR server where it says so', () => {
    const direct = { ...endpoint('1', R4), connectionType: { code: 'direct-project' } };
    expect(brandsOf(organization({ id: 'a', endpoints: ['1'] }), direct)[0]!.endpoints).toEqual([]);
  });
});
