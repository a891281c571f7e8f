import { describe } from '@jest/globals';
import { playAll, setStage } from './app/stage.js';
import { foreignResultFaults, pagingFaults } from './faults/fhir-paging.js';
import { FHIR_FAULTS } from './faults/fhir.js';

describe('An EHR whose FHIR server misbehaves', () => {
  const cast = setStage();

  playAll(cast, [...FHIR_FAULTS, ...pagingFaults(), ...foreignResultFaults()]);
});
