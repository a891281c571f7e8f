import { describe, expect, it } from '@jest/globals';
import { Keyv } from 'keyv';
import { APP, knownServer } from '../../test/support/registration.js';
import { checkModuleOptions } from './check-module-options.js';
import { resolveRoutes } from './module-options.js';
import type { SmartOnFhirModuleOptions, SmartRoutes } from './module-options.js';

const SECRET = 'a secret of more than thirty-two characters';
const GOOD: SmartOnFhirModuleOptions = {
  client: { ...APP, knownFhirServers: [knownServer()] },
  session: { secret: SECRET },
};

function mistakes(given: unknown, routes?: SmartRoutes | false, production = true): string[] {
  const resolved = routes === false ? false : resolveRoutes(routes);
  return checkModuleOptions(given as SmartOnFhirModuleOptions, resolved, production);
}

describe('checkModuleOptions', () => {
  it.each<[string, object]>([
    ['the minimum', GOOD],
    ['a Keyv', { ...GOOD, storage: new Keyv() }],
    ['a storage of one’s own', { ...GOOD, storage: { get: () => undefined, set: () => undefined } }],
    ['secrets that rotate', { ...GOOD, session: { secret: [SECRET, `old ${SECRET}`] } }],
    ['no options', { ...GOOD, options: undefined }],
    ['a cache', { ...GOOD, options: { cache: true } }],
    [
      'a cache in a Keyv',
      { ...GOOD, options: { cache: { ttlMs: 5_000, store: new Keyv(), always: false } } },
    ],
    [
      'every option',
      {
        ...GOOD,
        options: {
          autoRefresh: false,
          enableMultiLaunch: true,
          allowNonHttpsLaunch: false,
          httpTimeoutMs: 5000,
          maxResponseBytes: 1,
          maxFhirResponseBytes: 1,
          storeTimeoutMs: 1,
          discoveryTtlMs: 1,
          clockToleranceMs: 0,
          refreshSkewMs: 0,
          logger: console,
        },
        session: {
          secret: SECRET,
          idleTimeoutMs: 1,
          absoluteTimeoutMs: 1,
          cookieName: 'my_app-1',
          embedded: { frameAncestors: ['https://ehr.example.org', 'http://localhost:3000'] },
          active: { patientHeader: 'x-patient' },
        },
      },
    ],
  ])('finds nothing wrong with %s', (_, given) => {
    expect(mistakes(given)).toEqual([]);
  });

  it('G-7 lists the mistakes of all parts together', () => {
    const all = mistakes(
      {
        client: { ...APP, clientId: '' },
        colour: 'green',
        options: { autoRefresh: 'yes', timeout: 1 },
        storage: {},
        session: { secret: 'short', idleTimeoutMs: 0, sameSite: 'none' },
      },
      { callback: 'launch' },
    );

    expect(all.map((mistake) => mistake.split(/[ :]/, 2).join(' '))).toEqual([
      'colour is',
      'client.clientId is',
      'client.knownFhirServers is',
      'options.autoRefresh must',
      'options.timeout is',
      'storage is',
      'session.sameSite is',
      'session.secret is',
      'session.idleTimeoutMs must',
      'routes.callback is',
    ]);
  });

  it.each([undefined, null, 'options', 5])('G-7 refuses %j for the options', (given) => {
    expect(mistakes(given)).toEqual([expect.stringMatching(/^the options are missing/)]);
  });

  it('A1-1 lets the client use http on localhost only in development', () => {
    const client = { ...GOOD.client, callbackUrl: 'http://localhost:3000/fhir/callback' };

    expect(mistakes({ ...GOOD, client })).toEqual([
      expect.stringMatching(/^client.callbackUrl must use https/),
    ]);
    expect(mistakes({ ...GOOD, client, options: { allowNonHttpsLaunch: true } })).toEqual([]);
  });
});

describe('options of the client', () => {
  it.each<[string, unknown]>([
    ['autoRefresh', 'false'],
    ['enableMultiLaunch', 1],
    ['allowNonHttpsLaunch', 'false'],
    ['httpTimeoutMs', -1],
    ['httpTimeoutMs', 0],
    ['httpTimeoutMs', '5000'],
    ['storeTimeoutMs', Number.NaN],
    ['discoveryTtlMs', 0],
    ['maxResponseBytes', Infinity],
    ['clockToleranceMs', -1],
    ['refreshSkewMs', null],
    ['idleTimeoutMs', 1000],
    ['cache', 30_000],
    ['cache', null],
    ['cache', { ttl: 1 }],
    ['cache', { ttlMs: 0 }],
    ['cache', { always: 'no' }],
    ['cache', { store: 'redis://' }],
    ['session', { secret: SECRET }],
    ['autorefresh', true],
  ])('G-7 refuses %s: %p', (name, value) => {
    expect(mistakes({ ...GOOD, options: { [name]: value } })).toEqual([
      expect.stringMatching(new RegExp(`^options\\.${name}[ .]`)),
    ]);
  });
});

describe('the storage', () => {
  it.each([null, 'redis://localhost', {}, { get: () => undefined }, { stores: [] }, []])(
    'G-7 refuses %j',
    (storage) => {
      expect(mistakes({ ...GOOD, storage })).toEqual([
        expect.stringMatching(/^storage is (none|a string|a Cache without)/),
      ]);
    },
  );
});

