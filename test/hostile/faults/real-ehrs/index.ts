import type { Fault } from '../../ehr/fault.js';
import { athenahealth } from './athenahealth.js';
import { epic } from './epic.js';
import { launcher } from './launcher.js';
import { legacy } from './legacy.js';
import { norway } from './norway.js';
import { oracleHealth } from './oracle-health.js';
import { patients } from './patients.js';
import { platforms } from './platforms.js';
import { portals } from './portals.js';

/** What real EHRs do, one row or more for each that a client notices (section E of the checklist). */
export const REAL_EHRS: Fault[] = [
  ...epic(),
  ...oracleHealth(),
  ...athenahealth(),
  ...portals(),
  ...norway(),
  ...platforms(),
  ...launcher(),
  ...legacy(),
  ...patients(),
];
