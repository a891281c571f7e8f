import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { clientWith } from '../test/support/client-with.js';
import { readAreas } from '../test/conformance/conformance.mjs';
import { dpopKey } from '../test/support/dpop.js';
import { EhrServer } from '../test/support/ehr-server.js';
import type { EhrAnswer } from '../test/support/ehr-server.js';
import { CONTEXT, httpClient } from '../test/support/launch-parts.js';
import { idToken, signingKey } from '../test/support/openid-provider.js';
import type { SigningKey } from '../test/support/openid-provider.js';
import { APP, knownServer } from '../test/support/registration.js';
import type { ServerSettings } from '../test/support/registration.js';
import type { LaunchRecord } from './session/launch-record.js';
import { SmartClient } from './smart-client.js';
import type { SmartClientOptions } from './smart-client-options.js';
import { unwrap } from './smart-error.js';
import type { ValidationFinding } from './validation-report.js';

const SCOPE = 'launch openid fhirUser offline_access patient/Patient.rs patient/Observation.rs';
const ROWS = new Set(readAreas().flatMap(({ rows }) => rows.map(({ id }) => id)));
// PKCE may be switched off for a confidential client only
const SECRET = {
  type: 'confidential-symmetric',
  method: 'client_secret_basic',
  clientSecret: 'secret',
} as const;
const http = httpClient();
let ehr: EhrServer;
let iss: string;
let key: SigningKey;
/** members of the SMART configuration and of the token response that are other than they should be */
let odd: { server: Record<string, unknown>; token: Record<string, unknown>; claims: Record<string, unknown> };
let nonce: string | undefined;
let logged: string[];

beforeAll(async () => {
  ehr = await EhrServer.start();
  iss = `${ehr.url}/fhir`;
  key = await signingKey('ES384', { kid: 'ehr' });
});
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => {
  ehr.reset();
  [odd, nonce, logged] = [{ server: {}, token: {}, claims: {} }, undefined, []];
  ehr.respondWith(async ({ path }): Promise<EhrAnswer> => {
    if (path === '/jwks') return { json: { keys: [key.publicJwk] } };
    return { json: path === '/token' ? await tokenResponse() : { ...configuration(), ...odd.server } };
  });
});

function configuration() {
  return {
    issuer: ehr.url,
    jwks_uri: `${ehr.url}/jwks`,
    authorization_endpoint: `${ehr.url}/authorize`,
    token_endpoint: `${ehr.url}/token`,
    revocation_endpoint: `${ehr.url}/revoke`,
    capabilities: ['launch-ehr', 'launch-standalone', 'sso-openid-connect'],
    code_challenge_methods_supported: ['S256'],
  };
}

async function tokenResponse() {
  const now = Math.floor(Date.now() / 1000);
  const standard = { iss: ehr.url, sub: 'user-1', aud: APP.clientId, iat: now, exp: now + 300, nonce };
  return {
    access_token: 'access-1',
    refresh_token: 'refresh-1',
    token_type: 'Bearer',
    expires_in: 300,
    scope: SCOPE,
    patient: 'patient-1',
    need_patient_banner: true,
    id_token: await idToken(key, { ...standard, fhirUser: 'Practitioner/1', ...odd.claims }),
    ...odd.token,
  };
}

/** The report of a launch that really took place. */
async function reportOfLaunch(
  settings: ServerSettings = {},
  isStandalone = false,
): Promise<ValidationFinding[]> {
  const server = knownServer({ issuer: iss, scope: SCOPE, ...settings }, SECRET);
  const options: SmartClientOptions = {
    allowNonHttpsLaunch: true,
    session: { secret: 'a secret of more than thirty-two characters' },
    logger: { warn: (line) => void logged.push(line), error: () => undefined },
  };
  const smart = new SmartClient('session-1', undefined, { ...APP, knownFhirServers: [server] }, options);
  const launched = isStandalone ? smart.authorize({ iss }) : smart.launch({ iss, launch: 'launch-1' });
  const { searchParams } = new URL(unwrap(await launched).redirect_url);
  nonce = searchParams.get('nonce') ?? undefined;
  unwrap(await smart.callback({ code: 'code-1', state: searchParams.get('state') }));
  const report = await unwrap(await smart.ready()).validationReport();
  expect(report.filter(({ row }) => !ROWS.has(row))).toEqual([]);
  return report;
}

