import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { SmartHealth } from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import { MapStorage } from '../support/map-storage.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

@Controller('health')
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(SmartHealth) private readonly smartHealth: SmartHealth,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([
      () => this.smartHealth.isHealthy(),
      () => this.smartHealth.isHealthy('once more'),
    ]);
  }
}

describe.each(adapters)('A health check with @nestjs/terminus on $name', ({ create }) => {
  let ehr: RunningEhr;
  let app: TestApp;
  const store = new MapStorage();

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true });
    app = await startTestApp({
      adapter: create(),
      ehr,
      module: { storage: store, options: { storeTimeoutMs: 50 } },
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController],
    });
  });
  afterAll(async () => {
    await app.close();
    await ehr.close();
  });

  it('is up while the store answers, 503 while it does not, and leaves one entry with a time to live', async () => {
    const up = { status: 'up' };
    const down = { status: 'down', message: 'The session store did not answer' };
    const health = () => app.get(new Browser(), '/health');
    expect(await health()).toMatchObject({
      status: 200,
      body: { status: 'ok', details: { 'smart-sessions': up, 'once more': up } },
    });
    expect([...store.entries]).toEqual([['smart:health', { value: 'ok', ttlMs: 60_000 }]]);

    store.isDown = true;
    expect(await health()).toMatchObject({
      status: 503,
      body: { status: 'error', error: { 'smart-sessions': down, 'once more': down } },
    });

    store.isDown = false;
    expect((await health()).status).toBe(200);
  });
});
