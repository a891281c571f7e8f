import {
  Controller,
  Get,
  Inject,
  Param,
  Post,
  Req,
  Res,
  SetMetadata,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { rawRequest } from '../nest/http-request.js';
import { SmartError, unwrap } from '../smart-error.js';
import { EhrGuards } from './ehr-guards.js';
import { answerFhir, answerRedirect } from './fhir-answer.js';
import { launchParameters } from './launch-parameters.js';
import { OperationOutcomeFilter } from './operation-outcome.filter.js';
import { SmartLaunchService } from './smart-launch.service.js';

const ON_INSTANCE = 'ClientApplication/:id/$smart-launch';
const ON_TYPE = 'ClientApplication/$smart-launch';

/** A controller of its own for each registration: its path is known only when the options are. */
export function createSmartLaunchController(): Type {
  @Controller()
  @UseGuards(EhrGuards)
  @UseFilters(OperationOutcomeFilter)
  // what @ApiExcludeController() of @nestjs/swagger writes
  @SetMetadata('swagger/apiExcludeController', [true])
  class SmartLaunchController {
    constructor(
      @Inject(SmartLaunchService) private readonly launches: SmartLaunchService,
      @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    ) {}

    @Get(ON_INSTANCE)
    launchByGet(@Param('id') id: string, @Req() request: object, @Res() response: unknown): Promise<void> {
      // A router answers HEAD by the handler of GET; it must not use up anything.
      if (rawRequest(request).method === 'HEAD') {
        throw new SmartError('invalid_launch_request', 'A launch is a GET or a POST', { status: 405 });
      }
      return this.#launch(id, request, response);
    }

    @Post(ON_INSTANCE)
    launchByPost(@Param('id') id: string, @Req() request: object, @Res() response: unknown): Promise<void> {
      return this.#launch(id, request, response);
    }

    @Get(ON_TYPE)
    @Post(ON_TYPE)
    withoutApplication(): never {
      const message = 'ClientApplication to launch must be specified: ClientApplication/<id>/$smart-launch';
      throw new SmartError('invalid_launch_request', message, { status: 404 });
    }

    @Get('SmartAppLaunch/:id')
    async read(@Param('id') id: string, @Req() request: object, @Res() response: unknown): Promise<void> {
      const resource = unwrap(await this.launches.find(id, request));
      answerFhir(this.adapterHost.httpAdapter, response, 200, resource);
    }

    async #launch(id: string, request: object, response: unknown): Promise<void> {
      const parameters = unwrap(await launchParameters(request));
      const { redirect_url } = unwrap(await this.launches.launch(id, parameters, request));
      answerRedirect(this.adapterHost.httpAdapter, response, redirect_url);
    }
  }
  return SmartLaunchController;
}
