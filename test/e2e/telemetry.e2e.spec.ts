import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { SpanStatusCode, context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { AggregationTemporality, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { adapters } from '../support/adapters.js';
import { fakeClock } from '../support/clock.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import { MapStorage } from '../support/map-storage.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

const [{ create }] = adapters as [(typeof adapters)[number]];

class Reader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

let ehr: RunningEhr;
let app: TestApp;
let patient: string;
let reader: Reader;
let clock: ReturnType<typeof fakeClock>;
const store = new MapStorage();
const spans = new InMemorySpanExporter();

beforeAll(async () => {
  ehr = await startEhr({ apps: [], quiet: true, accessTokenTtlSeconds: 300 });
  patient = ehr.store.list('Patient')[0]!.id!;
  app = await startTestApp({ adapter: create(), ehr, module: { storage: store } });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
  );
});
beforeEach(() => {
  // after the app was started: an SDK may come late
  reader = new Reader({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE });
  metrics.disable();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  spans.reset();
  clock = fakeClock();
});
afterEach(() => clock.restore());
afterAll(async () => {
  metrics.disable();
  trace.disable();
  context.disable();
  await app.close();
  await ehr.close();
});

/** What was measured, by name: the attributes of every series with its count. */
async function measured(): Promise<Record<string, [Record<string, unknown>, number][]>> {
  const { resourceMetrics } = await reader.collect();
  const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  return Object.fromEntries(
    all.map(({ descriptor, dataPoints }) => [
      descriptor.name,
      dataPoints.map(({ attributes, value }) => [
        attributes,
        typeof value === 'number' ? value : (value as { count: number }).count,
      ]),
    ]),
  );
}

async function wholeLife(): Promise<{ browser: Browser; secrets: string[] }> {
  const browser = new Browser();
  const callback = await app.toCallback(browser, { patient });
  await browser.get(callback.href);
  await app.get(browser, '/api/patient');
  clock.advance(6 * 60_000);
  await app.get(browser, '/api/launch');
  // used already
  await browser.get(callback.href);
  const { searchParams } = callback;
  const session = browser.cookies('localhost')['smart-session']!;
  return { browser, secrets: [patient, session, searchParams.get('code')!, searchParams.get('state')!] };
}

it('counts launches, callbacks and refreshes by result, and times guard, store and EHR', async () => {
  await wholeLife();
  await app.get(new Browser(), '/api/patient');

  const metric = await measured();

  const ok = { 'smart.result': 'ok', 'smart.server': 'Demo EHR' };
  expect(metric['smart.launches']).toEqual([[ok, 1]]);
  expect(metric['smart.callbacks']).toEqual([
    [ok, 1],
    [{ 'smart.result': 'invalid_state' }, 1],
  ]);
  expect(metric['smart.refreshes']).toEqual([[ok, 1]]);
  expect(metric['smart.guard.duration']).toEqual([
    [{ 'smart.result': 'ok' }, 2],
    [{ 'smart.result': 'no_session' }, 1],
  ]);
  const operations = metric['smart.store.duration']!.map(
    ([attributes]) => attributes['smart.store.operation'],
  );
  expect(new Set(operations)).toEqual(new Set(['get', 'set', 'take', 'lock']));
  expect(metric['smart.ehr.duration']).toContainEqual([
    { 'http.request.method': 'POST', 'http.response.status_code': 200, 'server.address': '127.0.0.1' },
    2,
  ]);
});

it('C-19 says no id and no token in any attribute', async () => {
  const { secrets } = await wholeLife();
  const written = JSON.stringify([
    await measured(),
    spans
      .getFinishedSpans()
      .map(({ name, attributes, status, events }) => ({ name, attributes, status, events })),
  ]);
  expect(written).toContain('smart.callback');
  for (const secret of [...secrets, ...ehr.tokenRequests.map(({ clientId }) => clientId)]) {
    expect(written).not.toContain(secret);
  }
});

it('traces launch, callback and refresh, each about its EHR', async () => {
  await wholeLife();
  const attributes = { 'smart.server': 'Demo EHR' };
  expect(spans.getFinishedSpans().map((span) => ({ name: span.name, attributes: span.attributes }))).toEqual([
    { name: 'smart.launch', attributes },
    { name: 'smart.callback', attributes },
    { name: 'smart.refresh', attributes },
  ]);
});

it('names the code of what failed', async () => {
  const browser = new Browser();
  await app.launch(browser, { patient });
  store.isDown = true;
  try {
    await browser.get(ehr.launchUrl(app.clientId, { patient }));
    await app.get(browser, '/api/patient');
  } finally {
    store.isDown = false;
  }
  const metric = await measured();
  expect(metric['smart.launches']).toContainEqual([
    { 'smart.result': 'store_unavailable', 'smart.server': 'Demo EHR' },
    1,
  ]);
  expect(metric['smart.guard.duration']).toEqual([[{ 'smart.result': 'store_unavailable' }, 1]]);
  expect(metric['smart.store.duration']).toContainEqual([
    { 'smart.store.operation': 'get', 'error.type': 'store_unavailable' },
    1,
  ]);
  expect(spans.getFinishedSpans().at(-1)).toMatchObject({
    name: 'smart.launch',
    attributes: { 'error.type': 'store_unavailable' },
    status: { code: SpanStatusCode.ERROR },
  });
});
