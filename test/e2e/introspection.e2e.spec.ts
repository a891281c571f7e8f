import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject } from '@nestjs/common';
import { SmartClient, unwrap } from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { AppAuthentication, RunningEhr } from '../../sample/ehr/start-ehr.js';

@Controller('api')
class TokenController {
  constructor(@Inject(SmartClient) private readonly smart: SmartClient) {}

  @Get('token')
  async token() {
    return unwrap(await this.smart.introspect());
  }
}

const METHODS: AppAuthentication[] = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'];

describe.each(METHODS)('Introspection by a client that authenticates with %s', (authentication) => {
  let ehr: RunningEhr;
  let app: TestApp;

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true });
    app = await startTestApp({
      adapter: adapters[0]!.create(),
      ehr,
      authentication,
      controllers: [TokenController],
    });
  });
  afterAll(async () => {
    await app.close();
    await ehr.close();
  });

  it('A13-1 A13-2 tells what the EHR knows of the session’s token', async () => {
    const patient = ehr.store.list('Patient')[0]!.id!;
    const browser = new Browser();
    await app.launch(browser, { patient });

    const { status, body } = await app.get(browser, '/api/token');

    expect([status, body]).toEqual([
      200,
      expect.objectContaining({
        active: true,
        clientId: app.clientId,
        scope: expect.stringContaining('patient/Patient.rs'),
        context: expect.objectContaining({ patient }),
        expiresAt: expect.any(Number),
      }),
    ]);
    expect((await app.get(new Browser(), '/api/token')).status).toBe(401);
  });
});