const oddOnes = (report: ValidationFinding[]) =>
  report.filter(({ level }) => level !== 'ok').map(({ level, row }) => `${level} ${row}`);

describe('the report of a launch', () => {
  it('A7-4 A7-5 A7-6 A7-7 A7-9 A7-18 says ok where all is by the book, and nothing is read for it', async () => {
    const report = await reportOfLaunch();
    expect(oddOnes(report)).toEqual([]);
    expect(report.map(({ row }) => row).sort()).toEqual(
      ['A2-4', 'A5-5', 'A7-4', 'A7-5', 'A7-6', 'A7-7', 'A7-18', 'B-28', 'A7-9', 'A9-10'].sort(),
    );
    expect(ehr.requests.filter(({ path }) => path.startsWith('/fhir/Patient'))).toEqual([]);
    expect(logged).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['A2-4 that lists no capabilities', { capabilities: [] }, 'warning A2-4'],
    ['A3-8 that does not list the launch', { capabilities: ['launch-standalone'] }, 'warning A3-8'],
    ['A2-5 that does not say it takes PKCE', { code_challenge_methods_supported: undefined }, 'info A2-5'],
    ['C-21 that cannot revoke', { revocation_endpoint: undefined }, 'info C-21'],
  ])('says what is odd about a SMART configuration: %s', async (_what, server, expected) => {
    odd.server = server;
    expect(oddOnes(await reportOfLaunch())).toEqual([expected]);
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    ['A7-5 no expires_in', { expires_in: undefined }, ['info A7-5']],
    ['A7-5 an expires_in that is none', { expires_in: 'soon' }, ['warning A7-5']],
    ['A7-6 no scope', { scope: undefined }, ['warning A7-6']],
    ['A7-7 fewer scopes', { scope: SCOPE.replace('patient/Observation.rs', '') }, ['info A7-7']],
    ['A7-7 more scopes', { scope: `${SCOPE} patient/Condition.rs` }, ['info A7-7']],
    ['A7-7 none for data', { scope: 'openid fhirUser offline_access launch' }, ['warning A7-7', 'info A7-7']],
    ['A7-10 a fhirContext that is none', { fhirContext: [7] }, ['warning A7-10']],
    ['A7-12 a banner that is text', { need_patient_banner: 'true' }, ['info A7-12']],
    ['A7-16 a style that is not https', { smart_style_url: 'http://x/style' }, ['warning A7-16']],
    ['A7-18 no id_token', { id_token: undefined }, ['warning A7-18']],
    ['A9-11 no refresh token', { refresh_token: undefined }, ['warning A9-11']],
  ])('says what is odd about a token response: %s', async (_what, token, expected) => {
    odd.token = token;
    expect(oddOnes(await reportOfLaunch())).toEqual(expected);
  });

  it.each<[string, Record<string, unknown>, ServerSettings, string]>([
    ['B-28 no fhirUser', { fhirUser: undefined }, {}, 'warning B-28'],
    [
      'B-28 a user of another server',
      { fhirUser: 'https://other.example.org/Practitioner/1' },
      {},
      'info B-28',
    ],
    [
      'B-29 a profile for a fhirUser',
      { fhirUser: undefined, profile: 'Practitioner/1' },
      { profileClaim: true },
      'info B-29',
    ],
  ])('says what is odd about an id_token: %s', async (_what, claims, settings, expected) => {
    odd.claims = claims;
    expect(oddOnes(await reportOfLaunch(settings))).toEqual([expected]);
  });

  it.each<[string, ServerSettings, Record<string, unknown>, string]>([
    ['A5-5 pkceMode', { pkceMode: 'disabled' }, {}, 'info A5-5'],
    ['B-10 sendNonce', { sendNonce: false }, {}, 'info B-10'],
    ['A7-4 assumeBearer', { assumeBearer: true }, { token_type: undefined }, 'info A7-4'],
    ['A7-8 contextReferences', { contextReferences: true }, { patient: 'Patient/patient-1' }, 'info A7-8'],
  ])('says what a switch of the known server allowed: %s', async (_what, settings, token, expected) => {
    odd.token = token;
    expect(oddOnes(await reportOfLaunch(settings))).toEqual([expected]);
  });

  it('A7-9 says that the patient was found by a switch', async () => {
    odd.token = { patient: undefined };
    odd.claims = { fhirUser: 'Patient/patient-1' };
    expect(oddOnes(await reportOfLaunch({ patientFromFhirUser: true }))).toEqual(['info A7-9']);
  });

  it('A3-8 A4-2 A17-7 says what a standalone launch asked for and did not get', async () => {
    odd.server = { capabilities: ['launch-ehr'] };
    const scope = 'launch/patient launch/encounter user/Patient.rs user/Observation.read';
    odd.token = { patient: undefined, refresh_token: undefined, scope };
    const report = await reportOfLaunch({ scope }, true);
    expect(oddOnes(report)).toEqual([
      'warning A3-8',
      'warning A17-7',
      'info A7-18',
      'warning A4-2',
      'warning A4-2',
      'info A9-11',
    ]);
  });

  it('A7-18 E-ORA-6 also goes to the log, where it is a warning', async () => {
    odd.token = { id_token: undefined, expires_in: undefined };
    await reportOfLaunch();
    expect(logged).toEqual([expect.stringMatching(/^Hospital: .*no id_token/)]);
  });

  it('C-19 holds no token, no id and nothing that the EHR made up', async () => {
    odd.token = {
      scope:
        'openid c4n4ry<script> patient/Goal.rs?patient=c4n4ry patient/Observation.rs?patient=c4n4ry patient/Observation.cruds',
      tenant: 'c4n4ry',
    };
    const text = JSON.stringify(await reportOfLaunch());
    expect(text).not.toMatch(/c4n4ry|access-1|refresh-1|patient-1|user-1|Practitioner\/1|code-1/);
    expect(text).toContain('patient/Observation.cud');
    expect(text).toContain('patient/Goal.rs');
  });
});

