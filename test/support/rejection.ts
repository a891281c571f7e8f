/** The error of the given class that a call was rejected with. */
export async function rejection<E extends Error>(
  call: Promise<unknown>,
  type: abstract new (...parameters: never[]) => E,
): Promise<E> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof type) return error;
  throw new Error(`expected the call to be rejected with a ${type.name}`, { cause: error });
}
