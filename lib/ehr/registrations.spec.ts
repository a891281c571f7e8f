import { describe, expect, it } from '@jest/globals';
import { APP, ISS, knownServer } from '../../test/support/registration.js';
import { SmartError, unwrap } from '../smart-error.js';
import type { IssuerMatch, KnownFhirServer, SmartClientConfiguration } from './known-fhir-server.js';
import { findRegistration } from './registrations.js';
import type { Registration } from './registrations.js';

const GOOD = 'https://good.example/fhir';

function known(...knownFhirServers: KnownFhirServer[]): SmartClientConfiguration {
  return { ...APP, knownFhirServers };
}

function matching(issMatch: IssuerMatch, settings: Partial<KnownFhirServer> = {}): SmartClientConfiguration {
  return known({ name: 'Pattern', type: 'public', ...settings, issMatch } as KnownFhirServer);
}

function find(configuration: SmartClientConfiguration, iss: string, development = false): Registration {
  return unwrap(findRegistration(configuration, iss, development));
}

/** the code of the refusal, or undefined when the issuer was accepted */
function refusal(configuration: SmartClientConfiguration, iss: string, development = false): unknown {
  const found = findRegistration(configuration, iss, development);
  return found instanceof SmartError ? found.error : undefined;
}

describe('which issuer is known', () => {
  const configuration = known(knownServer({ issuer: GOOD }));

  it.each([GOOD, `${GOOD}/`, 'https://GOOD.example:443/fhir/', 'https://good.example:443/fhir'])(
    'C-13 A5-2 knows %s, and keeps it as the launch gave it',
    (iss) => {
      expect(find(configuration, iss)).toMatchObject({ name: 'Hospital', iss });
    },
  );

  it.each([
    'https://good.example@evil/fhir',
    'https://good.example.evil/fhir',
    'https://evil/https://good.example/fhir',
    'https://evil/?https://good.example/fhir',
    'https://evil/fhir#https://good.example/fhir',
    'https://good.example/fhir/../x',
    'https://good.example/fhir/%2e%2e/x',
    'https://good.example/x/../fhir',
    'https://good.example\\@evil/fhir',
    'https://gооd.example/fhir',
    'https://good.example./fhir',
    'https://good.example/fhir-evil',
    'https://good.example/',
    'https://good.example:8443/fhir',
    'http://good.example/fhir',
    'https://good.example',
    `${GOOD} `,
    '',
  ])('C-13 refuses %j', (iss) => {
    expect(refusal(configuration, iss)).toBe('unknown_issuer');
  });

  it.each([`${GOOD}?x=1`, `${GOOD}#x`, 'https://user@good.example/fhir'])('C-15 refuses %s', (iss) => {
    expect(refusal(configuration, iss)).toBe('unknown_issuer');
  });

  it('answers 403 and names the fix, but repeats no text that is no URL', () => {
    const answered = [
      findRegistration(configuration, 'https://other.example/fhir', false),
      findRegistration(configuration, '<script>alert(1)</script>', false),
    ];

    expect(answered).toMatchObject([
      { status: 403, message: expect.stringContaining('https://other.example/fhir') },
      { status: 403, message: 'The issuer is not the URL of a FHIR server' },
    ]);
  });
});

