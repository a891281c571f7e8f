const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export function formatValue(value) {
  return value === null ? '–' : number.format(value);
}

/** `120 / 80` for a blood pressure. */
export function formatValues(values) {
  return values.map(formatValue).join(' / ');
}
