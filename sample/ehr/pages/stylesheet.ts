export const STYLESHEET = `
:root {
  --ink: #16232f;
  --muted: #5a6b7b;
  --line: #d9e0e6;
  --ground: #f4f6f8;
  --accent: #0b5c8a;
  --accent-ink: #ffffff;
  font-family: system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif;
  font-size: 16px;
}
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--ground); line-height: 1.45; }
.bar {
  display: flex; align-items: center; justify-content: space-between; gap: 1rem;
  padding: .75rem 1.5rem; color: var(--accent-ink); background: var(--accent);
}
.bar a { color: inherit; text-decoration: none; font-weight: 600; }
.bar .user { font-size: .9rem; opacity: .92; }
main { max-width: 72rem; margin: 1.5rem auto; padding: 0 1.5rem; }
h1 { margin: 0; font-size: 1.4rem; }
.lead { margin: .25rem 0 0; color: var(--muted); }
.head { display: flex; flex-wrap: wrap; align-items: end; justify-content: space-between; gap: 1rem; margin-bottom: 1rem; }
.search { display: flex; gap: .5rem; max-width: 100%; }
.search input {
  width: 17rem; min-width: 0; padding: .5rem .7rem; font: inherit; color: inherit;
  background: #fff; border: 1px solid #b6c2cc; border-radius: 5px;
}
button, .button {
  display: inline-block; padding: .45rem .8rem; font: inherit; font-size: .9rem; font-weight: 600; white-space: nowrap;
  text-decoration: none; cursor: pointer; border: 1px solid var(--accent); border-radius: 5px;
  color: var(--accent-ink); background: var(--accent);
}
button:hover { background: #094a70; }
button.quiet, td .button { color: var(--accent); background: #fff; border-color: #a9c3d3; }
button.quiet:hover, td .button:hover { background: #e9f1f6; border-color: var(--accent); }
:focus-visible { outline: 3px solid #6db3de; outline-offset: 1px; }
.choice { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; margin-bottom: 1rem; font-size: .9rem; color: var(--muted); }
.choice a { padding: .2rem .6rem; color: var(--accent); border: 1px solid transparent; border-radius: 5px; }
.choice a[aria-current] { color: var(--ink); background: #fff; border-color: #a9c3d3; text-decoration: none; font-weight: 600; }
main.wide { max-width: none; }
.split { display: flex; flex-wrap: wrap; gap: 1rem; }
.chart { flex: 1 1 16rem; max-width: 24rem; padding: 1.25rem 1.5rem; }
.chart h2 { margin: 1.25rem 0 .25rem; font-size: 1rem; }
.chart ul { margin: 0; padding-left: 1.2rem; }
iframe.app { flex: 3 1 30rem; min-height: calc(100vh - 9rem); }
.card { background: #fff; border: 1px solid var(--line); border-radius: 8px; overflow-x: auto; }
.card.text { max-width: 36rem; padding: 1.25rem 1.5rem; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .6rem 1rem; text-align: left; vertical-align: middle; }
th { font-size: .8rem; font-weight: 600; color: var(--muted); background: #fafbfc; }
tr + tr td, tbody tr:first-child td { border-top: 1px solid var(--line); }
tbody tr:hover td { background: #f7fafc; }
td .name { font-weight: 600; }
td .id { display: block; font-size: .75rem; color: var(--muted); overflow-wrap: anywhere; }
td { font-variant-numeric: tabular-nums; }
.date { white-space: nowrap; }
.number { text-align: right; }
.actions { text-align: right; }
.actions > * { margin: .15rem 0 .15rem .4rem; }
.empty { padding: 2rem; text-align: center; color: var(--muted); }
footer { max-width: 72rem; margin: 0 auto 2rem; padding: 0 1.5rem; font-size: .8rem; color: var(--muted); }
code { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; font-size: .9em; }
@media (min-width: 60rem) {
  td .id, .actions { white-space: nowrap; }
}
`;
