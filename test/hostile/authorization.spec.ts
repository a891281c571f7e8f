import { describe } from '@jest/globals';
import { playAll, setStage } from './app/stage.js';
import { AUTHORIZATION_FAULTS } from './faults/authorization.js';

describe('An EHR whose authorization responses are wrong', () => {
  const cast = setStage();

  playAll(cast, AUTHORIZATION_FAULTS);
});
