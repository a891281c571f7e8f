import FHIR from 'fhirclient';
import { SmartClient, unwrap } from '../../dist/index.js';

/** A launched client of this package, as an app gets it. */
export async function launched(iss) {
  const configuration = {
    clientId: 'bench',
    scope: 'launch patient/*.rs',
    callbackUrl: 'https://app.example.com/fhir/callback',
    redirectUrl: 'https://app.example.com/',
    knownFhirServers: [{ name: 'EHR', issuer: iss, type: 'public' }],
  };
  const options = {
    allowNonHttpsLaunch: true,
    session: { secret: 'a secret of more than thirty-two characters' },
  };
  const smart = new SmartClient('session-1', undefined, configuration, options);
  const { redirect_url } = unwrap(await smart.launch({ iss, launch: '1' }));
  const state = new URL(redirect_url).searchParams.get('state');
  unwrap(await smart.callback({ code: 'code', state }));
  return unwrap(await smart.ready());
}

/** fhirclient, with a launch behind it. */
export function fhirclientAt(iss) {
  const memory = new Map();
  const storage = {
    get: async (key) => memory.get(key),
    set: async (key, value) => memory.set(key, value),
    unset: async (key) => memory.delete(key),
  };
  const request = { url: '/', headers: { host: 'localhost' }, socket: {}, connection: {} };
  const state = {
    serverUrl: iss,
    clientId: 'bench',
    expiresAt: Math.floor(Date.now() / 1000) + 36_000,
    tokenResponse: { access_token: 'a'.repeat(40), patient: 'p1', scope: 'launch patient/*.rs' },
  };
  return FHIR(request, {}, () => storage).client(state);
}
