export { REFERENCE_DATE } from './calendar.js';
export { loadFolder } from './load-folder.js';
export { makeSyntheticPatients } from './synthetic-patients.js';
export type { SyntheticPatientOptions } from './synthetic-patients.js';
