import { expect } from '@jest/globals';
import type { fakeClock } from '../../support/clock.js';
import type { Endpoint } from '../ehr/exchange.js';
import type { Fault, Stage } from '../ehr/fault.js';
import type { HostileEhr } from '../ehr/hostile-ehr.js';
import type { Tenant } from '../ehr/tenant.js';
import type { HostileApp } from './hostile-app.js';
import { Visitor } from './visitor.js';

/** What anybody may ask for: no token and no cookie belongs there (A2-2, A7-16). */
const PUBLIC: Endpoint[] = ['discovery', 'openid', 'jwks', 'style'];

/** Who takes part in every row of a table. */
export interface Cast {
  ehr: HostileEhr;
  app: HostileApp;
  clock?: ReturnType<typeof fakeClock>;
  /** `text/html` sees the pages. Left out: JSON */
  accept?: string;
}

/** Plays one row: a user launches from an EHR that has this fault, and must see what the row expects. */
export async function play({ ehr, app, clock, accept }: Cast, fault: Fault): Promise<void> {
  const { profile = 'basic', expect: expected, visits = ['/api/patient'], later } = fault;
  const tenant = ehr.tenant({ profile, misbehaviour: fault, launch: fault.launch });
  app.log.length = 0;
  const user = new Visitor(app.url, accept);
  let sight = await user.signIn(tenant);
  if (sight.at === 'callback' && sight.status === 303) {
    for (const path of visits) {
      if (later !== undefined) clock?.advance(later);
      sight = await user.visit(path);
    }
  }
  expect(shown(sight)).toEqual(shown(expected));
  if (expected.message !== undefined) {
    // a page is for people: the reason is in the log
    expect(accept === 'text/html' ? app.log.join('\n') : sight.message).toContain(expected.message);
  }
  if (expected.shows !== undefined) expect(sight.body).toEqual(expected.shows);
  expect(callsOf(tenant, Object.keys(expected.calls ?? {}))).toEqual(expected.calls ?? {});
  const { session = expected.at === 'data' && expected.error === undefined } = expected;
  const afterwards = session === 'unreachable' ? 502 : session ? 200 : 401;
  expect((await user.visit('/api/launch')).status).toBe(afterwards);
  expectNothingLeaked(tenant, user, app);
  expect(ehr.mistakes).toEqual([]);
}

/** No secret in any answer or log line, and nobody but the EHR was called. */
export function expectNothingLeaked(tenant: Tenant, user: Visitor, app: HostileApp): void {
  for (const text of [...user.answers, ...app.log]) {
    expect(text).not.toContain(tenant.server.canary);
    for (const secret of tenant.secrets) expect(text.includes(secret)).toBe(false);
  }
  for (const text of user.answers) expect(text).not.toMatch(/"retry-after","(?!\d{1,9}")/);
  for (const { endpoint, path, query, headers } of tenant.requests) {
    const target = `${path}?${query.toString()}`;
    for (const token of tenant.accessTokens) expect(target.includes(token)).toBe(false);
    if (PUBLIC.includes(endpoint)) {
      expect([headers.authorization, headers.cookie]).toEqual([undefined, undefined]);
    }
  }
  expect(tenant.evil.requests).toEqual([]);
  expect(tenant.evil.server.connections).toBe(0);
}

function shown({ at, status, error }: { at: Stage; status: number; error?: string | undefined }) {
  return { at, status, error };
}

function callsOf(tenant: Tenant, endpoints: string[]): Record<string, number> {
  return Object.fromEntries(
    endpoints.map((name) => [name, tenant.requests.filter(({ endpoint }) => endpoint === name).length]),
  );
}
