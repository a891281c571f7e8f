import { describe } from '@jest/globals';
import { playAll, setStage } from './app/stage.js';
import { DISCOVERY_FAULTS } from './faults/discovery.js';

describe('An EHR whose SMART configuration is wrong', () => {
  const cast = setStage();

  playAll(cast, DISCOVERY_FAULTS);
});
