import uPlot from '/uplot/uPlot.esm.js';
import { formatDate, toDate } from './dates.js';
import { element } from './dom.js';
import { formatValue, formatValues } from './vitals-format.js';

const STROKES = [
  { stroke: '#0b5c8a' },
  // Told apart by more than its colour.
  { stroke: '#a8461a', dash: [8, 5] },
];
const INK = '#44546a';
const GRID = { stroke: '#e4eaef', width: 1 };
const FONT = '13px system-ui, sans-serif';
const DAY_SECONDS = 86_400;
/** What a label on the time axis tells, by the days from one label to the next. */
const LABEL_PARTS = [
  [360, { year: 'numeric' }],
  [28, { month: 'short', year: 'numeric' }],
  [1, { day: 'numeric', month: 'short' }],
  [0, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }],
];

/** A line chart of one vital sign over time. */
export class VitalsChart {
  root = element('div', { class: 'plot' });
  #plot = null;

  constructor() {
    // Also when it is put on the page: until then it has no width.
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(this.root);
  }

  /** `readings` from the oldest to the newest. */
  show(sign) {
    this.#plot?.destroy();
    this.#plot = null;
    if (sign.readings.length === 0) {
      this.root.replaceChildren(element('p', { class: 'state' }, `${sign.label}: no readings to show.`));
      return;
    }
    this.root.replaceChildren();
    this.#plot = new uPlot({ ...this.#size(), ...options(sign) }, columns(sign), this.root);
    const picture = this.root.querySelector('.u-wrap');
    picture.setAttribute('role', 'img');
    picture.setAttribute('aria-label', summary(sign));
  }

  #size() {
    const width = this.root.clientWidth;
    return { width, height: width < 480 ? 260 : 360 };
  }
}

function columns({ readings, lines }) {
  return [readings.map(seconds), ...lines.map((_, line) => readings.map(({ values }) => values[line]))];
}

function options(sign) {
  const { label, unit, lines, readings } = sign;
  const last = readings.length - 1;
  return {
    cursor: {
      drag: { x: false, y: false },
      points: { size: 11, fill: (_plot, series) => STROKES[series - 1].stroke },
    },
    scales: { x: { range: timeRange(readings) }, y: { range: valueRange } },
    axes: [
      { stroke: INK, grid: GRID, ticks: GRID, font: FONT, values: timeLabels, space: labelSpace },
      {
        stroke: INK,
        grid: GRID,
        ticks: GRID,
        font: FONT,
        label: `${label} (${unit})`,
        labelFont: FONT,
        size: 58,
        labelSize: 24,
      },
    ],
    series: [
      // Where the pointer is on no reading, the legend tells the newest.
      { label: 'Date', value: (_plot, _value, _series, index) => formatDate(readings[index ?? last].date) },
      ...lines.map((line, position) => ({
        label: line,
        width: 2,
        spanGaps: true,
        points: { show: true, size: 7, fill: '#fff', width: 2 },
        ...STROKES[position],
        value: (_plot, _value, _series, index) => {
          const value = readings[index ?? last].values[position];
          return value === null ? '–' : `${formatValue(value)} ${unit}`;
        },
      })),
    ],
  };
}

const seconds = ({ date }) => toDate(date).getTime() / 1000;

/** Room at both ends, and some weeks around a reading that stands alone. */
function timeRange(readings) {
  const from = seconds(readings[0]);
  const to = seconds(readings.at(-1));
  const margin = Math.max((to - from) * 0.03, 20 * DAY_SECONDS);
  return () => [from - margin, to + margin];
}

/** Pixels from one label to the next: years are short, months and days are not. */
/** A year takes less room than a month and a year, so it depends on what there is room for. */
function labelSpace(_plot, _axis, from, to, width) {
  const closest = ((to - from) / width) * 38;
  return closest > 180 * DAY_SECONDS ? 38 : 85;
}

function valueRange(_plot, from, to) {
  const margin = Math.max((to - from) * 0.15, Math.abs(to) * 0.02, 0.5);
  return [Math.max(0, from - margin), to + margin];
}

function timeLabels(_plot, splits, _axis, _space, increment) {
  const [, parts] = LABEL_PARTS.find(([days]) => increment >= days * DAY_SECONDS);
  return splits.map((second) => new Date(second * 1000).toLocaleString('en-GB', parts));
}

function summary({ label, unit, readings }) {
  const newest = readings.at(-1);
  const count = readings.length === 1 ? '1 reading' : `${readings.length} readings`;
  return (
    `${label}: ${count} from ${formatDate(readings[0].date)} to ${formatDate(newest.date)}, ` +
    `the newest ${formatValues(newest.values)} ${unit}`
  );
}
