import { describe, expect, it } from '@jest/globals';
import { HttpFailure } from './http-failure.js';

describe('HttpFailure', () => {
  it('names the kind, the host and the reason', () => {
    const failure = new HttpFailure('network', 'ehr.example.org:8443', 'other side closed', 'UND_ERR_SOCKET');

    expect(failure).toBeInstanceOf(Error);
    expect(failure).toMatchObject({
      name: 'HttpFailure',
      kind: 'network',
      host: 'ehr.example.org:8443',
      message: 'ehr.example.org:8443: other side closed',
      code: 'UND_ERR_SOCKET',
    });
  });
});
