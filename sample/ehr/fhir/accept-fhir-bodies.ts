import type { IncomingMessage, Server } from 'node:http';

import type { INestApplication } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';

import { JSON_TYPES, isFhirUrl } from './http-exchange.js';

const MAX_BODY_BYTES = 10 * 1024 * 1024;

/**
 * Lets FHIR media types through to the FHIR controller, as text: it parses them itself and so can answer
 * malformed JSON with an OperationOutcome. To be called before `app.init()`; other routes are not affected.
 */
export function acceptFhirBodies(app: INestApplication): void {
  if (app.getHttpAdapter().getType() === 'fastify') acceptOnFastify(app as NestFastifyApplication);
  else acceptOnExpress(app as NestExpressApplication);
}

function acceptOnExpress(app: NestExpressApplication): void {
  app.useBodyParser('text', {
    limit: MAX_BODY_BYTES,
    type: (request: IncomingMessage) => {
      const mediaType = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
      return isFhirUrl(request.url ?? '') && JSON_TYPES.includes(mediaType);
    },
  });
}

function acceptOnFastify(app: NestFastifyApplication): void {
  const parseJson = app.getHttpAdapter().getInstance().getDefaultJsonParser('error', 'error');
  app.useBodyParser<Server>(JSON_TYPES, { bodyLimit: MAX_BODY_BYTES }, (request, body, done) => {
    if (isFhirUrl(request.url)) done(null, body.toString('utf8'));
    else void parseJson(request, body.toString('utf8'), done);
  });
}
