import { formatDate } from './dates.js';
import { element } from './dom.js';
import { formatValues } from './vitals-format.js';

/** The chart's readings in words, for those who cannot see it and those who want the numbers. */
export class ReadingsTable {
  #heading = element('th', { scope: 'col' });
  #rows = element('tbody');
  root = element(
    'details',
    {},
    element('summary', {}, 'Readings as a table'),
    element('table', {}, element('thead', {}, row(columnHead('Date'), this.#heading)), this.#rows),
  );

  /** `readings` from the oldest to the newest; the table begins with the newest. */
  show({ label, unit, readings }) {
    this.root.hidden = readings.length === 0;
    this.#heading.textContent = `${label} (${unit})`;
    this.#rows.replaceChildren(
      ...readings
        .toReversed()
        .map(({ date, values }) => row(cell(formatDate(date)), cell(formatValues(values)))),
    );
  }
}

const row = (...cells) => element('tr', {}, ...cells);
const cell = (text) => element('td', {}, text);
const columnHead = (text) => element('th', { scope: 'col' }, text);
