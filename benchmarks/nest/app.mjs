import { Controller, Get, Inject, Injectable, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { FhirClient, SmartClient, SmartOnFhirModule, SmartSessionGuard, unwrap } from '../../dist/index.js';

const ANSWER = { id: 'p1' };

class NoopGuard {
  canActivate() {
    return true;
  }
}
Injectable()(NoopGuard);

class BareController {
  bare() {
    return ANSWER;
  }
  noop() {
    return ANSWER;
  }
  guarded(fhir) {
    return { id: fhir.patient.id };
  }
}
Controller('bench')(BareController);
route(BareController, 'bare');
route(BareController, 'noop', UseGuards(NoopGuard));
route(BareController, 'guarded', UseGuards(SmartSessionGuard));
FhirClient()(BareController.prototype, 'guarded', 0);

/** Request-scoped, because what it injects is. */
class ScopedController {
  constructor(smart) {
    this.smart = smart;
  }
  async scoped() {
    return { id: unwrap(await this.smart.ready()).patient.id };
  }
}
Controller('bench')(ScopedController);
Inject(SmartClient)(ScopedController, undefined, 0);
route(ScopedController, 'scoped');

/** A Nest app with the package, launched once; answers its URL and the cookie of that session. */
export async function startApp(name, iss, { storage, before, controllers = [] } = {}) {
  class AppModule {}
  Module({
    imports: [
      SmartOnFhirModule.forRoot({
        client: {
          clientId: 'bench',
          scope: 'launch patient/*.rs',
          callbackUrl: 'http://127.0.0.1/fhir/callback',
          redirectUrl: 'http://127.0.0.1/',
          knownFhirServers: [{ name: 'EHR', issuer: iss, type: 'public' }],
        },
        options: { allowNonHttpsLaunch: true },
        session: { secret: 'a secret of more than thirty-two characters' },
        ...(storage && { storage }),
      }),
    ],
    controllers: [BareController, ScopedController, ...controllers],
  })(AppModule);
  const adapter = name === 'Fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule, adapter, { logger: false });
  before?.(app);
  await app.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${app.getHttpServer().address().port}`;
  return { app, url, cookie: await launchedCookie(url, iss) };
}

async function launchedCookie(url, iss) {
  const launch = await fetch(`${url}/fhir/launch?launch=1&iss=${encodeURIComponent(iss)}`, {
    redirect: 'manual',
  });
  const state = new URL(launch.headers.get('location')).searchParams.get('state');
  const callback = await fetch(`${url}/fhir/callback?code=code&state=${state}`, {
    redirect: 'manual',
    headers: { cookie: cookiesOf(launch) },
  });
  return cookiesOf(callback);
}

export function cookiesOf(response) {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';', 1)[0])
    .join('; ');
}

export function route(controller, name, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(controller.prototype, name);
  for (const decorator of [Get(name), ...decorators]) decorator(controller.prototype, name, descriptor);
}