describe('issMatch', () => {
  it('compares a string as a URL, not as text', () => {
    const configuration = matching(GOOD);

    expect(refusal(configuration, 'https://GOOD.example:443/fhir/')).toBeUndefined();
    expect(refusal(configuration, 'https://good.example/fhir-evil')).toBe('unknown_issuer');
  });

  it.each([
    ['in the path', 'https://evil/ehr.example.org'],
    ['as a prefix', 'https://ehr.example.org.evil/fhir'],
    ['as a suffix', 'https://evil-ehr.example.org'],
  ])('C-13 a RegExp matches the whole issuer: another host with the name %s is refused', (_, iss) => {
    expect(refusal(matching(/ehr\.example\.org/), iss)).toBe('unknown_issuer');
    expect(refusal(matching(/https:\/\/ehr\.example\.org|https:\/\/b\.example/), iss)).toBe('unknown_issuer');
  });

  it('C-13 a RegExp sees the canonical issuer', () => {
    const configuration = matching(/https:\/\/[a-z]+\.example\.org\/fhir/);

    expect(find(configuration, 'https://EHR.example.org:443/fhir/').name).toBe('Pattern');
    expect(refusal(configuration, 'https://ehr.example.org@evil/fhir')).toBe('unknown_issuer');
  });

  it.each(['g', 'y', 'gy', 'gi'])('a RegExp with the flags %s answers the same every time', (flags) => {
    const configuration = matching(new RegExp('https://ehr\\.example\\.org/.*', flags));
    const answers = [1, 2, 3, 4].map(() => refusal(configuration, ISS));

    expect(answers).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('asks a function, which must answer true and nothing like it', () => {
    const exact = matching((iss) => iss === ISS);

    expect([refusal(exact, ISS), refusal(exact, 'https://evil/')]).toEqual([undefined, 'unknown_issuer']);
    expect(refusal(matching((() => 'yes') as never), ISS)).toBe('unknown_issuer');
  });

  it('C-13 asks no function about text that is not what it looks like', () => {
    const asked: string[] = [];
    const configuration = matching((iss) => asked.push(iss) > 0);

    expect(refusal(configuration, 'https://ehr.example.org@evil/')).toBe('unknown_issuer');
    expect(asked).toEqual([]);
  });
});

describe('one registration per EHR', () => {
  const configuration = known(
    knownServer({ issuer: 'https://a.example/fhir' }),
    knownServer(
      {
        issuer: 'https://b.example/fhir',
        clientId: 'client-b',
        scope: 'launch patient/*.rs',
        callbackUrl: 'https://app.example.com/b/callback',
        redirectUrl: 'https://app.example.com/b',
        sendNonce: false,
      },
      { type: 'confidential-symmetric', method: 'client_secret_basic', clientSecret: 'b-secret' },
    ),
  );

  it('A1-4 a server without overrides has the base registration', () => {
    const { authentication, switches, ...registration } = find(configuration, 'https://a.example/fhir');

    expect(registration).toEqual({
      ...APP,
      name: 'Hospital',
      iss: 'https://a.example/fhir',
      isKnown: true,
    });
    expect(authentication.type).toBe('public');
    expect(switches.sendNonce).toBeUndefined();
  });

  it('A1-4 a server has its own client, secret and switches, and no other server has them', () => {
    expect(find(configuration, 'https://b.example/fhir')).toMatchObject({
      clientId: 'client-b',
      scope: 'launch patient/*.rs',
      callbackUrl: 'https://app.example.com/b/callback',
      redirectUrl: 'https://app.example.com/b',
      switches: { sendNonce: false },
      authentication: { clientSecret: 'b-secret' },
    });
    expect(JSON.stringify(find(configuration, 'https://a.example/fhir'))).not.toMatch(/client-b|b-secret/);
  });

  it('the first server that matches wins', () => {
    const both = known(knownServer({ clientId: 'first' }), {
      name: 'All',
      type: 'public',
      issMatch: /https:.*/,
      clientId: 'second',
    });

    expect(find(both, ISS).clientId).toBe('first');
    expect(find(both, 'https://other.example/fhir').clientId).toBe('second');
  });
});

describe('http issuers', () => {
  const configurations: [string, SmartClientConfiguration][] = [
    ['by issuer', known(knownServer({ issuer: 'http://ehr.local/fhir' }))],
    ['by pattern', matching(/http.*/)],
    ['by function', matching(() => true)],
    ['anybody', { ...APP, allowAnyIssuer: true }],
  ];

  it.each(configurations)('A2-11 are refused in production: known %s', (_, configuration) => {
    expect(refusal(configuration, 'http://ehr.local/fhir')).toBe('unknown_issuer');
  });

  it.each(configurations)('are taken in development: known %s', (_, configuration) => {
    expect(refusal(configuration, 'http://ehr.local/fhir', true)).toBeUndefined();
  });
});

describe('allowAnyIssuer', () => {
  const secret = {
    type: 'confidential-symmetric',
    method: 'client_secret_post',
    clientSecret: 's3cret',
  } as const;
  const open: SmartClientConfiguration = {
    ...APP,
    allowAnyIssuer: true,
    knownFhirServers: [knownServer({ issuer: GOOD, sendNonce: false }, secret)],
  };

  it('A1-4 an unknown server gets a public client: no secret, no switch of a known one', () => {
    const registration = find(open, 'https://stranger.example/fhir');

    expect(registration).toMatchObject({ clientId: APP.clientId, authentication: { type: 'public' } });
    expect(registration.switches).toEqual({});
    expect(JSON.stringify(registration)).not.toContain('s3cret');
  });

  it('A1-4 a known server keeps its secret', () => {
    expect(find(open, GOOD).authentication).toMatchObject(secret);
  });

  it.each(['https://good.example@evil/fhir', 'https://evil/fhir?x', 'file:///etc/passwd', 'evil'])(
    'C-15 refuses %s even so',
    (iss) => {
      expect(refusal(open, iss)).toBe('unknown_issuer');
    },
  );

  it('A4-4 starts no standalone launch at an unknown server', () => {
    const standalone = (iss: string) => findRegistration(open, iss, false, { knownOnly: true });

    expect(standalone('https://stranger.example/fhir')).toMatchObject({ error: 'unknown_issuer' });
    expect(standalone(GOOD)).toMatchObject({ name: 'Hospital' });
  });

  it.each(['false', 'true', 1])('C-13 is not opened by %j, which came out of the environment', (value) => {
    const configuration = { ...APP, knownFhirServers: [knownServer()], allowAnyIssuer: value as never };

    expect(refusal(configuration, 'https://stranger.example/fhir')).toBe('unknown_issuer');
  });
});

describe('stripIssQuery', () => {
  const navikt = known(knownServer({ issuer: GOOD, stripIssQuery: true }));

  it.each([`${GOOD}?x=1`, `${GOOD}?`, `${GOOD}?a?b=https://evil`, `${GOOD}?a\n&b`])(
    'E-NO-2 finds the server and drops the query: %j',
    (iss) => {
      expect(find(navikt, iss).iss).toBe(GOOD);
    },
  );

  it('E-NO-2 keeps the slash of the issuer', () => {
    expect(find(navikt, `${GOOD}/?x=1`).iss).toBe(`${GOOD}/`);
  });

  it('E-NO-2 an issuer may be configured with its query', () => {
    const configured = known(knownServer({ issuer: `${GOOD}?tenant=1`, stripIssQuery: true }));

    expect(find(configured, `${GOOD}?tenant=1`).iss).toBe(GOOD);
  });

  it.each([`${GOOD}?x#y`, `${GOOD}#y?x`, 'https://good.example@evil/fhir?x', 'https://evil/?/fhir'])(
    'C-15 takes nothing else for the query: %s',
    (iss) => {
      expect(refusal(navikt, iss)).toBe('unknown_issuer');
    },
  );
});
