import type { ServerResponse } from 'node:http';
import { Catch, HttpException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { errors } from 'oidc-provider';
import { errorPage } from './error.page.js';
import { setPageHeaders } from './layout.js';

/** Shows a refusal to the person at the browser: a patient who is not there, a request that has expired. */
@Catch(HttpException, errors.OIDCProviderError)
export class ErrorPageFilter implements ExceptionFilter {
  catch(error: HttpException | errors.OIDCProviderError, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<ServerResponse>();
    setPageHeaders(response);
    if (error instanceof HttpException) {
      response.statusCode = error.getStatus();
      response.end(errorPage(String(response.statusCode), error.message));
    } else {
      response.statusCode = error.statusCode;
      response.end(
        errorPage(error.error, 'The request has expired or is not from this browser. Start the app again.'),
      );
    }
  }
}
