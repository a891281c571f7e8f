import { ForbiddenException, Inject, Injectable, Scope } from '@nestjs/common';
import type { CanActivate, ExecutionContext, OnModuleInit, Type } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { firstValueFrom, isObservable } from 'rxjs';
import { headerOf, rawRequest } from '../nest/http-request.js';
import { SmartError } from '../smart-error.js';
import { SMART_LAUNCH_OPTIONS } from './module-options.js';
import type { SmartLaunchModuleOptions } from './module-options.js';

/** The user's own guards, one after the other, once it is clear that the request is not another site's doing. */
@Injectable()
export class EhrGuards implements CanActivate, OnModuleInit {
  #origins: ReadonlySet<string> = new Set();
  #guards: ((request: object) => Promise<CanActivate>)[] = [];

  constructor(
    @Inject(SMART_LAUNCH_OPTIONS) private readonly options: SmartLaunchModuleOptions,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
  ) {}

  async onModuleInit(): Promise<void> {
    const { fhirBaseUrl, trustedOrigins = [], guards } = this.options;
    this.#origins = new Set([new URL(fhirBaseUrl).origin, ...trustedOrigins]);
    this.#guards = await Promise.all(guards.map((guard) => this.#instances(guard)));
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<object>();
    if (!this.#comesFromEhr(request)) {
      throw new SmartError(
        'csrf_rejected',
        'The request does not come from a page of the EHR; pages of trustedOrigins launch by POST',
      );
    }
    if (this.#guards.length === 0) throw new ForbiddenException();
    for (const guardFor of this.#guards) {
      const guard = await guardFor(request);
      const answer = await guard.canActivate(context);
      const isLetIn: unknown = isObservable(answer) ? await firstValueFrom(answer) : answer;
      if (!isLetIn) throw new ForbiddenException();
    }
    return true;
  }

  /**
   * A launch changes something, also by GET, and a cookie comes along from every site. A token in the Authorization
   * header is a proof by itself: no page of another site can put it there. Without cookie and word of a browser there
   * is nothing that another site could abuse.
   */
  #comesFromEhr(request: object): boolean {
    const authorization = headerOf(request, 'authorization') ?? '';
    if (/^(Bearer|DPoP) /i.test(authorization)) return true;
    const site = headerOf(request, 'sec-fetch-site');
    if (site === 'same-origin' || site === 'none') return true;
    const origin = headerOf(request, 'origin');
    const isListed = this.#origins.has(origin ?? '');
    // A Referer outlives redirects through other sites, a GET by link has no Origin: from elsewhere, only POST tells.
    if (site !== undefined) return isListed && rawRequest(request).method === 'POST';
    if (origin !== undefined) return isListed;
    const referrer = headerOf(request, 'referer') ?? '';
    if (URL.canParse(referrer) && this.#origins.has(new URL(referrer).origin)) return true;
    return authorization === '' && headerOf(request, 'cookie') === undefined;
  }

  /** The instance there is, where the guard is a provider; else one that Nest makes in this module. */
  async #instances(
    guard: Type<CanActivate> | CanActivate,
  ): Promise<(request: object) => Promise<CanActivate>> {
    if (typeof guard !== 'function') return async () => guard;
    if (!this.#isProvider(guard)) {
      const instance = await this.moduleRef.create(guard);
      return async () => instance;
    }
    if (this.moduleRef.introspect(guard).scope === Scope.DEFAULT) {
      const instance = this.moduleRef.get(guard, { strict: false });
      return async () => instance;
    }
    return (request) => {
      const contextId = ContextIdFactory.getByRequest(request);
      return this.moduleRef.resolve(guard, contextId, { strict: false });
    };
  }

  #isProvider(guard: Type<CanActivate>): boolean {
    try {
      this.moduleRef.introspect(guard);
      return true;
    } catch {
      return false;
    }
  }
}
