import { webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { CryptoKey, JSONWebKeySet, JWK } from 'jose';
import { SmartClient, unwrap } from 'nestjs-smart-on-fhir';
import { readSigningKeys } from '../../lib/ehr/client-keys.js';
import { EhrServer } from '../support/ehr-server.js';
import { MapStorage } from '../support/map-storage.js';

/** Keys and signatures of the SMART implementation guide; the file names its source. */
interface Sample {
  alg: string;
  privateJwk: JWK;
  publicJwks: JSONWebKeySet;
  signedJwt: string;
}
const { samples } = JSON.parse(readFileSync(new URL('smart-sample-keys.json', import.meta.url), 'utf8')) as {
  samples: Sample[];
};
/** of the guide's worked example, which expired long ago */
const THEN = new Date('2015-01-29T21:59:00Z');
const CLIENT_ID = 'https://bili-monitor.example.com';

describe.each(samples)(
  'The sample keys of the SMART guide, $alg',
  ({ alg, privateJwk, publicJwks, signedJwt }) => {
    let ehr: EhrServer;

    beforeAll(async () => {
      ehr = await EhrServer.start();
    });
    beforeEach(() => {
      ehr.reset();
      ehr.respondWith(({ path }) =>
        path === '/token'
          ? {
              json: {
                access_token: 'access-1',
                token_type: 'Bearer',
                expires_in: 300,
                patient: '1',
                scope: 'patient/Patient.rs',
              },
            }
          : {
              json: {
                authorization_endpoint: `${ehr.url}/authorize`,
                token_endpoint: `${ehr.url}/token`,
                code_challenge_methods_supported: ['S256'],
                token_endpoint_auth_methods_supported: ['private_key_jwt'],
                token_endpoint_auth_signing_alg_values_supported: [alg],
                capabilities: ['launch-ehr', 'client-confidential-asymmetric'],
              },
            },
      );
    });
    afterAll(() => ehr.close());

    it('A10-10 A10-1 sign an assertion in a launch that the guide’s public key verifies', async () => {
      const issuer = `${ehr.url}/fhir`;
      const smart = new SmartClient(
        'a-session-id-of-this-test',
        new MapStorage(),
        {
          clientId: CLIENT_ID,
          scope: 'launch patient/Patient.rs',
          callbackUrl: 'https://bili-monitor.example.com/callback',
          redirectUrl: 'https://bili-monitor.example.com/',
          knownFhirServers: [
            {
              name: 'EHR',
              issuer,
              type: 'confidential-asymmetric',
              method: 'private_key_jwt',
              privateKey: samples.map((sample) => sample.privateJwk),
            },
          ],
        },
        { allowNonHttpsLaunch: true },
      );
      const { redirect_url } = unwrap(await smart.launch({ iss: issuer, launch: 'launch-1' }));
      const state = new URL(redirect_url).searchParams.get('state')!;
      unwrap(await smart.callback({ code: 'code-1', state }));

      const [request] = ehr.to('/token');
      expect(request!.form.get('client_assertion_type')).toBe(
        'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      );
      const { payload, protectedHeader } = await jwtVerify(
        request!.form.get('client_assertion')!,
        createLocalJWKSet(publicJwks),
        {
          algorithms: [alg],
          issuer: CLIENT_ID,
          subject: CLIENT_ID,
          audience: `${ehr.url}/token`,
          maxTokenAge: 300,
        },
      );
      expect(protectedHeader).toEqual({ alg, kid: publicJwks.keys[0]!.kid, typ: 'JWT' });
      expect(payload.exp! - payload.iat!).toBeLessThanOrEqual(300);
    });

    it('A10-10 read by us sign as the guide did, and we publish what it publishes', async () => {
      const [key] = readSigningKeys(JSON.stringify(privateJwk));
      const [header, claims, signature] = signedJwt.split('.');
      const signed = Buffer.from(`${header}.${claims}`);
      const { payload } = await jwtVerify(signedJwt, createLocalJWKSet(publicJwks), {
        algorithms: [alg],
        currentDate: THEN,
      });
      expect(payload).toMatchObject({ iss: CLIENT_ID, sub: CLIENT_ID, exp: 1_422_568_860 });

      const own = await (key!.key as () => Promise<CryptoKey>)();
      const ownSignature = await webcrypto.subtle.sign({ ...own.algorithm, hash: 'SHA-384' }, own, signed);
      const jwt = `${signed.toString()}.${Buffer.from(ownSignature).toString('base64url')}`;
      await jwtVerify(jwt, createLocalJWKSet({ keys: [key!.publicJwk!] }), { currentDate: THEN });
      // RSA signatures with PKCS #1 padding have no randomness
      if (alg === 'RS384') expect(jwt.split('.')[2]).toBe(signature);
      const { ext: _ext, key_ops: _operations, ...published } = publicJwks.keys[0]!;
      expect(key!.publicJwk).toEqual({ ...published, use: 'sig' });
    });
  },
);