describe('the session', () => {
  it.each<[string, object, RegExp]>([
    ['a short secret', { secret: 'x'.repeat(31) }, /^session.secret is shorter than 32/],
    ['one short secret of several', { secret: [SECRET, 'x'] }, /^session.secret is shorter than 32/],
    ['an empty secret', { secret: '' }, /^session.secret is shorter than 32/],
    ['an empty list', { secret: [] }, /^session.secret is missing/],
    ['a secret that is none', { secret: 5 }, /^session.secret must be/],
    ['a list that holds none', { secret: [undefined] }, /^session.secret must be/],
    ['no idle time', { secret: SECRET, idleTimeoutMs: 0 }, /^session.idleTimeoutMs must/],
    ['no life', { secret: SECRET, absoluteTimeoutMs: -1 }, /^session.absoluteTimeoutMs must/],
    ['a cookie name with a prefix', { secret: SECRET, cookieName: '__Host-a;b' }, /^session.cookieName may/],
    [
      'a cookie name with attributes',
      { secret: SECRET, cookieName: 'a=b; Domain=evil' },
      /^session.cookieName/,
    ],
    ['an empty cookie name', { secret: SECRET, cookieName: '' }, /^session.cookieName may/],
    ['embedded as text', { secret: SECRET, embedded: 'https://ehr.example.org' }, /^session.embedded must/],
    ['an unknown option', { secret: SECRET, Secure: true }, /^session.Secure is not an option/],
  ])('G-7 refuses %s', (_, session, mistake) => {
    for (const production of [true, false])
      expect(mistakes({ ...GOOD, session }, {}, production)).toEqual([expect.stringMatching(mistake)]);
  });

  it.each([
    ['https://ehr.example.org/fhir'],
    ['https://ehr.example.org/'],
    ['ehr.example.org'],
    ['*'],
    ["'self'"],
    ['https://ehr.example.org; script-src *'],
    ['https://EHR.example.org'],
    [''],
    [undefined],
  ])('C-11 refuses %j for an origin that may frame the app', (origin) => {
    const session = { secret: SECRET, embedded: { frameAncestors: [origin] } };

    expect(mistakes({ ...GOOD, session })).toEqual([
      expect.stringMatching(/^session.embedded.frameAncestors/),
    ]);
  });

  it.each([{}, { frameAncestors: 'https://ehr.example.org' }, null])(
    'C-11 refuses %j for embedded',
    (embedded) => {
      expect(mistakes({ ...GOOD, session: { secret: SECRET, embedded } })).toEqual([
        expect.stringMatching(/^session.embedded.frameAncestors must be a list/),
      ]);
    },
  );

  it.each([undefined, {}])(
    'C-20 needs a secret in production, and does without one elsewhere: %j',
    (session) => {
      expect(mistakes({ ...GOOD, session })).toEqual([expect.stringMatching(/^session.secret is missing/)]);
      expect(mistakes({ ...GOOD, session }, {}, false)).toEqual([]);
    },
  );

  it('C-19 does not quote a secret', () => {
    const all = mistakes({ ...GOOD, session: { secret: ['c4n4ry', 'c4n4ry'] } });

    expect(all).toHaveLength(1);
    expect(all[0]).not.toContain('c4n4ry');
  });
});

describe('the routes', () => {
  it.each<[string, SmartRoutes]>([
    ['callback and launch', { callback: 'launch' }],
    ['slashes aside', { callback: '/launch/' }],
    ['both moved', { launch: 'go', callback: 'go' }],
  ])('A1-5 must differ: %s', (_, routes) => {
    expect(mistakes(GOOD, routes)).toEqual([
      expect.stringMatching(/^routes.callback is the same path as routes.launch/),
    ]);
  });

  it.each<[string, string, SmartRoutes]>([
    ['as it is', 'https://app.example.com/fhir/launch', {}],
    ['with a slash', 'https://app.example.com/fhir/launch/', {}],
    ['with a query', 'https://app.example.com/fhir/launch?x=1', {}],
    ['below a prefix', 'https://app.example.com/api/fhir/launch', {}],
    ['at the root', 'https://app.example.com/launch', { path: '' }],
    ['moved', 'https://app.example.com/smart/go', { path: '/smart/', launch: 'go' }],
  ])('A1-5 E-ORA-5 the redirect URL is not the launch URL: %s', (_, callbackUrl, routes) => {
    expect(mistakes({ ...GOOD, client: { ...GOOD.client, callbackUrl } }, routes)).toEqual([
      'client.callbackUrl is the launch URL: the redirect URL must be another one',
    ]);
  });

  it('A1-5 nor is that of a single server', () => {
    const server = knownServer({ callbackUrl: 'https://app.example.com/fhir/launch' });

    expect(mistakes({ ...GOOD, client: { ...APP, knownFhirServers: [server] } })).toEqual([
      'client.knownFhirServers[0].callbackUrl is the launch URL: the redirect URL must be another one',
    ]);
  });

  it('G-7 must be known ones', () => {
    expect(mistakes(GOOD, { calback: 'x' } as SmartRoutes)).toEqual([
      expect.stringMatching(/^routes.calback is not an option/),
    ]);
  });

  it('are the user’s own affair when the module mounts none', () => {
    const client = { ...GOOD.client, callbackUrl: 'https://app.example.com/fhir/launch' };

    expect(mistakes({ ...GOOD, client }, false)).toEqual([]);
  });
});
