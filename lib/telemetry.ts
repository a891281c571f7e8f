import { createRequire } from 'node:module';
import type * as OpenTelemetry from '@opentelemetry/api';
import type { HttpCall } from './http/http-client.js';
import type { StoreCall } from './session/complete-storage.js';
import { SmartError } from './smart-error.js';
import type { SmartEvent } from './smart-event.js';

/**
 * Metrics and traces for an app that registers an OpenTelemetry SDK. What they say is codes, the names of known servers
 * and times; never an id, a token, a path or a patient.
 */
const NAME = 'nestjs-smart-on-fhir';
const api = optionalApi();

/** seconds; a store that is near answers within one millisecond */
const explicitBucketBoundaries = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
const SECONDS = { unit: 's', advice: { explicitBucketBoundaries } };

type Instruments = ReturnType<typeof makeInstruments>;

let provider: OpenTelemetry.MeterProvider | undefined;
let instruments: Instruments | undefined;

/** @param server its name, where the operator gave it one; a stranger's would be a new time series each */
export function countEvent(event: SmartEvent, server: string | undefined): void {
  const made = current();
  const { type } = event;
  if (!made || type === 'logout' || type === 'foreign_results') return;
  const counter = { launch: made.launches, login: made.callbacks, refresh: made.refreshes }[
    type === 'failure' ? event.during : type
  ];
  counter.add(1, {
    'smart.result': type === 'failure' ? event.code : 'ok',
    ...(server !== undefined && { 'smart.server': server }),
  });
}

/** The guard's work for one request, refresh included. */
export async function measuredGuard<T>(work: () => Promise<T | SmartError>): Promise<T | SmartError> {
  const made = current();
  if (!made) return work();
  const startedAt = performance.now();
  const result = await work();
  const code = result instanceof SmartError ? result.error : 'ok';
  made.guard.record(seconds(performance.now() - startedAt), { 'smart.result': code });
  return result;
}

export function observeStore({ operation, durationMs, isFailed }: StoreCall): void {
  current()?.store.record(seconds(durationMs), {
    'smart.store.operation': operation,
    ...(isFailed && { 'error.type': 'store_unavailable' }),
  });
}

export function observeEhr({ method, trustedHost, status, failure, durationMs }: HttpCall): void {
  current()?.ehr.record(seconds(durationMs), {
    'http.request.method': method,
    ...(trustedHost !== undefined && { 'server.address': trustedHost }),
    ...(status !== undefined && { 'http.response.status_code': status }),
    ...(failure !== undefined && { 'error.type': failure }),
  });
}

/** A span around the work; an error it answers or throws is the span's. */
export async function traced<T>(
  name: 'smart.launch' | 'smart.callback' | 'smart.refresh',
  server: { name: string; isKnown: boolean },
  work: () => Promise<T | SmartError>,
): Promise<T | SmartError> {
  if (!api) return work();
  const attributes = server.isKnown ? { 'smart.server': server.name } : {};
  const failed = (span: OpenTelemetry.Span, type: string) => {
    span.setAttribute('error.type', type);
    span.setStatus({ code: api.SpanStatusCode.ERROR });
  };
  return api.trace.getTracer(NAME).startActiveSpan(name, { attributes }, async (span) => {
    try {
      const result = await work();
      if (result instanceof SmartError) failed(span, result.error);
      return result;
    } catch (error) {
      failed(span, error instanceof SmartError ? error.error : 'unexpected');
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Made anew where an SDK was registered meanwhile; none where there is none. */
function current(): Instruments | undefined {
  if (!api) return undefined;
  const given = api.metrics.getMeterProvider();
  if (given !== provider) {
    provider = given;
    const meter = given.getMeter(NAME);
    instruments = meter === api.createNoopMeter() ? undefined : makeInstruments(meter);
  }
  return instruments;
}

function makeInstruments(meter: OpenTelemetry.Meter) {
  const counter = (name: string, description: string, unit: string) =>
    meter.createCounter(name, { description, unit });
  const histogram = (name: string, description: string) =>
    meter.createHistogram(name, { description, ...SECONDS });
  return {
    launches: counter('smart.launches', 'Launches, by result', '{launch}'),
    callbacks: counter('smart.callbacks', 'Completed and failed logins, by result', '{callback}'),
    refreshes: counter('smart.refreshes', 'Token refreshes, by result', '{refresh}'),
    guard: histogram('smart.guard.duration', 'Time in SmartSessionGuard'),
    store: histogram('smart.store.duration', 'Time of a call to the session store'),
    ehr: histogram('smart.ehr.duration', 'Time of a request to an EHR'),
  };
}

function seconds(milliseconds: number): number {
  return milliseconds / 1_000;
}

/** Only where the app has it; loaded once, for the life of the process. */
function optionalApi(): typeof OpenTelemetry | undefined {
  try {
    return createRequire(import.meta.url)('@opentelemetry/api') as typeof OpenTelemetry;
  } catch {
    return undefined;
  }
}