describe('the report of a stored launch', () => {
  const report = (changed: Partial<LaunchRecord>) => clientWith(iss, http, changed).fhir.validationReport();

  it('A2-4 says so where an older version stored it', async () => {
    expect(oddOnes(await report({}))).toContain('info A2-4');
    expect((await report({ findings: ['of_the_future'] })).map(({ message }) => message)).not.toContain(
      undefined,
    );
  });

  it('C-22 says that tokens are bound', async () => {
    const found = await report({ dpopKey: await dpopKey(), findings: [] });
    expect(found).toContainEqual(expect.objectContaining({ level: 'ok', row: 'C-22' }));
  });
});

describe('the reads of a report', () => {
  const scope =
    'patient/Patient.r patient/Observation.rs patient/Observation.rs?category=laboratory patient/Condition.s?category=http://x%7Cy patient/Encounter.r user/Practitioner.rs patient/Goal.cud';
  const observation = (reference: string) => ({
    resourceType: 'Bundle',
    entry: [{ resource: { resourceType: 'Observation', id: 'o', subject: { reference } } }],
  });
  const reportOf = async (changed: Partial<LaunchRecord> = {}) => {
    const { fhir } = clientWith(iss, http, { scope, findings: [], ...changed });
    const report = await fhir.validationReport({ read: true });
    expect(report.filter(({ row }) => !ROWS.has(row))).toEqual([]);
    return report.filter(({ row }) => row === 'A8-7').map(({ level, message }) => `${level} ${message}`);
  };
  let answers: Record<string, EhrAnswer>;
  beforeEach(() => {
    answers = {
      'Patient/patient-1': { json: { resourceType: 'Patient', id: 'patient-1' } },
      Observation: { json: observation('Patient/patient-1') },
      Condition: { json: { resourceType: 'Bundle', type: 'searchset' } },
    };
    ehr.respondWith(({ path }) => answers[path.slice('/fhir/'.length)] ?? { status: 404 });
  });

  it('A8-7 are one for each type that a patient-level scope grants, as constrained as the scope', async () => {
    expect(await reportOf()).toEqual([
      'ok Patient: can be read',
      'ok Observation: can be read',
      'ok Condition: can be read, and none was found',
      'info Encounter: not read, since the scope allows no search',
    ]);
    expect(ehr.requests.map(({ target }) => target).sort()).toEqual([
      '/fhir/Condition?patient=patient-1&_count=1&category=http://x%7Cy',
      '/fhir/Observation?patient=patient-1&_count=1',
      '/fhir/Patient/patient-1',
    ]);
  });

  it('A8-7 are of the Patient alone where the scope is for all types', async () => {
    expect(await reportOf({ scope: 'patient/*.rs' })).toEqual(['ok Patient: can be read']);
    answers.Patient = {
      json: { resourceType: 'Bundle', entry: [{ resource: { resourceType: 'Patient', id: 'patient-1' } }] },
    };
    expect(await reportOf({ scope: 'patient/*.s' })).toEqual(['ok Patient: can be read']);
    expect(ehr.requests.at(-1)!.target).toBe('/fhir/Patient?_id=patient-1&_count=1');
  });

  it('A8-7 are none without a patient, or where nobody asks for them', async () => {
    expect(await reportOf({ context: { ...CONTEXT, patient: null } })).toEqual([
      'info nothing was read: there is no patient in context',
    ]);
    await clientWith(iss, http, { scope }).fhir.validationReport();
    expect(ehr.requests).toEqual([]);
  });

  it.each<[string, EhrAnswer, string]>([
    ['refused', { status: 403 }, 'warning Observation: granted by a scope, and refused with 403'],
    ['cut off', 'reset', 'error Observation: could not be read (ehr_unavailable)'],
    [
      'answered with data of another patient',
      { json: observation('Patient/c4n4ry') },
      'error Observation: the answer holds data of another patient than the launch’s',
    ],
    [
      'answered with data of another patient, by URL and version',
      { json: observation('https://x/fhir/Patient/c4n4ry/_history/1') },
      'error Observation: the answer holds data of another patient than the launch’s',
    ],
    [
      'answered with a list',
      { json: [] },
      'error Observation: the answer is something else than was asked for',
    ],
  ])('A8-7 that are %s are said', async (_what, answer, line) => {
    answers.Observation = answer;
    const lines = await reportOf();
    expect(lines).toContain(line);
    expect(lines.join()).not.toMatch(/c4n4ry|patient-1/);
  });

  it('A8-7 of another Patient is an error', async () => {
    answers['Patient/patient-1'] = { json: { resourceType: 'Patient', id: 'c4n4ry' } };
    expect(await reportOf()).toContain('error Patient: the answer is something else than was asked for');
  });

  it('A8-5 end with the session, and are said too', async () => {
    const { fhir } = clientWith(iss, http, { scope: 'patient/Patient.rs', findings: [] });
    ehr.respondWith(() => ({ status: 401 }));
    const report = await fhir.validationReport({ read: true });
    expect(report.at(-1)).toMatchObject({
      level: 'error',
      message: 'Patient: could not be read (session_expired)',
    });
  });

  it('A8-7 are given up where the caller aborts', async () => {
    const { fhir } = clientWith(iss, http, { scope: 'patient/Patient.rs', findings: [] });
    const report = await fhir.validationReport({ read: true, signal: AbortSignal.abort() });
    expect(report.at(-1)).toMatchObject({ message: 'Patient: could not be read (aborted)' });
    expect(ehr.requests).toEqual([]);
  });
});
