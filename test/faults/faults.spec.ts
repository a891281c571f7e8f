import { afterAll } from '@jest/globals';
import { describeWithRedisServer } from '../support/redis.js';
import { ehrFaults } from './ehr-faults.js';
import { faultTable } from './fault-table.js';
import { processFaults } from './process-faults.js';
import { redisFaults } from './redis-faults.js';

describeWithRedisServer('What users see of faults', () => {
  redisFaults();
  ehrFaults();
  processFaults();

  afterAll(() => console.log(faultTable()));
});
