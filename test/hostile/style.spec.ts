import { describe } from '@jest/globals';
import { playAll, setStage } from './app/stage.js';
import { STYLE_FAULTS } from './faults/style.js';

describe('An EHR whose style sheet is a trap', () => {
  const cast = setStage();

  playAll(cast, STYLE_FAULTS);
});
