/**
 * Why a call got no usable answer.
 * `refused`: our own rules forbid the address; `too_large`: the body passed its limit.
 */
export type HttpFailureKind = 'timeout' | 'network' | 'refused' | 'too_large' | 'aborted';

/** A call that ended without an answer. Carries the host, never the path, headers or body. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  readonly code?: string;

  constructor(
    readonly kind: HttpFailureKind,
    readonly host: string,
    detail: string,
    code?: string,
  ) {
    super(`${host}: ${detail}`);
    if (code !== undefined) this.code = code;
  }
}
