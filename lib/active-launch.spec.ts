import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../test/support/clock.js';
import { CONTEXT, launchRecord } from '../test/support/launch-parts.js';
import { MapStorage } from '../test/support/map-storage.js';
import { activeLaunch } from './active-launch.js';
import { addLaunch } from './add-launch.js';
import { completeStorage } from './session/complete-storage.js';
import { LaunchStore } from './session/launch-store.js';
import { SealedBox } from './session/sealed-box.js';
import { SessionIndex } from './session/session-index.js';
import { resolveOptions } from './smart-client-options.js';

const A = 'https://ehr-a.example.org/fhir';
const B = 'https://ehr-b.example.org/fhir';
const MINUTE = 60_000;

let map: MapStorage;
let clock: ReturnType<typeof fakeClock>;

beforeEach(() => {
  clock = fakeClock();
  map = new MapStorage();
});
afterEach(() => clock.restore());

function partsFor(enableMultiLaunch: boolean) {
  const storage = completeStorage(map, 2_000);
  const box = new SealedBox(['a secret of more than thirty-two characters']);
  const options = resolveOptions({ enableMultiLaunch });
  return {
    options,
    launches: new LaunchStore(storage, box, options, 30_000),
    sessions: new SessionIndex(storage, box, options, 5_000),
    severalIssuers: true,
  };
}

function record(iss: string, patient: string | null, user: string | null = null) {
  const issuer = new URL(iss).origin;
  const identity = user === null ? null : { iss: issuer, sub: user, fhirUser: null, claims: {} };
  return launchRecord(iss, { context: { ...CONTEXT, patient }, identity });
}

describe('one launch in a session', () => {
  const parts = () => partsFor(false);

  it('is the active one, for one read of the store', async () => {
    await parts().launches.write('session-1', record(A, 'p1'));
    map.calls.length = 0;
    const active = await activeLaunch(parts(), { sessionId: 'session-1', activePatient: null });
    expect(active).toEqual({ id: 'session-1', record: record(A, 'p1') });
    expect(map.calls).toEqual(['get']);
  });

  it.each([
    ['no cookie', null],
    ['an unknown session', 'session-2'],
  ])('is none with %s', async (_what, sessionId) => {
    await parts().launches.write('session-1', record(A, 'p1'));
    expect(await activeLaunch(parts(), { sessionId, activePatient: null })).toMatchObject({
      error: 'no_session',
      status: 401,
    });
  });

  it.each<[string, { activePatient: string | null; activeIssuer?: string | null }, string | null]>([
    ['the patient', { activePatient: 'p1' }, null],
    ['the patient and the issuer', { activePatient: 'p1', activeIssuer: A }, null],
    ['the issuer with a slash', { activePatient: null, activeIssuer: `${A}/` }, null],
    ['another patient', { activePatient: 'p2' }, 'unknown_patient'],
    ['an empty patient', { activePatient: '' }, 'unknown_patient'],
    ['another issuer', { activePatient: 'p1', activeIssuer: B }, 'unknown_patient'],
    ['an issuer that is none', { activePatient: 'p1', activeIssuer: 'x' }, 'unknown_patient'],
  ])('G-5 is never another one than the caller names: %s', async (_what, named, error) => {
    await parts().launches.write('session-1', record(A, 'p1'));
    const active = await activeLaunch(parts(), { sessionId: 'session-1', ...named });
    expect(active).toMatchObject(error === null ? { id: 'session-1' } : { error });
  });

  it.each([
    ['idle for an hour', 60 * MINUTE, 60 * MINUTE],
    ['A9-11 at its absolute end', 12 * 60 * MINUTE, 0],
  ])('%s: over, and its tokens are gone', async (_what, startedAgo, seenAgo) => {
    const now = Date.now();
    const times = { startedAt: now - startedAgo, seenAt: now - seenAgo };
    // the store keeps it, though it should have dropped it
    await parts().launches.write('session-1', { ...record(A, 'p1'), ...times });
    const active = await activeLaunch(parts(), { sessionId: 'session-1', activePatient: null });
    expect(active).toMatchObject({ error: 'session_expired', status: 401 });
    expect(map.entries.size).toBe(0);
  });

  it('G-5 is ambiguous when an earlier launch of the session was of that id at another EHR', async () => {
    const history = {
      ehrs: [
        { iss: A, patients: ['p1', 'p2'] },
        { iss: B, patients: ['p1', 'p3'] },
      ],
    };
    await parts().launches.write('session-1', { ...record(B, 'p1'), history });
    const active = (activePatient: string | null, activeIssuer?: string) =>
      activeLaunch(parts(), { sessionId: 'session-1', activePatient, activeIssuer });
    expect(await active('p1')).toMatchObject({ error: 'ambiguous_patient' });
    expect(await active('p1', A)).toMatchObject({ error: 'unknown_patient' });
    expect(await active('p1', B)).toMatchObject({ id: 'session-1' });
    expect(await active(null)).toMatchObject({ id: 'session-1' });
  });

  it('is an outage and no logout where the store is down', async () => {
    map.isDown = true;
    const active = activeLaunch(parts(), { sessionId: 'session-1', activePatient: null });
    await expect(active).rejects.toMatchObject({ error: 'store_unavailable', status: 503 });
  });
});

