import { describe, expect, it } from '@jest/globals';
import { setStage } from './app/stage.js';
import { Visitor } from './app/visitor.js';
import { fhir } from './ehr/fhir-data.js';
import type { Json } from './ehr/exchange.js';
import type { Misbehaviour } from './ehr/fault.js';
import type { Tenant } from './ehr/tenant.js';

/** Whose token came with which path. */
interface Use {
  path: string;
  token: string;
}

describe('Two users of one EHR', () => {
  const cast = setStage();

  /** An EHR that gives each login another patient, and any patient to any token. */
  function carelessEhr(uses: Use[], owners: Map<unknown, string>): Tenant {
    const own = (body: Json, patient: string) => {
      for (const token of [body.access_token, body.refresh_token]) owners.set(token, patient);
      return { ...body, patient };
    };
    const misbehaviour: Misbehaviour = {
      token: (body, ehr) => own(body, `p${ehr.tick('users')}`),
      refresh: (body, _ehr, { form }) => own(body, owners.get(form.get('refresh_token'))!),
      instead: {
        fhir: (_ehr, { path, headers }) => {
          uses.push({ path, token: headers.authorization?.replace('Bearer ', '') ?? '' });
          return fhir(200, { resourceType: 'Patient', id: path.split('/').at(-1)! });
        },
      },
    };
    return cast.ehr.tenant({ profile: 'basic', misbehaviour });
  }

  it('A8-8 fifty interleaved requests, and a refresh between them: each with its own token only', async () => {
    const { app, clock } = cast;
    const uses: Use[] = [];
    const owners = new Map<unknown, string>();
    const tenant = carelessEhr(uses, owners);
    const users = [new Visitor(app.url), new Visitor(app.url)];
    for (const user of users) await user.launch(tenant);

    const visitAll = () =>
      Promise.all(Array.from({ length: 50 }, (_, n) => users[n % 2]!.visit('/api/patient')));
    const sights = [...(await visitAll())];
    clock?.advance(310_000);
    sights.push(...(await visitAll()));

    expect(sights.map(({ status, body }) => [status, (body as Json).id])).toEqual(
      sights.map((_, n) => [200, `p${(n % 2) + 1}`]),
    );
    expect(uses).toHaveLength(102);
    for (const { path, token } of uses) expect(path).toBe(`/fhir/Patient/${owners.get(token)}`);
    expect(tenant.count('token')).toBe(4);
  });

  it('C-1 C-6 a callback of one user in the browser of the other starts no session', async () => {
    const { app, ehr } = cast;
    const tenant = ehr.tenant({ profile: 'basic', misbehaviour: {} });
    const [attacker, victim] = [new Visitor(app.url), new Visitor(app.url)];
    const planted = (await attacker.toCallback(tenant)) as URL;
    await victim.toCallback(tenant);

    expect(await victim.open('callback', planted.href)).toMatchObject({
      status: 400,
      error: 'invalid_state',
    });
    expect((await victim.visit('/api/patient')).status).toBe(401);
    expect(tenant.count('token')).toBe(0);
  });
});
