import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../test/support/clock.js';
import { EhrServer } from '../test/support/ehr-server.js';
import { APP, knownServer } from '../test/support/registration.js';
import { SmartClient } from './smart-client.js';
import type { SmartClientOptions } from './smart-client-options.js';
import { unwrap } from './smart-error.js';
import type { SmartEvent } from './smart-event.js';

const OPTIONS: SmartClientOptions = {
  allowNonHttpsLaunch: true,
  session: { secret: 'a secret of more than thirty-two characters' },
};

let ehr: EhrServer;
let iss: string;
let clock: ReturnType<typeof fakeClock>;

beforeAll(async () => {
  ehr = await EhrServer.start();
  iss = `${ehr.url}/fhir`;
});
afterAll(() => ehr.close());
beforeEach(() => {
  clock = fakeClock();
  ehr.reset();
});
afterEach(() => clock.restore());

/** A promise and the function that fulfils it. */
function gate(): { passed: Promise<void>; open: () => void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

describe('a client outside Nest, whose session id stays', () => {
  const scope = 'launch offline_access patient/Patient.rs';
  const tokens = (patient: string) => ({
    json: {
      access_token: `access-${patient}`,
      refresh_token: `refresh-${patient}`,
      token_type: 'Bearer',
      expires_in: 300,
      patient,
    },
  });

  it('A9-6 C-7 a refresh under way does not put the patient before back over a new launch', async () => {
    const configuration = { ...APP, scope, knownFhirServers: [knownServer({ issuer: iss })] };
    const smart = () => new SmartClient('session-1', undefined, configuration, OPTIONS);
    const [refreshing, answer, second] = [gate(), gate(), gate()];
    ehr.respondWith(async ({ path, form }) => {
      if (path !== '/token') {
        return {
          json: { authorization_endpoint: `${ehr.url}/authorize`, token_endpoint: `${ehr.url}/token` },
        };
      }
      if (form.get('grant_type') === 'refresh_token') {
        refreshing.open();
        await answer.passed;
        return tokens('patient-a');
      }
      if (form.get('code') === 'patient-b') second.open();
      return tokens(form.get('code')!);
    });
    const launch = async (code: string) => {
      const { redirect_url } = unwrap(await smart().launch({ iss, launch: 'launch-1' }));
      const state = new URL(redirect_url).searchParams.get('state');
      return unwrap(await smart().callback({ code, state }));
    };
    await launch('patient-a');
    clock.advance(290_000);
    const ofTheFirst = smart().ready();
    await refreshing.passed;

    const launched = launch('patient-b');
    await second.passed;
    // the second launch gets as far as it can without the refresh's end
    for (let turn = 0; turn < 50; turn += 1) await setImmediate();
    answer.open();
    await Promise.all([launched, ofTheFirst]);

    expect(unwrap(await smart().ready()).patient.id).toBe('patient-b');
  });

  it('A8-8 gives what it read to its own launch, and to no later one', async () => {
    const configuration = { ...APP, scope, knownFhirServers: [knownServer({ issuer: iss })] };
    const options = { ...OPTIONS, cache: true };
    const smart = () => new SmartClient('session-1', undefined, configuration, options);
    ehr.respondWith(({ path, form }) => {
      if (path === '/token') return tokens(form.get('code')!);
      if (path.startsWith('/fhir/Patient/'))
        return { json: { resourceType: 'Patient', id: path.split('/').at(-1) } };
      return {
        json: { authorization_endpoint: `${ehr.url}/authorize`, token_endpoint: `${ehr.url}/token` },
      };
    });
    const launch = async () => {
      const { redirect_url } = unwrap(await smart().launch({ iss, launch: 'launch-1' }));
      const state = new URL(redirect_url).searchParams.get('state');
      unwrap(await smart().callback({ code: 'patient-a', state }));
    };
    const read = async () => unwrap(await smart().ready()).patient.request();
    await launch();
    expect([await read(), await read()]).toMatchObject([{ id: 'patient-a' }, { id: 'patient-a' }]);
    expect(ehr.to('/fhir/Patient/patient-a')).toHaveLength(1);
    await launch();
    await read();
    expect(ehr.to('/fhir/Patient/patient-a')).toHaveLength(2);
    await smart().logout();
    expect(await smart().ready()).toMatchObject({ error: 'no_session' });
  });
});

describe('a search that the EHR answers with what is about somebody else', () => {
  it('C-19 is told to the log and to onEvent, without ids', async () => {
    const [events, lines]: [SmartEvent[], string[]] = [[], []];
    const configuration = { ...APP, knownFhirServers: [knownServer({ issuer: iss })] };
    const options: SmartClientOptions = {
      ...OPTIONS,
      logger: { warn: (line) => void lines.push(line), error: (line) => void lines.push(line) },
      onEvent: (event) => void events.push(event),
    };
    ehr.respondWith(({ path }) => {
      if (path === '/token') {
        return { json: { access_token: 'access', token_type: 'Bearer', expires_in: 300, patient: 'ada' } };
      }
      if (path === '/fhir/Condition') {
        const resource = { resourceType: 'Condition', id: 'c1', subject: { reference: 'Patient/bob' } };
        return { json: { resourceType: 'Bundle', type: 'searchset', entry: [{ resource }, { resource }] } };
      }
      return {
        json: { authorization_endpoint: `${ehr.url}/authorize`, token_endpoint: `${ehr.url}/token` },
      };
    });
    const smart = new SmartClient('session-2', undefined, configuration, options);
    const { redirect_url } = unwrap(await smart.launch({ iss, launch: 'launch-1' }));
    unwrap(await smart.callback({ code: 'code', state: new URL(redirect_url).searchParams.get('state') }));
    lines.length = 0;
    const { patient, issuerName } = unwrap(await smart.ready());

    expect(await patient.search('Condition').toArray()).toEqual([]);

    expect(events.at(-1)).toEqual({
      type: 'foreign_results',
      server: issuerName,
      resourceType: 'Condition',
      count: 2,
    });
    expect(lines).toEqual([expect.stringMatching(/2 resources .*Condition/)]);
    expect(JSON.stringify([events, lines])).not.toMatch(/ada|bob|c1/);
  });
});
