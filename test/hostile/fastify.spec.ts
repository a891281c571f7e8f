import { describe } from '@jest/globals';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { playAll, setStage } from './app/stage.js';
import type { Fault } from './ehr/fault.js';
import { AUTHORIZATION_FAULTS } from './faults/authorization.js';
import { DISCOVERY_FAULTS } from './faults/discovery.js';
import { FHIR_FAULTS } from './faults/fhir.js';
import { CLAIM_FAULTS } from './faults/id-token-claims.js';
import { SIGNATURE_FAULTS } from './faults/id-token-signature.js';
import { JWKS_FAULTS } from './faults/jwks.js';
import { REFRESH_FAULTS } from './faults/refresh.js';
import { STYLE_FAULTS } from './faults/style.js';
import { TOKEN_REFUSAL_FAULTS } from './faults/token-refusal.js';
import { TOKEN_RESPONSE_FAULTS } from './faults/token-response.js';

/** Every eighth row: the tables run whole on Express. */
function sample(faults: Fault[]): Fault[] {
  return faults.filter((_, index) => index % 8 === 0);
}

describe('A hostile EHR as people see it, on Fastify', () => {
  const cast = setStage(() => ({ adapter: new FastifyAdapter(), accept: 'text/html' }));

  playAll(
    cast,
    [
      DISCOVERY_FAULTS,
      AUTHORIZATION_FAULTS,
      TOKEN_RESPONSE_FAULTS,
      TOKEN_REFUSAL_FAULTS,
      CLAIM_FAULTS,
      SIGNATURE_FAULTS,
      JWKS_FAULTS,
      REFRESH_FAULTS,
      FHIR_FAULTS,
      STYLE_FAULTS,
    ].flatMap(sample),
  );
});
