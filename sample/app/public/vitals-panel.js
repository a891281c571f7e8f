import { toDate } from './dates.js';
import { element } from './dom.js';
import { ReadingsTable } from './readings-table.js';
import { VitalsChart } from './vitals-chart.js';

/** Selector, chart and table of the vital signs; shows the first that has readings. */
export function vitalsPanel({ signs, observations, isComplete }) {
  if (signs.every(({ readings, notShown }) => readings.length + notShown === 0)) {
    return [element('p', { class: 'state' }, 'No vital signs recorded.')];
  }
  const chart = new VitalsChart();
  const table = new ReadingsTable();
  const notes = element('p', { class: 'note' });

  const show = (sign) => {
    const inOrder = { ...sign, readings: sign.readings.toSorted((a, b) => toDate(a.date) - toDate(b.date)) };
    chart.show(inOrder);
    table.show(inOrder);
    const skipped = sign.notShown && `Not shown: ${sign.notShown} without a date, a number or a known unit.`;
    const older = !isComplete && `Only the newest ${observations} observations were read.`;
    notes.textContent = [skipped, older].filter(Boolean).join(' ');
  };

  const first = signs.find(({ readings }) => readings.length > 0) ?? signs[0];
  show(first);
  return [selector(signs, first, show), chart.root, notes, table.root];
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