describe('several launches in a session', () => {
  let parts: ReturnType<typeof partsFor>;
  let launched = 0;

  beforeEach(() => {
    parts = partsFor(true);
  });

  /** as SmartClient does at the end of a callback */
  async function launch(
    iss: string,
    patient: string | null,
    user: string | null = 'user-1',
    ids: { before: string | null; sessionId: string } = { before: 's', sessionId: 's' },
  ): Promise<string> {
    const browser = { browserId: null, arrivedAt: Date.now(), ...ids };
    const added = { id: `launch-${++launched}`, record: record(iss, patient, user) };
    await addLaunch(parts, added, browser);
    return added.id;
  }

  const active = (
    activePatient: string | null,
    activeIssuer?: string | null,
    sessionId: string | null = 's',
  ) => activeLaunch(parts, { sessionId, activePatient, activeIssuer });

  it('G-5 are told apart by the patient the caller names', async () => {
    const [first, second] = [await launch(A, 'p1'), await launch(A, 'p2')];
    expect(await active('p1')).toMatchObject({ id: first, record: { context: { patient: 'p1' } } });
    expect(await active('p2')).toMatchObject({ id: second, record: { context: { patient: 'p2' } } });
  });

  it.each<[string, string | null, string | null | undefined, string]>([
    ['none is named', null, undefined, 'no_active_patient'],
    ['an unknown one is named', 'p9', undefined, 'unknown_patient'],
    ['an empty one is named', '', undefined, 'unknown_patient'],
    ['the beginning of one is named', 'p', undefined, 'unknown_patient'],
    ['one is named in other letters', 'P1', undefined, 'unknown_patient'],
    ['one of another issuer is named', 'p1', B, 'unknown_patient'],
    ['the issuer is named and no patient', null, A, 'no_active_patient'],
  ])(
    'G-5 never answer for another patient, even a single one, when %s',
    async (_when, patient, iss, error) => {
      await launch(A, 'p1');
      expect(await active(patient, iss)).toMatchObject({ error });
    },
  );

  it('G-5 of one patient id at two EHRs are ambiguous until the issuer is named', async () => {
    const [first, second] = [await launch(A, 'p1'), await launch(B, 'p1')];
    expect(await active('p1')).toMatchObject({ error: 'ambiguous_patient', status: 400 });
    expect(await active('p1', A)).toMatchObject({ id: first, record: { iss: A } });
    expect(await active('p1', `${B}/`)).toMatchObject({ id: second, record: { iss: B } });
    expect(await active('p1', 'https://ehr-c.example.org/fhir')).toMatchObject({ error: 'unknown_patient' });
  });

  it('G-5 of one patient id at two EHRs stay ambiguous when one of them has ended', async () => {
    const [first, second] = [await launch(A, 'p1'), await launch(B, 'p1', 'user-1')];
    await launch(A, 'p2', 'user-2');
    await launch(B, 'p1', 'user-3');
    expect(await active('p1')).toMatchObject({ error: 'ambiguous_patient' });
    expect(await active('p1', A)).toMatchObject({ error: 'unknown_patient' });
    expect(await active('p1', B)).toMatchObject({ record: { iss: B } });
    for (const id of [first, second]) expect(await parts.launches.read(id)).toBeUndefined();
  });

  it('G-5 need the issuer too when more patients were launched than are remembered', async () => {
    for (let index = 1; index <= 100; index++) await launch(A, `p-${index}`);
    await launch(B, 'q-1');
    expect(await active('p-100')).toMatchObject({ error: 'ambiguous_patient' });
    expect(await active('q-1')).toMatchObject({ error: 'ambiguous_patient' });
    expect(await active('q-1', B)).toMatchObject({ record: { iss: B } });
  });

  it('may be one without a patient, which is active when none is named', async () => {
    const first = await launch(A, null);
    expect(await active(null)).toMatchObject({ id: first });
    await launch(A, 'p1');
    expect(await active(null)).toMatchObject({ id: first });
    await launch(B, null);
    expect(await active(null)).toMatchObject({ error: 'ambiguous_patient' });
  });

  it('G-5 are not trusted to be what the index says', async () => {
    const id = await launch(A, 'p1');
    await parts.launches.write(id, record(A, 'p2'));
    expect(await active('p1')).toMatchObject({ error: 'unknown_patient' });
    await parts.launches.write(id, record(B, 'p1'));
    expect(await active('p1', A)).toMatchObject({ error: 'unknown_patient' });
  });

  it('are none without a session, or when the launch is gone', async () => {
    const id = await launch(A, 'p1');
    expect(await active('p1', null, null)).toMatchObject({ error: 'no_session' });
    expect(await active('p1', null, 'other')).toMatchObject({ error: 'no_session' });
    await parts.launches.remove(id);
    expect(await active('p1')).toMatchObject({ error: 'no_session' });
  });

  it('keep one launch of a patient at an EHR: the newest, the tokens of the other are gone', async () => {
    const [first, second] = [await launch(A, 'p1'), await launch(A, 'p1')];
    expect(await active('p1')).toMatchObject({ id: second });
    expect(await parts.launches.read(first)).toBeUndefined();
  });

  it.each([
    ['another user', A, 'user-2'],
    ['another user, the issuer written with a slash', `${A}/`, 'user-2'],
    ['a user who is not known', A, null],
  ])('C-6 end, at every EHR, when %s launches from the same EHR', async (_what, iss, user) => {
    const [first, second] = [await launch(A, 'p1', 'user-1'), await launch(A, 'p2', 'user-1')];
    const elsewhere = await launch(B, 'p3', 'user-1');
    await launch(iss, 'p4', user);
    expect(await active('p1')).toMatchObject({ error: 'unknown_patient' });
    expect(await parts.launches.read(first)).toBeUndefined();
    expect(await parts.launches.read(second)).toBeUndefined();
    expect(await active('p3')).toMatchObject({ error: 'unknown_patient' });
    expect(await parts.launches.read(elsewhere)).toBeUndefined();
    expect(await active('p4')).toMatchObject({ record: { context: { patient: 'p4' } } });
  });

  it('C-6 end when the EHR names no user, neither before nor now', async () => {
    const first = await launch(A, 'p1', null);
    await launch(A, 'p2', null);
    expect(await active('p1')).toMatchObject({ error: 'unknown_patient' });
    expect(await parts.launches.read(first)).toBeUndefined();
  });

  it('A3-5 keep one launch of a patient whose EHR writes its issuer with a slash the next time', async () => {
    await launch(A, 'p1');
    const second = await launch(`${A}/`, 'p1');
    expect(await active('p1')).toMatchObject({ id: second });
  });

  it('C-7 go along to the new session id; the old one finds the older ones for a minute', async () => {
    const first = await launch(A, 'p1', 'user-1', { before: null, sessionId: 'old' });
    const second = await launch(A, 'p2', 'user-1', { before: 'old', sessionId: 'new' });
    expect(await active('p1', null, 'new')).toMatchObject({ id: first });
    expect(await active('p2', null, 'new')).toMatchObject({ id: second });
    expect(await active('p1', null, 'old')).toMatchObject({ id: first });
    expect(await active('p2', null, 'old')).toMatchObject({ error: 'unknown_patient' });
    clock.advance(MINUTE);
    expect(await active('p1', null, 'old')).toMatchObject({ error: 'no_session' });
    expect(await active('p1', null, 'new')).toMatchObject({ id: first });
  });

  it('C-6 C-7 leave nothing under the old session id when none goes along', async () => {
    await launch(A, 'p1', 'user-1', { before: null, sessionId: 'old' });
    await launch(A, 'p2', 'user-2', { before: 'old', sessionId: 'new' });
    expect(await active('p1', null, 'old')).toMatchObject({ error: 'no_session' });
    expect(await parts.sessions.read('old')).toBeUndefined();
    expect(await active('p1', null, 'new')).toMatchObject({ error: 'unknown_patient' });
  });

  it('C-26 are fifty at most; the oldest ends', async () => {
    const first = await launch(A, 'p-1');
    for (let index = 2; index <= 51; index++) await launch(A, `p-${index}`);
    expect(await active('p-1')).toMatchObject({ error: 'unknown_patient' });
    expect(await parts.launches.read(first)).toBeUndefined();
    expect(await active('p-2')).toMatchObject({ record: { context: { patient: 'p-2' } } });
    expect(await active('p-51')).toMatchObject({ record: { context: { patient: 'p-51' } } });
  });
});
