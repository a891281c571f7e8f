import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../test/support/clock.js';
import { EhrServer } from '../test/support/ehr-server.js';
import type { EhrAnswer } from '../test/support/ehr-server.js';
import { httpClient } from '../test/support/launch-parts.js';
import { registrationOf } from '../test/support/registration.js';
import { Introspections } from './introspections.js';

const http = httpClient();
const REGISTRATION = registrationOf();
let ehr: EhrServer;
let clock: ReturnType<typeof fakeClock>;
let introspections: Introspections;

beforeAll(async () => {
  ehr = await EhrServer.start();
});
beforeEach(() => {
  ehr.reset();
  clock = fakeClock();
  introspections = new Introspections(http);
});
afterEach(() => clock.restore());
afterAll(async () => {
  await http.close();
  await ehr.close();
});

const ask = (token = 'token-1', registration = REGISTRATION, path = '/introspect') =>
  introspections.of(token, registration, {
    token_endpoint: `${ehr.url}/token`,
    introspection_endpoint: `${ehr.url}${path}`,
  });
const answering = (...answers: EhrAnswer[]) =>
  ehr.respondWith(() => answers[Math.min(ehr.requests.length, answers.length) - 1]!);
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

describe('introspections', () => {
  it('A13-3 asks once a minute about a token that is good', async () => {
    answering({ json: { active: true, scope: 'patient/Patient.rs', patient: '1', exp: inSeconds(3600) } });
    const first = await ask();
    clock.advance(59_000);
    const second = await ask();
    clock.advance(2_000);
    await ask();

    expect(second).toEqual(first);
    expect(second).toMatchObject({ active: true, context: { patient: '1' } });
    expect(ehr.requests).toHaveLength(2);
  });

  it('A13-3 remembers no longer than the token lives', async () => {
    answering({ json: { active: true, exp: inSeconds(20) } }, { json: { active: false } });
    await ask();
    clock.advance(18_000);
    await ask();
    clock.advance(3_000);

    expect(await ask()).toEqual({ active: false });
    expect(ehr.requests).toHaveLength(2);
  });

  it('A13-3 remembers nothing of a token whose end has passed', async () => {
    answering({ json: { active: true, exp: inSeconds(-5) } });
    await ask();
    await ask();

    expect(ehr.requests).toHaveLength(2);
  });

  it.each<[string, EhrAnswer]>([
    ['that is not active', { json: { active: false } }],
    ['whose endpoint is down', { status: 503 }],
    ['whose endpoint refuses the client', { status: 401, json: { error: 'invalid_client' } }],
    ['whose launch context is huge', { json: { active: true, more: 'x'.repeat(20_000) } }],
  ])('A13-3 asks anew about a token %s', async (_what, answer) => {
    answering(answer, { json: { active: true } });
    await ask();

    expect(await ask()).toMatchObject({ active: true });
    expect(ehr.requests).toHaveLength(2);
  });

  it('A13-3 an endpoint that fails does not end what is remembered', async () => {
    answering({ json: { active: true } }, { status: 503 });
    await ask();

    expect(await ask()).toMatchObject({ active: true });
  });

  it('A13-3 tells tokens, clients and endpoints apart', async () => {
    answering({ json: { active: true } });
    await ask();
    await ask('token-2');
    await ask('token-1', registrationOf({ clientId: 'other' }));
    await ask('token-1', REGISTRATION, '/other');

    expect(ehr.requests).toHaveLength(4);
  });

  it('A13-3 an answer that somebody changes stays as it was for the next', async () => {
    answering({ json: { active: true, patient: '1' } });
    await ask();
    const mine = await ask();
    if ('context' in mine) mine.context.patient = '2';

    expect(await ask()).toMatchObject({ context: { patient: '1' } });
  });

  it('A13-2 A17-6 names scopes as SMART does, whatever the server calls them', async () => {
    answering({
      json: {
        active: true,
        scope: 'patient.Patient.rs http://smarthealthit.org/fhir/scopes/user/*.r openid',
      },
    });
    const azure = registrationOf({ scopeNames: { 'patient/Patient.rs': 'patient.Patient.rs' } });

    expect(await ask('token-1', azure)).toMatchObject({ scope: 'patient/Patient.rs user/*.r openid' });
  });

  it('A13-2 reads references as ids where the server sends them', async () => {
    answering({ json: { active: true, patient: 'Patient/1' } });

    expect(await ask('token-1', registrationOf({ contextReferences: true }))).toMatchObject({
      context: { patient: '1' },
    });
  });
});
