/** A sentence for every member nobody reads: a switch with a typo is a switch that is not set. */
export function unknownOptions(path: string, value: object, known: readonly string[]): string[] {
  return Object.keys(value)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const meant = known.find((other) => other.toLowerCase() === name.toLowerCase().replace(/[_-]/g, ''));
      const option = path === '' ? name : `${path}.${name}`;
      return `${option} is not an option: ${meant ? `write ${meant}` : `there are ${known.join(', ')}`}`;
    });
}
