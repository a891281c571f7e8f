import { All, Controller, Inject, Logger, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

import { FhirError } from './fhir-error.js';
import type { FhirResponse } from './fhir-exchange.js';
import { FhirServer } from './fhir-server.js';
import { accessToken, BASE_PATH, dpopProof, toFhirRequest } from './http-exchange.js';
import type { HttpRequest } from './http-exchange.js';

/** Carries FHIR over HTTP; what a request means is settled where the entries of a Bundle are routed too. */
@Controller(BASE_PATH)
export class FhirController {
  private readonly logger = new Logger(FhirController.name);

  constructor(
    @Inject(FhirServer) private readonly server: FhirServer,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  // spelt out as the two adapters disagree on wildcards
  @All(['', ':type', ':type/:id', ':type/:id/:operation', ':type/:id/:operation/:version'])
  async handle(
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<string | undefined> {
    const { httpAdapter } = this.adapterHost;
    const { status, headers, body } = await this.answer(request);
    for (const [name, value] of Object.entries(headers)) httpAdapter.setHeader(response, name, value);
    httpAdapter.status(response, status);
    if (body === undefined) return undefined;
    const mediaType = 'resourceType' in body ? 'application/fhir+json' : 'application/json';
    httpAdapter.setHeader(response, 'content-type', `${mediaType}; charset=utf-8`);
    return JSON.stringify(body);
  }

  private async answer(request: HttpRequest): Promise<FhirResponse> {
    const { httpAdapter } = this.adapterHost;
    try {
      const method = httpAdapter.getRequestMethod(request) as string;
      const url = httpAdapter.getRequestUrl(request) as string;
      const proof = dpopProof(method, url, request);
      return await this.server.handle(toFhirRequest(method, url, request), accessToken(request), proof);
    } catch (error) {
      return this.failure(error);
    }
  }

  private failure(error: unknown): FhirResponse {
    if (error instanceof FhirError) {
      return { status: error.status, headers: challenge(error.status), body: error.toOutcome() };
    }
    this.logger.error(error);
    const outcome = new FhirError(500, 'exception', 'the server failed; its log says why').toOutcome();
    return { status: 500, headers: {}, body: outcome };
  }
}

function challenge(status: number): Record<string, string> {
  if (status === 401) return { 'www-authenticate': 'Bearer error="invalid_token"' };
  if (status === 403) return { 'www-authenticate': 'Bearer error="insufficient_scope"' };
  return {};
}
