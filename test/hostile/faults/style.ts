import type { Answer, Json } from '../ehr/exchange.js';
import { ACCEPTED } from '../ehr/fault.js';
import type { Expectation, Fault } from '../ehr/fault.js';
import type { Tenant } from '../ehr/tenant.js';

const VISITS = ['/api/style'];

function noStyle(error: string, style = 1): Expectation {
  return { at: 'data', status: 502, error, calls: { style, fhir: 0 }, session: true };
}

/** a list of fonts that a careless pattern takes days to refuse */
const ENDLESS = `a${(',' + ' '.repeat(20)).repeat(10)}!`;

/** Values that would be more in a style sheet than they say. */
const UNSAFE: Json = {
  color_background: 'red;}body{display:none',
  color_error: 'url(https://evil.example/x)',
  color_highlight: '</style><script>alert(1)</script>',
  color_modal_backdrop: 'expression(alert(1))',
  color_success: ['red'],
  color_text: 'rgb(1,2,3)/**/;',
  dim_border_radius: 'calc(1px)',
  dim_font_size: '1px;x:y',
  dim_spacing_size: 5,
  font_family_body: "Arial', x; } body { color: red",
  font_family_heading: '"Arial',
  polluted: 'red',
};

export const STYLE_FAULTS: Fault[] = [
  style('every value would break out of its declaration', () => ({ status: 200, body: UNSAFE }), {
    ...ACCEPTED,
    shows: {},
  }),
  style(
    'a list of fonts is made to be matched for ever',
    () => ({ status: 200, body: { font_family_body: ENDLESS, color_text: 'red' } }),
    { ...ACCEPTED, shows: { color_text: 'red' } },
  ),
  style(
    'a font’s quotes do not match',
    () => ({ status: 200, body: { font_family_body: "'Arial", font_family_heading: 'Arial, "X' } }),
    { ...ACCEPTED, shows: {} },
  ),
  style(
    'it sets __proto__',
    () => ({ status: 200, body: '{"__proto__":{"color_text":"red"},"constructor":1}' }),
    { ...ACCEPTED, shows: {} },
  ),
  style(
    'it is larger than 64 kB',
    () => ({ status: 200, body: { color_text: 'red', pad: 'x'.repeat(65_536) } }),
    noStyle('ehr_unavailable'),
  ),
  style('it is a list', () => ({ status: 200, body: ['red'] }), noStyle('invalid_fhir_response')),
  style(
    'it is a style sheet',
    () => ({ status: 200, headers: { 'content-type': 'text/css' }, body: 'body{}' }),
    noStyle('invalid_fhir_response'),
  ),
  style('it is a 404', () => ({ status: 404 }), noStyle('invalid_fhir_response')),
  style(
    'it is at another server',
    (_good, { evil }) => ({ status: 302, headers: { location: evil.url } }),
    noStyle('invalid_fhir_response'),
  ),
  ...[
    'javascript:alert(1)',
    'file:///etc/passwd',
    'data:application/json,{}',
    '/style',
    'http://[',
    'ftp://x/y',
  ].map((url) => ({
    ...style(`its URL is ${url}`, (good) => good, noStyle('invalid_fhir_response', 0)),
    token: (body: Json) => ({ ...body, smart_style_url: url }),
  })),
  ...[undefined, null, '', 5, ['x']].map((url) => ({
    ...style(`its URL is ${JSON.stringify(url)}`, (good) => good, {
      ...ACCEPTED,
      calls: { style: 0 },
      shows: null,
    }),
    token: (body: Json) => ({ ...body, smart_style_url: url }),
  })),
  {
    ...style('it is asked for twice and fetched once', (good) => good, { ...ACCEPTED, calls: { style: 1 } }),
    visits: [...VISITS, ...VISITS],
  },
  {
    ...style('nobody asks for it and it is not fetched', (good) => good, {
      ...ACCEPTED,
      calls: { style: 0 },
    }),
    visits: ['/api/patient'],
  },
];

function style(name: string, answer: (good: Answer, ehr: Tenant) => Answer, expect: Expectation): Fault {
  return { id: 'A7-16', name: `the style: ${name}`, answer: { style: answer }, visits: VISITS, expect };
}
