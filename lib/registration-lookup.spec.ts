import { describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'jose';
import { APP, knownServer } from '../test/support/registration.js';
import type { KnownFhirServer, LookUpRegistration } from './ehr/known-fhir-server.js';
import { RegistrationLookup } from './registration-lookup.js';

const HOSPITAL = 'https://hospital.example.org/fhir';
const found = (changed: Partial<KnownFhirServer> = {}) =>
  ({ ...knownServer({ issuer: HOSPITAL, clientId: 'at-hospital' }), ...changed }) as KnownFhirServer;

function lookup(registrations: LookUpRegistration, changed: object = {}) {
  const asked: string[] = [];
  const errors: string[] = [];
  const warnings: string[] = [];
  const configuration = {
    ...APP,
    knownFhirServers: [knownServer()],
    registrations: (issuer: string) => {
      asked.push(issuer);
      return registrations(issuer);
    },
    ...changed,
  };
  const logger = { warn: () => undefined, error: (message: string) => void errors.push(message) };
  const options = { allowNonHttpsLaunch: false, storeTimeoutMs: 50, logger };
  return {
    find: new RegistrationLookup(configuration, options, (...said) => void warnings.push(said.join(': '))),
    asked,
    errors,
    warnings,
  };
}

describe('registrations looked up at run time', () => {
  it('A1-4 are found by their issuer, each with its own client', async () => {
    const { find, asked } = lookup(async () => found());

    expect(await find.find(`${HOSPITAL}/`)).toMatchObject({
      clientId: 'at-hospital',
      iss: `${HOSPITAL}/`,
      isKnown: true,
    });
    expect(asked).toEqual([HOSPITAL]);
  });

  it('A1-4 come after the static list, which is not looked up', async () => {
    const { find, asked } = lookup(() => found());

    expect(await find.find('https://ehr.example.org/fhir')).toMatchObject({ clientId: 'growth-chart' });
    expect(asked).toEqual([]);
  });

  it('A2-10 are remembered, and a hospital that is not there is asked for again', async () => {
    const there = lookup(() => found());
    const gone = lookup(() => null);
    for (let n = 0; n < 3; n += 1) {
      await there.find.find(HOSPITAL);
      expect(await gone.find.find(HOSPITAL)).toMatchObject({ error: 'unknown_issuer', status: 403 });
    }

    expect([there.asked.length, gone.asked.length]).toEqual([1, 3]);
  });

  it.each<[string, Partial<KnownFhirServer>]>([
    ['another issuer', { issuer: 'https://evil.example/fhir' }],
    ['a pattern', { issuer: undefined, issMatch: /.*/ }],
    ['no way to authenticate', { type: undefined }],
    ['an issuer over http', { issuer: 'http://hospital.example.org/fhir' }],
  ])('C-13 are refused with %s, and the log says why', async (_what, changed) => {
    const { find, errors } = lookup(() => found(changed));

    expect(await find.find(HOSPITAL)).toMatchObject({ error: 'invalid_configuration' });
    expect(errors).toEqual([expect.stringContaining('registration')]);
  });

  it.each<[string, LookUpRegistration]>([
    ['throws', () => Promise.reject(new Error('password of the database'))],
    [
      'throws at once',
      () => {
        throw new Error('password of the database');
      },
    ],
    ['never answers', () => new Promise(() => undefined)],
  ])('A9-8 a function that %s is an outage, not a refusal', async (_what, registrations) => {
    const error = await lookup(registrations).find.find(HOSPITAL);

    expect(error).toMatchObject({ error: 'store_unavailable', status: 503 });
    expect(JSON.stringify(error)).not.toContain('password');
  });

  it('A10-7 the log tells of a key that signs and is not published', async () => {
    const [published, other] = await Promise.all(
      ['published', 'other'].map(async (kid) => {
        const { privateKey } = await generateKeyPair('ES384', { extractable: true });
        return { ...(await exportJWK(privateKey)), kid };
      }),
    );
    const signingWith = async (privateKey: JWK) => {
      const server = { type: 'confidential-asymmetric', method: 'private_key_jwt', privateKey } as const;
      const { find, warnings } = lookup(() => found(server), { privateKey: published });
      expect(await find.find(HOSPITAL)).toMatchObject({ isKnown: true });
      return warnings;
    };

    expect(await signingWith(published!)).toEqual([]);
    const warning = expect.stringMatching(
      /^Hospital: signs with the key "(other|published)", .*client\.privateKey/,
    );
    expect(await signingWith(other!)).toEqual([warning]);
    // another key under a published name
    expect(await signingWith({ ...other, kid: 'published' })).toEqual([warning]);
  });

  it('C-13 is not asked for what is no FHIR base', async () => {
    const { find, asked } = lookup(() => found());

    for (const iss of [
      '',
      'x',
      'https://user@hospital.example.org/fhir',
      `${HOSPITAL}?x=1`,
      `${HOSPITAL}#x`,
    ]) {
      expect(await find.find(iss)).toMatchObject({ error: 'unknown_issuer' });
    }
    expect(asked).toEqual([]);
  });

  it('C-14 comes before allowAnyIssuer, which never serves a standalone launch', async () => {
    const { find } = lookup((issuer) => (issuer === HOSPITAL ? found() : null), { allowAnyIssuer: true });

    expect(await find.find(HOSPITAL)).toMatchObject({ isKnown: true });
    expect(await find.find('https://any.example.org/fhir')).toMatchObject({ isKnown: false });
    expect(await find.find('https://any.example.org/fhir', { knownOnly: true })).toMatchObject({
      error: 'unknown_issuer',
    });
  });
});
