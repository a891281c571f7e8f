import { formatDate, toDate } from './dates.js';
import { element } from './dom.js';
import { VitalsChart } from './vitals-chart.js';
import { formatValues } from './vitals-format.js';

/** Selector, chart and table of the vital signs; shows the first that has readings. */
export function vitalsPanel({ signs, observations, isComplete }) {
  if (signs.every(({ readings, notShown }) => readings.length + notShown === 0)) {
    return [element('p', { class: 'state' }, 'No vital signs recorded.')];
  }
  const chart = new VitalsChart();
  const notes = element('p', { class: 'note' });
  const table = element('tbody');
  const heading = element('th', { scope: 'col' });

  const show = (sign) => {
    const readings = [...sign.readings].sort((a, b) => toDate(a.date) - toDate(b.date));
    chart.show({ ...sign, readings });
    notes.textContent = [
      sign.notShown > 0 && `Not shown: ${sign.notShown} without a date, a number or a known unit.`,
      !isComplete && `Only the newest ${observations} observations were read.`,
    ]
      .filter(Boolean)
      .join(' ');
    heading.textContent = `${sign.label} (${sign.unit})`;
    table.replaceChildren(...readings.reverse().map((reading) => row(reading)));
  };

  const first = signs.find(({ readings }) => readings.length > 0) ?? signs[0];
  const details = element(
    'details',
    {},
    element('summary', {}, 'Readings as a table'),
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, 'Date'), heading)),
      table,
    ),
  );
  // The chart takes the width of its place, so it is drawn once it has one.
  requestAnimationFrame(() => show(first));
  return [selector(signs, first, show), chart.root, notes, details];
}

function selector(signs, first, onChoice) {
  const choices = signs.map((sign) => {
    const radio = element('input', { type: 'radio', name: 'sign' });
    radio.checked = sign === first;
    radio.addEventListener('change', () => onChoice(sign));
    return element('label', {}, radio, element('span', {}, sign.label));
  });
  return element('fieldset', {}, element('legend', {}, 'Vital sign'), ...choices);
}

function row({ date, values }) {
  return element('tr', {}, element('td', {}, formatDate(date)), element('td', {}, formatValues(values)));
}
