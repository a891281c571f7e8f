import { describe, expect, it } from '@jest/globals';
import { fieldsOf } from './app/form-page.js';
import { setStage } from './app/stage.js';
import { Visitor } from './app/visitor.js';
import type { Sight } from './app/visitor.js';
import type { Json } from './ehr/exchange.js';
import { LONG_SCOPE } from './ehr/profiles.js';

const postable = (document: Json) => ({ ...document, capabilities: ['launch-ehr', 'authorize-post'] });

describe('An authorization request that is too long for a URL', () => {
  const cast = setStage();

  it('A5-8 A5-9 is sent as a form whose page holds nothing but values', async () => {
    const { app, ehr } = cast;
    const tenant = ehr.tenant({ profile: 'long', misbehaviour: { discovery: postable } });
    const user = new Visitor(app.url);

    const sight = (await user.toCallback(tenant)) as Sight;

    expect([sight.status, sight.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const page = String(sight.body);
    expect(page).not.toContain('<script>alert');
    expect(page.match(/<script/g)).toHaveLength(1);
    const nonce = /<script nonce="([\w-]{43})">/.exec(page)?.[1];
    expect(sight.headers.get('content-security-policy')).toContain(`script-src 'nonce-${nonce}'`);
    expect([sight.headers.get('cache-control'), sight.headers.get('referrer-policy')]).toEqual([
      'no-store',
      'no-referrer',
    ]);
    expect(page).toContain('<button>');
    const fields = fieldsOf(page);
    expect(fields.scope).toBe(LONG_SCOPE);
    expect(Object.keys(fields)).not.toEqual(expect.arrayContaining(['code_verifier']));
    const granted = await user.browser.post(`${tenant.url}/authorize`, fields);
    expect(await user.open('callback', granted.headers.get('location')!)).toMatchObject({ status: 303 });
    expect(await user.visit('/api/patient')).toMatchObject({ status: 200 });
  });

  it('A5-9 the endpoint is a value, too, whatever the EHR writes into it', async () => {
    const { app, ehr } = cast;
    const discovery = (document: Json) => ({
      ...postable(document),
      authorization_endpoint: `${String(document.authorization_endpoint)}?x="><script>alert(1)</script>'onload=y`,
    });
    const sight = (await new Visitor(app.url).toCallback(
      ehr.tenant({ profile: 'long', misbehaviour: { discovery } }),
    )) as Sight;

    expect(sight.status).toBe(200);
    expect(String(sight.body)).not.toContain('<script>alert');
    expect(String(sight.body)).toMatch(/<form method="post" action="[^"<>]*">/);
  });

  it('A5-8 is a redirect where the EHR takes no form, and short ones always are', async () => {
    const { app, ehr } = cast;
    const long = ehr.tenant({ profile: 'long', misbehaviour: {} });
    const short = ehr.tenant({ profile: 'basic', misbehaviour: { discovery: postable } });

    expect(await new Visitor(app.url).launch(long)).toMatchObject({ at: 'data', status: 200 });
    expect(await new Visitor(app.url).launch(short)).toMatchObject({ at: 'data', status: 200 });
  });
});
