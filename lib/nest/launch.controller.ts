import {
  Controller,
  Get,
  HttpCode,
  Inject,
  Post,
  Req,
  Res,
  SetMetadata,
  UseFilters,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { randomId } from '../session/keys.js';
import type { Redirect } from '../start-launch.js';
import { SmartError, unwrap } from '../smart-error.js';
import { answerHeaders } from './answer-headers.js';
import { formPage } from './form-page.js';
import { queryOf, rawRequest, wantsHtml } from './http-request.js';
import type { ResolvedRoutes } from './module-options.js';
import { ownTargetPage } from './own-target-page.js';
import { SmartClients } from './smart-clients.js';
import { SmartErrorFilter } from './smart-error.filter.js';

const TO_AUTHORIZATION = { status: 302, title: 'Opening the app' } as const;

/** The routes an EHR and a browser meet: launch, callback, standalone launch, logout, JWKS. */
export function createLaunchController(routes: ResolvedRoutes): Type {
  @Controller({ path: routes.path, version: VERSION_NEUTRAL })
  @UseFilters(SmartErrorFilter)
  // what @ApiExcludeController() of @nestjs/swagger writes
  @SetMetadata('swagger/apiExcludeController', [true])
  class LaunchController {
    constructor(
      @Inject(SmartClients) private readonly clients: SmartClients,
      @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    ) {}

    @Get(routes.launch)
    async launch(@Req() request: object, @Res() response: unknown): Promise<void> {
      const query = queryOf(request);
      const parameters = { iss: single(query, 'iss'), launch: single(query, 'launch') };
      const target = await this.clients.targetOf(request, parameters.iss);
      if (target && parameters.launch !== '') return this.#leaveFrame(response, query, target);
      this.#sendOn(response, unwrap(await this.clients.for(request).launch(parameters)), TO_AUTHORIZATION);
    }

    @Get(routes.standalone)
    async standalone(@Req() request: object, @Res() response: unknown): Promise<void> {
      const query = queryOf(request);
      const parameters = { iss: single(query, 'iss'), returnTo: single(query, 'returnTo') };
      this.#sendOn(response, unwrap(await this.clients.for(request).authorize(parameters)), TO_AUTHORIZATION);
    }

    // a redirect URL per EHR, e.g. /fhir/callback/hospital-b, keeps mixed-up answers apart (RFC 9700 4.4)
    @Get([routes.callback, `${routes.callback}/:ehr`])
    async callback(@Req() request: object, @Res() response: unknown): Promise<void> {
      if (rawRequest(request).method === 'HEAD') {
        throw new SmartError('invalid_callback', 'A callback is a GET', { status: 405 });
      }
      const { redirect_url } = unwrap(await this.clients.for(request).callback(queryOf(request)));
      this.#redirect(response, 303, redirect_url);
    }

    async init(@Req() request: object, @Res() response: unknown): Promise<void> {
      const query = queryOf(request);
      if (query.has('state') || query.has('code') || query.has('error'))
        return this.callback(request, response);
      if (query.has('launch')) return this.launch(request, response);
      return this.standalone(request, response);
    }

    @Post(routes.logout)
    async logout(@Req() request: object, @Res() response: unknown): Promise<void> {
      if (!this.clients.isTrustedOrigin(request, 'POST')) {
        throw new SmartError('csrf_rejected', 'The request does not come from the app itself');
      }
      const atEhr = await this.clients.for(request).endSession();
      if (!wantsHtml(request)) return this.#answer(response, 204, '');
      const next = atEhr ?? { redirect_url: this.clients.redirectUrl };
      this.#sendOn(response, next, { status: 303, title: 'Signing out' });
    }

    @Get(routes.jwks)
    @HttpCode(200)
    jwks(@Res() response: unknown): void {
      const keys = this.clients.publicKeys();
      if (keys.length === 0)
        throw new SmartError('invalid_request', 'This app has no public keys', { status: 404 });
      const { httpAdapter } = this.adapterHost;
      httpAdapter.setHeader(response, 'Content-Type', 'application/json; charset=utf-8');
      httpAdapter.setHeader(response, 'Cache-Control', 'public, max-age=300');
      httpAdapter.reply(response, JSON.stringify({ keys }), 200);
    }

    #sendOn(
      response: unknown,
      { redirect_url, form }: Redirect,
      { status, title }: { status: 302 | 303; title: string },
    ): void {
      if (!form) return this.#redirect(response, status, redirect_url);
      const nonce = randomId();
      this.adapterHost.httpAdapter.setHeader(response, 'Content-Type', 'text/html; charset=utf-8');
      this.#answer(response, 200, formPage(title, form, nonce), nonce);
    }

    /** The one page that any page may frame: it holds nothing but a link that everybody could make. */
    #leaveFrame(response: unknown, query: URLSearchParams, target: '_top' | '_blank' | 'popup'): void {
      const nonce = randomId();
      this.adapterHost.httpAdapter.setHeader(response, 'Content-Type', 'text/html; charset=utf-8');
      this.#answer(response, 200, ownTargetPage(`?${query.toString()}`, target, nonce), nonce, ['*']);
    }

    #redirect(response: unknown, status: 302 | 303, url: string): void {
      this.adapterHost.httpAdapter.setHeader(response, 'Location', url);
      this.#answer(response, status, '');
    }

    #answer(
      response: unknown,
      status: number,
      body: string,
      scriptNonce?: string,
      frameAncestors = this.clients.frameAncestors,
    ): void {
      const { httpAdapter } = this.adapterHost;
      for (const [name, value] of answerHeaders(frameAncestors, scriptNonce)) {
        httpAdapter.setHeader(response, name, value);
      }
      httpAdapter.reply(response, body, status);
    }
  }
  if (routes.init !== undefined) {
    const { prototype } = LaunchController;
    Get(routes.init)(prototype, 'init', Object.getOwnPropertyDescriptor(prototype, 'init')!);
  }
  return LaunchController;
}

/** A parameter that came exactly once and is not empty; `''` is refused with the right message further on. */
function single(query: URLSearchParams, name: string): string {
  const [value = '', ...more] = query.getAll(name);
  return more.length === 0 ? value : '';
}
