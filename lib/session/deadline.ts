import { SmartError } from '../smart-error.js';

/**
 * The work's result, or `store_unavailable` when it fails or takes longer than this.
 *
 * @param options.isForgotten nobody waits for it: the deadline does not keep the process from ending
 */
export async function withinDeadline<T>(
  work: Promise<T>,
  timeoutMs: number,
  options: { isForgotten?: boolean } = {},
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    if (options.isForgotten) timer.unref();
  });
  try {
    return await Promise.race([work, deadline]);
  } catch (error) {
    throw storeUnavailable(error);
  } finally {
    clearTimeout(timer);
  }
}

export function storeUnavailable(error: unknown): SmartError {
  if (error instanceof SmartError) return error;
  return new SmartError('store_unavailable', 'The session store did not answer; try again shortly', {
    cause: withoutCommand(error),
  });
}

/** Drivers may quote the command, key and value, whatever the error's code; Node's own words do not. */
function withoutCommand(error: unknown): unknown {
  const { name, code, message } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  const isOfNode = typeof message === 'string' && /^[a-z]+ E[A-Z_]+( [\w.:[\]/-]+)?$/.test(message);
  return isOfNode ? error : { name, code };
}
