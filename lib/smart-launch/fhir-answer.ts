import type { AbstractHttpAdapter } from '@nestjs/core';

const HEADERS = {
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

export function answerFhir(
  adapter: AbstractHttpAdapter,
  response: unknown,
  status: number,
  resource: { resourceType: string },
): void {
  adapter.setHeader(response, 'Content-Type', 'application/fhir+json; charset=utf-8');
  answer(adapter, response, status, JSON.stringify(resource));
}

/** The handle in it is for this browser and this app alone: nothing keeps it, and no referrer tells it. */
export function answerRedirect(adapter: AbstractHttpAdapter, response: unknown, url: string): void {
  adapter.setHeader(response, 'Location', url);
  answer(adapter, response, 302, '');
}

function answer(adapter: AbstractHttpAdapter, response: unknown, status: number, body: string): void {
  for (const [name, value] of Object.entries(HEADERS)) adapter.setHeader(response, name, value);
  adapter.reply(response, body, status);
}
