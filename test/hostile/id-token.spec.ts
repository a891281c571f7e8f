import { describe } from '@jest/globals';
import { playAll, setStage } from './app/stage.js';
import { CLAIM_FAULTS } from './faults/id-token-claims.js';
import { SIGNATURE_FAULTS } from './faults/id-token-signature.js';

describe('An EHR whose id_tokens are not to be trusted', () => {
  const cast = setStage();

  playAll(cast, [...CLAIM_FAULTS, ...SIGNATURE_FAULTS]);
});
